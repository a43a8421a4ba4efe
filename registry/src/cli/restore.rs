//! `registry restore`.

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use projections::{
    Target,
    health::{Ailment, ailments},
    schema,
};
use schemas::log::{Position, StreamName};

use super::log::{bar, show};
use super::place::{Place, Places};
use crate::{
    backup::{self, Restored, Until},
    config::Config,
};

/// Restore a backup to where the configuration has its event store, which must be empty
///
/// Stop everything first. Afterwards start the projectors, which make the databases anew, and the registry.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Where the backup is: a folder, or `s3://BUCKET/PREFIX` in the object store of the configuration
    #[arg(long, value_name = "PLACE")]
    from: Place,
    /// Where the keys are [default: the same]
    #[arg(long, value_name = "PLACE")]
    keys: Option<Place>,
    /// Restore what was recorded by then, e.g. 2026-05-01T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "position")]
    at: Option<DateTime<Utc>>,
    /// Restore the ledger up to this position, and what was recorded elsewhere by then
    #[arg(long, value_name = "POSITION")]
    position: Option<i64>,
    /// Drop the tables of databases that have seen more than is restored, or something else
    #[arg(long)]
    drop_tables: bool,
}

impl Restore {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let restored = self.restore(config).await?;
        for (stream, head) in &restored.streams {
            println!(
                "{stream}: {} events, running hash {}",
                head.position, head.hash
            );
        }
        println!("keys of people: {}", restored.people_keys.display());
        self.look_at_databases(config).await
    }

    async fn restore(&self, config: &Config) -> anyhow::Result<Restored> {
        let places = Places::of(self.from.clone(), self.keys.clone())?;
        let until = match (self.at, self.position) {
            (Some(at), _) => Until::Instant(at),
            (None, Some(position)) => Until::Ledger(Position(position)),
            (None, None) => Until::End,
        };
        let bar = bar("", 0);
        let tell = |stream: &StreamName, step| {
            bar.set_prefix(stream.to_string());
            show(&bar, step);
        };
        let restored = match &places {
            Places::Folders { events, keys } => {
                backup::restore(config, events, keys, until, tell).await
            }
            Places::Buckets(buckets) => {
                backup::restore_from_bucket(config, buckets, until, tell).await
            }
        };
        bar.finish_and_clear();
        Ok(restored?)
    }

    /// Databases that were made from what is gone would be refused by whoever starts next.
    async fn look_at_databases(&self, config: &Config) -> anyhow::Result<()> {
        let store = config.event_store_location()?.open_read_only().await?;
        let databases = [
            (Target::Write, &config.database.write),
            (Target::Read, &config.database.read),
        ];
        let mut missed = Vec::new();
        for (target, connection) in databases {
            let (domain, now) = (&config.domain, Utc::now());
            let found = async {
                let client = schema::connect(connection, schema::LIVE).await?;
                ailments(target, &client, &store, domain, TimeDelta::MAX, now).await
            };
            match found.await {
                Err(error) => {
                    println!("{target}: not looked at: {error}");
                    missed.push(target.as_str());
                }
                Ok(found) if !found.iter().any(is_of_other_log) => {
                    println!("{target}: its projector goes on from where it is");
                }
                Ok(_) if self.drop_tables => {
                    schema::drop_tables(connection).await?;
                    println!("{target}: its tables are dropped; its projector makes them anew");
                }
                Ok(_) => println!(
                    "{target}: it was made from what is not there any more; empty it (DROP SCHEMA registry CASCADE)"
                ),
            }
        }
        store.close().await;
        ensure!(
            missed.is_empty() || !self.drop_tables,
            "the events are restored, and the tables of {} are as they were: if they are of another log, empty them (DROP \
             SCHEMA registry CASCADE) before anything is started",
            missed.join(" and ")
        );
        Ok(())
    }
}

fn is_of_other_log(ailment: &Ailment) -> bool {
    matches!(ailment, Ailment::OtherLog { .. })
}
