//! How fast a log is projected, rebuilt and audited: `projection_rate <port> [bundles per submission]
//! [bundles]`. Works in the database `postgres` of user `registry` at that port of this machine, and
//! drops the schema `registry` there first.

#[path = "../it/projections/history.rs"]
#[allow(dead_code)]
mod history;
#[path = "../it/projections/world.rs"]
#[allow(dead_code)]
mod world;

use anyhow::Context;
use event_store::{EventStore, SqliteStore};
use history::History;
use ledger::Stream;
use projections::postgres::Connection;
use projections::rebuild::{CHUNK_ROWS, Step, rebuild};
use projections::runner::Projector;
use projections::verify::audit_of;
use projections::{Target, schema};
use std::sync::Arc;
use std::time::Instant;

const ACCOUNTS: i64 = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().context("port")?.parse()?;
    let per_submission: usize = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let bundles: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let store: Arc<dyn EventStore> = Arc::new(SqliteStore::open(&dir.path().join("events.db"))?);
    let mut history = History::new(Arc::clone(&store));
    world::found(&mut history, ACCOUNTS).await?;
    let begun = Instant::now();
    let mut starts = vec![world::first_day(); usize::try_from(ACCOUNTS)?];
    for submission in 0..bundles / per_submission {
        let device = submission % starts.len();
        let amounts: Vec<i64> = (1..=i64::try_from(per_submission)?)
            .map(|n| n * 10)
            .collect();
        let start = starts[device];
        starts[device] = start + chrono::TimeDelta::minutes(5) * i32::try_from(per_submission)?;
        let command = world::readings(i64::try_from(device)? + 1, start, 5, &amounts);
        history
            .decide(&command)
            .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        if submission % 100 == 99 {
            history.flush().await?;
        }
    }
    history.flush().await?;
    println!("log of {bundles} bundles written in {:?}", begun.elapsed());
    for target in Target::ALL {
        let connection = Connection {
            dbname: "postgres".into(),
            ..Connection::local(port)
        };
        let client = schema::connect(&connection, schema::LIVE).await?;
        client
            .batch_execute("DROP SCHEMA IF EXISTS registry CASCADE")
            .await?;
        let projector = Projector::new(
            target,
            connection.clone(),
            Arc::clone(&store),
            history::DOMAIN,
        )?;
        let mut progress = projector.progress();
        let begun = Instant::now();
        let run = tokio::spawn(projector.run(std::future::pending()));
        let head = history.head(Stream::Ledger);
        progress
            .wait_for(|progress| progress.ledger >= head)
            .await?;
        let took = begun.elapsed();
        println!(
            "{target}: {took:?}, {} bundles/s, cpu of this process so far {:?}",
            bundles as u128 * 1000 / took.as_millis(),
            cpu()
        );
        for round in 0..2 {
            let begun = Instant::now();
            let mut last = begun;
            let rebuilt = rebuild(
                target,
                &connection,
                &store,
                history::DOMAIN,
                CHUNK_ROWS,
                |step| {
                    if !matches!(step, Step::Events { .. }) {
                        println!("  {:?} after {:?}", step, last.elapsed());
                        last = Instant::now();
                    }
                },
            )
            .await?;
            let took = begun.elapsed();
            println!(
                "{target} rebuild {round}: {took:?}, {} bundles/s",
                u128::from(rebuilt.applied.bundles) * 1000 / took.as_millis()
            );
        }
        let begun = Instant::now();
        let report = audit_of(&[(target, &connection)], &store, history::DOMAIN, |_| {}).await?;
        println!("{target} audit: {:?}\n{report}", begun.elapsed());
        run.abort();
    }
    Ok(())
}

fn cpu() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.split(' ').collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<u64>().ok())
            .unwrap_or(0)
    };
    format!("{} ms", (ticks(13) + ticks(14)) * 10)
}
