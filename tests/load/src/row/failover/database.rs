//! A Postgres server is killed and started again at once.

use super::crowd::{CLIENTS, Crowd, PER_SECOND};
use super::errand::Errand;
use super::{BEFORE, in_words, ms};
use crate::figure::Figure;
use crate::row::Bench;
use crate::world::readiness;
use anyhow::{Context, Result};
use projections::Target;
use std::time::Instant;

/// Milliseconds from the kill, but for `silence`.
struct Round {
    right: f64,
    /// Until the server itself took connections again.
    server: f64,
    /// Longest time without an acknowledged action.
    silence: f64,
    turned_away: f64,
}

pub async fn run(bench: &mut Bench, crowd: &mut Crowd, target: Target) -> Result<Figure> {
    let mut rounds = Vec::new();
    for _ in 0..bench.options.rounds {
        rounds.push(round(bench, crowd, target).await?);
    }
    let name = match target {
        Target::Write => "failover_write_database",
        Target::Read => "failover_read_database",
    };
    let all = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let turned_away: f64 = all(|round| round.turned_away).iter().sum();
    Ok(Figure::lower(name, "ms", all(|round| round.right)).settings(format!(
        "from kill -9 of Postgres, started again at once, until a transfer sent after it is acknowledged and read back; \
         Postgres itself {}; {CLIENTS} clients, {PER_SECOND} transfers/s, longest time without an acknowledged action \
         {}, {turned_away} attempts turned away in all rounds",
        in_words(all(|round| round.server)),
        in_words(all(|round| round.silence)),
    )))
}

async fn round(bench: &mut Bench, crowd: &mut Crowd, target: Target) -> Result<Round> {
    let errand = Errand::prepare(bench).await?;
    let work = crowd.begin(&[bench.registry.address]);
    tokio::time::sleep(BEFORE).await;
    let killed = Instant::now();
    let server = bench.registry.apart()?.server(target);
    server.kill9().await;
    let restarted = async {
        server.restart().await.context("Postgres")?;
        anyhow::Ok(killed.elapsed())
    };
    let run = async {
        errand.run().await?;
        anyhow::Ok(killed.elapsed())
    };
    let (restarted, right) = tokio::try_join!(restarted, run)?;
    tokio::time::sleep(bench.round()).await;
    let log = crowd.end(work).await?;
    bench.registry.answers(&readiness()).await?;
    bench.databases.caught_up(log.end()).await?;
    Ok(Round {
        right: ms(right),
        server: ms(restarted),
        silence: log.longest_silence_ms(killed),
        turned_away: log.turned_away as f64,
    })
}
