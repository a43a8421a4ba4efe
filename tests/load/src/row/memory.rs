//! Memory of the registry's process, and of what runs beside it.

use super::Bench;
use crate::figure::Figure;
use crate::process::Memory;
use anyhow::Result;

pub fn run(bench: &Bench) -> Result<Vec<Figure>> {
    let Memory {
        registry,
        projectors,
        postgres,
    } = bench.registry.memory()?;
    let megabytes = |kb: u64| vec![kb as f64 / 1_000.0];
    let what = if projectors.is_empty() {
        "projectors included, Postgres not"
    } else {
        "projectors and Postgres not included"
    };
    let mut figures = vec![
        Figure::lower("memory", "MB", megabytes(registry))
            .target(300.0)
            .settings(format!("resident, {what}; after the rows before it")),
    ];
    if !projectors.is_empty() {
        let each: Vec<_> = projectors
            .iter()
            .map(|kb| format!("{} MB", kb / 1_000))
            .collect();
        figures.push(
            Figure::lower(
                "memory_projectors",
                "MB",
                megabytes(projectors.iter().sum()),
            )
            .settings(format!("resident, WRITE and READ: {}", each.join(" and "))),
        );
    }
    figures.push(
        Figure::lower("memory_postgres", "MB", megabytes(postgres))
            .settings("both servers with all their processes, what they share counted once"),
    );
    Ok(figures)
}
