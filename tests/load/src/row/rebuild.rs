//! Building the READ database anew from the events, while the registry runs.

use super::Bench;
use crate::figure::Figure;
use crate::load::per_second;
use anyhow::{Result, ensure};
use std::time::Instant;

/// Bundles that are there at least when those issued in bulk are built anew: fewer would measure how it begins and ends.
const BULK: usize = 1_000_000;

/// From a log of bundles issued in bulk: nothing else has been done before this row.
pub async fn of_bulk(bench: &mut Bench) -> Result<Vec<Figure>> {
    bench.fill_to(BULK).await?;
    let (rates, megabytes) = measure(bench).await?;
    let bundles = bench.bundles().await?;
    Ok(vec![
        Figure::higher("rebuild", "bundles/s", rates)
            .target(100_000.0)
            .settings(format!(
                "READ, {bundles} bundles issued in bulk and their readings, indexes and swap included"
            )),
        Figure::lower("rebuild_memory", "MB", megabytes)
            .settings("resident at most in the projector that rebuilds, Postgres not"),
    ])
}

/// From the log of all rows before this one.
pub async fn of_all(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (rates, megabytes) = measure(bench).await?;
    let bundles = bench.bundles().await?;
    Ok(vec![
        Figure::higher("rebuild_mixed", "bundles/s", rates).settings(format!(
            "likewise, {bundles} bundles, with the single readings, envelopes and actions of the rows before"
        )),
        Figure::lower("rebuild_mixed_memory", "MB", megabytes),
    ])
}

/// Bundles per second of each round, and the most megabytes.
async fn measure(bench: &mut Bench) -> Result<(Vec<f64>, Vec<f64>)> {
    let bundles = bench.databases.bundle_count().await?;
    let (mut rates, mut megabytes) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds.min(3) {
        let began = Instant::now();
        let (status, most_kb) = bench.registry.rebuild_read().await?;
        ensure!(
            status.success(),
            "`projector rebuild` ended with {status}; see rebuild.log"
        );
        rates.push(per_second(bundles.unsigned_abs(), began.elapsed()));
        megabytes.push(most_kb as f64 / 1_000.0);
    }
    Ok((rates, megabytes))
}
