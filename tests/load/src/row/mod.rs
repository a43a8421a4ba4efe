//! The rows of the table, one file each.

mod big_action;
mod cancel_split;
mod cold_start;
mod failover;
pub mod fsync;
mod gateway;
mod gateway_drain;
mod get;
mod http;
mod issue;
mod lag;
mod log_bytes;
mod memory;
mod query_page;
mod race;
mod readings;
mod rebuild;
mod restart;
mod sustained;
mod transfer;

use crate::database::Databases;
use crate::figure::Figure;
use crate::options::Options;
use crate::process::Registry;
use crate::world::{DEVICE_YEAR, World};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// Clients of the rows that target 64.
pub const CLIENTS: usize = 64;

/// All rows, in the order that lets the later ones rest on what the earlier ones left.
pub const ROWS: [&str; 20] = [
    "fsync",
    "http",
    "issue",
    "rebuild",
    "readings",
    "gateway",
    "gateway_drain",
    "transfer",
    "cancel_split",
    "big_action",
    "race",
    "get",
    "lag",
    "log_bytes",
    "rebuild_mixed",
    "query_page",
    "memory",
    "restart",
    "cold_start",
    "failover",
];

/// Rows whose target says ten million bundles.
const OF_MANY: [&str; 4] = ["query_page", "memory", "restart", "cold_start"];

/// Rows that what is there already does not concern.
const OF_NO_SIZE: [&str; 6] = [
    "fsync",
    "http",
    "rebuild",
    "gateway_drain",
    "cold_start",
    "failover",
];

/// Rows that need what one process tree does not have: a projector that stands by, a second registry, and databases that
/// fail without it.
const OF_APART: [&str; 1] = ["failover"];

/// Whether a row says something of how cost grows.
pub fn grows(row: &str) -> bool {
    !OF_NO_SIZE.contains(&row)
}

/// The rows asked for, or all that separate processes or one process tree have.
///
/// # Errors
/// A name that is none, or is of separate processes alone.
pub fn chosen(names: &[String], apart: bool) -> Result<Vec<&'static str>> {
    for name in names {
        ensure!(
            ROWS.contains(&name.as_str()),
            "there is no row `{name}`; there are: {}",
            ROWS.join(", ")
        );
        ensure!(
            apart || !OF_APART.contains(&name.as_str()),
            "row `{name}` needs --apart: one process tree has nothing that could take over"
        );
    }
    let all = names.is_empty();
    let wanted = |row: &&str| match all {
        true => apart || !OF_APART.contains(row),
        false => names.iter().any(|name| name == row),
    };
    Ok(ROWS.into_iter().filter(wanted).collect())
}

/// A running registry, and what rows need to load it.
pub struct Bench {
    pub options: Options,
    pub registry: Registry,
    pub databases: Databases,
    pub world: World,
}

impl Bench {
    /// Starts a registry and issues the bundles that are to be there first.
    pub async fn start(options: Options) -> Result<Self> {
        let registry = Registry::start(&options).await?;
        let databases = Databases::watch(registry.config()?.database);
        let world = World::create(registry.address, registry.admin(), options.seed).await?;
        let mut bench = Self {
            options,
            registry,
            databases,
            world,
        };
        bench.fill_to(bench.options.bundles).await?;
        Ok(bench)
    }

    /// Issues bundles until there are at least so many, rounded up to whole device-years, and has the databases do at once
    /// what they would do later, beside the rows.
    pub async fn fill_to(&mut self, bundles: usize) -> Result<()> {
        let lacking = bundles.saturating_sub(self.bundles().await?);
        if lacking == 0 {
            return Ok(());
        }
        eprintln!("Issuing {lacking} bundles");
        let began = Instant::now();
        self.world
            .fill(&self.databases, lacking.div_ceil(DEVICE_YEAR))
            .await?;
        self.databases.settle().await?;
        eprintln!("  {:.1} s", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Bundles that there are, split ones included.
    pub async fn bundles(&self) -> Result<usize> {
        Ok(usize::try_from(self.databases.bundle_count().await?)?)
    }

    /// How long a round of sustained load goes on.
    pub const fn round(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    pub fn settings(&self) -> String {
        let Options {
            rounds,
            seconds,
            seed,
            bundles,
            many,
            ..
        } = self.options;
        format!(
            "{}; {rounds} rounds after one that warms up, {seconds} s each where load is sustained, seed {seed}; \
             at least {bundles} bundles to begin with, {many} for {}",
            self.registry.shape(),
            OF_MANY.join(", ")
        )
    }
}

/// Runs rows one after the other; one that fails is told of and counted.
pub async fn run(bench: &mut Bench, rows: &[&'static str]) -> (Vec<Figure>, usize) {
    let (mut figures, mut failures) = (Vec::new(), 0);
    for row in rows {
        eprintln!("{row}");
        let began = Instant::now();
        match one(bench, row).await {
            Ok(found) => {
                for figure in &found {
                    let (min, median, max) = figure.spread();
                    eprintln!(
                        "  {}: {min:.2} / {median:.2} / {max:.2} {}",
                        figure.row, figure.unit
                    );
                }
                figures.extend(found);
            }
            Err(error) => {
                eprintln!("  failed: {error:#}");
                failures += 1;
            }
        }
        eprintln!("  {:.1} s", began.elapsed().as_secs_f64());
    }
    (figures, failures)
}

async fn one(bench: &mut Bench, row: &str) -> Result<Vec<Figure>> {
    if OF_MANY.contains(&row) {
        bench.fill_to(bench.options.many).await?;
    }
    match row {
        "fsync" => fsync::run(bench),
        "http" => http::run(bench).await,
        "issue" => issue::run(bench).await,
        "readings" => readings::run(bench).await,
        "gateway" => gateway::run(bench).await,
        "gateway_drain" => gateway_drain::run(bench).await,
        "transfer" => transfer::run(bench).await,
        "cancel_split" => cancel_split::run(bench).await,
        "big_action" => big_action::run(bench).await,
        "race" => race::run(bench).await,
        "get" => get::run(bench).await,
        "query_page" => query_page::run(bench).await,
        "lag" => lag::run(bench).await,
        "log_bytes" => log_bytes::run(bench).await,
        "memory" => memory::run(bench),
        "rebuild" => rebuild::of_bulk(bench).await,
        "rebuild_mixed" => rebuild::of_all(bench).await,
        "restart" => restart::run(bench).await,
        "cold_start" => cold_start::run(bench).await,
        "failover" => failover::run(bench).await,
        other => anyhow::bail!("row `{other}` has no code"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_needs_separate_processes_is_left_out_of_one_tree_and_refused_by_name() {
        assert_eq!(chosen(&[], true).unwrap(), ROWS);
        let tree = chosen(&[], false).unwrap();
        assert_eq!(tree.len(), ROWS.len() - OF_APART.len());
        assert!(!tree.contains(&"failover"));
        let named = ["failover".to_owned()];
        let refused = chosen(&named, false).unwrap_err().to_string();
        assert!(refused.contains("--apart"), "{refused}");
        assert_eq!(chosen(&named, true).unwrap(), ["failover"]);
    }
}
