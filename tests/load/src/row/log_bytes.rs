//! Bytes per bundle of a bulk submission: of the event file, and of both databases.

use super::Bench;
use crate::event_file::bytes;
use crate::figure::Figure;
use anyhow::Result;

/// Device-years per round.
const DEVICES: usize = 2;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let file = bench.registry.event_file()?;
    let (mut log, mut write, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let years = bench.world.years(DEVICES).await?;
        let (file_before, [write_before, read_before]) =
            (bytes(&file)?, bench.databases.bytes().await?);
        let submitted = bench.world.submit(years, 1).await?;
        bench.databases.caught_up(submitted.position).await?;
        let [write_after, read_after] = bench.databases.bytes().await?;
        for (values, grown) in [
            (&mut log, bytes(&file)? - file_before),
            (&mut write, write_after - write_before),
            (&mut read, read_after - read_before),
        ] {
            values.push(grown as f64 / submitted.bundles as f64);
        }
    }
    Ok(vec![
        Figure::lower("log_bytes", "B/bundle", log)
            .target(150.0)
            .settings("readings and bundles of a year in one submission, the file's own structure included"),
        Figure::lower("write_bytes", "B/bundle", write)
            .settings("the same in the WRITE database, indexes included"),
        Figure::lower("read_bytes", "B/bundle", read)
            .settings("the same in the READ database, indexes included"),
    ])
}
