#![doc = include_str!("../README.md")]
#![allow(
    clippy::float_arithmetic,
    reason = "figures are statistics; no amount of energy is computed here"
)]

mod cpu;
mod database;
mod edge;
mod event_file;
mod figure;
mod follower;
mod growth;
mod http;
mod load;
mod machine;
mod memory;
mod options;
mod plot;
mod process;
mod random;
mod report;
mod row;
mod world;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use std::path::Path;

use crate::options::Options;
use crate::row::Bench;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let stop = registry::signal::stop_requested();
    tokio::select! {
        done = run(Options::parse()) => done,
        // What was started is stopped as it is dropped.
        () = stop => bail!("stopped"),
    }
}

async fn run(options: Options) -> Result<()> {
    let rows = row::chosen(&options.rows, options.apart)?;
    std::fs::create_dir_all(&options.folder)
        .with_context(|| format!("{} can not be made", options.folder.display()))?;
    let failures = if options.sizes.is_empty() {
        measure(options, &rows).await?
    } else {
        measure_growth(&options, &rows).await?
    };
    ensure!(failures == 0, "{failures} rows failed; see above");
    Ok(())
}

/// Rows once; returns how many failed.
async fn measure(options: Options, rows: &[&'static str]) -> Result<usize> {
    let mut bench = Bench::start(options).await?;
    let facts = machine::facts(&bench).await?;
    let (figures, failures) = row::run(&mut bench, rows).await;
    let settings = bench.settings();
    let output = bench.options.output("latest.json");
    drop(bench);
    println!("{}", report::markdown(&facts, &settings, &figures));
    write(&output, &report::json(&figures)?)?;
    Ok(failures)
}

/// Rows at each size; returns how many failed.
async fn measure_growth(options: &Options, rows: &[&'static str]) -> Result<usize> {
    let rows: Vec<_> = rows.iter().copied().filter(|row| row::grows(row)).collect();
    let measured = growth::run(options, &rows).await?;
    let table = measured.markdown();
    println!("{table}");
    write(&options.output("growth.md"), &table)?;
    write(&options.output("growth.json"), &measured.json()?)?;
    let picture = options.output("growth.svg");
    plot::draw(&picture, &measured.growths)?;
    eprintln!("Drawn in {}.", picture.display());
    Ok(measured.failures)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} can not be written", path.display()))?;
    eprintln!("Written to {}.", path.display());
    Ok(())
}
