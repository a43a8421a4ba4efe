//! Building the READ database anew from the events, while the registry runs.

use super::Bench;
use crate::figure::Figure;
use crate::load::per_second;
use anyhow::{Result, ensure};
use std::time::Instant;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bundles = bench.databases.bundle_count().await?;
    let mut rates = Vec::new();
    for _ in 0..bench.options.rounds.min(3) {
        let began = Instant::now();
        let status = bench.registry.rebuild_read().await?;
        ensure!(
            status.success(),
            "`projector rebuild` ended with {status}; see rebuild.log"
        );
        rates.push(per_second(bundles.unsigned_abs(), began.elapsed()));
    }
    Ok(vec![
        Figure::higher("rebuild", "bundles/s", rates).target(100_000.0).settings(format!(
            "READ, {bundles} bundles and all their readings and actions, indexes and swap included"
        )),
    ])
}
