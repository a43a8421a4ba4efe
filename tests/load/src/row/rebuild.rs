//! Building the READ database anew from the events, while the registry runs.

use super::Bench;
use crate::figure::Figure;
use crate::load::per_second;
use anyhow::{Result, ensure};
use std::time::Instant;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
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
    Ok(vec![
        Figure::higher("rebuild", "bundles/s", rates).target(100_000.0).settings(format!(
            "READ, {bundles} bundles and all their readings and actions, indexes and swap included"
        )),
        Figure::lower("rebuild_memory", "MB", megabytes)
            .settings("resident at most in the projector that rebuilds, Postgres not"),
    ])
}
