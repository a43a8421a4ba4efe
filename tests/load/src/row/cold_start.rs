//! From the start of the registry's process until it is ready, on nothing and on what there is.

use super::Bench;
use crate::figure::Figure;
use crate::process::Registry;
use crate::world::readiness;
use anyhow::Result;
use std::time::Instant;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bundles = bench.databases.bundle_count().await?;
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let mut registry = Registry::install(&bench.options).await?;
        empty.push(start(&mut registry).await?);
        drop(registry);
        bench.registry.stop().await?;
        full.push(start(&mut bench.registry).await?);
    }
    let (of_empty, of_full) = if bench.options.apart {
        (
            "`registry serve` without events until `/readyz` is 200; databases run and have tables",
            "the same beside projectors",
        )
    } else {
        (
            "`registry dev` in an empty folder until `/readyz` is 200; both databases made",
            "`registry dev` again, databases included",
        )
    };
    Ok(vec![
        Figure::lower("cold_start_empty", "s", empty).settings(of_empty),
        Figure::lower("cold_start", "s", full).settings(format!("{of_full}, {bundles} bundles")),
    ])
}

/// Seconds.
async fn start(registry: &mut Registry) -> Result<f64> {
    let began = Instant::now();
    registry.up().await?;
    registry.answers(&readiness()).await?;
    Ok(began.elapsed().as_secs_f64())
}
