//! What the disk can do: the log's share of every other figure.

use super::Bench;
use crate::figure::Figure;
use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Appends of 4 KiB per second, each made durable before the next.
pub fn rate(folder: &Path) -> Result<f64> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = [7; 4_096];
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(1) {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(crate::load::per_second(count, began.elapsed()))
}

pub fn run(bench: &Bench) -> Result<Vec<Figure>> {
    let rates = (0..bench.options.rounds).map(|_| rate(&bench.options.folder));
    let figure = Figure::higher("fsync", "1/s", rates.collect::<Result<_>>()?);
    Ok(vec![
        figure.settings("4 KiB appends, each durable before the next"),
    ])
}
