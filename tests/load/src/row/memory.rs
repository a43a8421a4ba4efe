//! Memory of the registry's process.

use super::Bench;
use crate::figure::Figure;
use anyhow::Result;

pub fn run(bench: &Bench) -> Result<Vec<Figure>> {
    let megabytes = bench.registry.memory_kb()? as f64 / 1_000.0;
    Ok(vec![
        Figure::lower("memory", "MB", vec![megabytes])
            .target(300.0)
            .settings("resident, projectors included, Postgres not; after the rows before it"),
    ])
}
