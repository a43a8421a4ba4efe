//! Bytes of the event file per bundle of a bulk submission.

use super::Bench;
use crate::event_file::bytes;
use crate::figure::Figure;
use anyhow::Result;

/// Device-years per round.
const DEVICES: usize = 2;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let file = bench.registry.event_file()?;
    let mut values = Vec::new();
    for _ in 0..bench.options.rounds {
        let years = bench.world.years(DEVICES).await?;
        let before = bytes(&file)?;
        let submitted = bench.world.submit(years, 1).await?;
        let grown = bytes(&file)? - before;
        values.push(grown as f64 / submitted.bundles as f64);
        bench.databases.caught_up(submitted.position).await?;
    }
    Ok(vec![
        Figure::lower("log_bytes", "B/bundle", values)
            .target(150.0)
            .settings("readings and bundles of a year in one submission, the file's own structure included"),
    ])
}
