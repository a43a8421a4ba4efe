//! The same rows at several sizes: what an operation costs must not depend on how much there is.

use crate::figure::{Better, Figure};
use crate::machine;
use crate::options::Options;
use crate::report::shown;
use crate::row::{self, Bench};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A cost is flat if it is at most so much higher at the largest size than at the smallest.
pub const FLAT: f64 = 0.2;

/// A figure at each size.
pub struct Growth {
    pub figures: Vec<(usize, Figure)>,
}

/// What was measured, and on what.
pub struct Measured {
    pub facts: Vec<String>,
    pub settings: String,
    pub growths: Vec<Growth>,
    /// Rows that failed.
    pub failures: usize,
}

impl Growth {
    fn first(&self) -> Option<&Figure> {
        self.figures.first().map(|(_, figure)| figure)
    }

    pub fn row(&self) -> &'static str {
        self.first().map_or("", |figure| figure.row)
    }

    /// Cost at each size as a multiple of that at the smallest.
    pub fn multiples(&self) -> Vec<(usize, f64)> {
        let Some(first) = self.first().map(cost) else {
            return Vec::new();
        };
        let multiple = |(size, figure): &(usize, Figure)| (*size, cost(figure) / first);
        self.figures.iter().map(multiple).collect()
    }
}

/// Of one operation, in units of its own.
fn cost(figure: &Figure) -> f64 {
    let (_, median, _) = figure.spread();
    match figure.better {
        Better::Higher => 1.0 / median,
        Better::Lower => median,
    }
}

/// Runs rows at each size of the options.
pub async fn run(options: &Options, rows: &[&'static str]) -> Result<Measured> {
    let mut sizes = options.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let mut started: BTreeMap<usize, Bench> = BTreeMap::new();
    let (mut facts, mut failures, mut shape) = (Vec::new(), 0, "");
    let mut growths: Vec<Growth> = Vec::new();
    // A machine is faster now and then: each row is measured at all sizes before the next one is.
    for row in rows {
        for size in &sizes {
            let mut bench = match at_size(started.remove(size), options, *size).await {
                Ok(bench) => bench,
                Err(error) => {
                    eprintln!("{row} is left out: {error:#}");
                    failures += 1;
                    continue;
                }
            };
            if facts.is_empty() {
                facts = machine::facts(&bench).await?;
                shape = bench.registry.shape();
            }
            let (figures, failed) = row::run(&mut bench, &[row]).await;
            failures += failed;
            started.insert(*size, bench);
            for figure in figures {
                match growths.iter_mut().find(|one| one.row() == figure.row) {
                    Some(growth) => growth.figures.push((*size, figure)),
                    None => growths.push(Growth {
                        figures: vec![(*size, figure)],
                    }),
                }
            }
        }
    }
    Ok(Measured {
        facts,
        settings: format!(
            "{shape}; {} rounds after one that warms up, {} s each where load is sustained, seed {}; a row begins with at most \
             a tenth more bundles than its column says, in databases that were vacuumed after issuing them, and adds what it needs",
            options.rounds, options.seconds, options.seed
        ),
        growths,
        failures,
    })
}

/// A registry with so many bundles, and hardly more: one that rows have filled beyond is begun anew.
async fn at_size(started: Option<Bench>, options: &Options, size: usize) -> Result<Bench> {
    if let Some(mut bench) = started
        && bench.bundles().await? <= size + size / 10
    {
        bench.fill_to(size).await?;
        return Ok(bench);
    }
    let options = Options {
        bundles: size,
        many: 0,
        ..options.clone()
    };
    eprintln!("At {size} bundles");
    Bench::start(options).await
}

impl Measured {
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for fact in self.facts.iter().chain([&self.settings]) {
            text.push_str(&format!("- {fact}\n"));
        }
        let sizes = self.sizes();
        let titles: Vec<_> = sizes.iter().map(|size| shown(*size as f64)).collect();
        text.push_str(&format!(
            "\n| row | unit | {} | cost | flat |\n|---|---|{}--:|---|\n",
            titles.join(" | "),
            "--:|".repeat(sizes.len())
        ));
        for growth in &self.growths {
            text.push_str(&growth.line(&sizes));
        }
        text
    }

    fn sizes(&self) -> Vec<usize> {
        let all = self.growths.iter().flat_map(|growth| &growth.figures);
        let mut sizes: Vec<_> = all.map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// An array of rows at sizes.
    pub fn json(&self) -> Result<String> {
        let all = self.growths.iter().flat_map(|growth| &growth.figures);
        let rows = all.map(|(size, figure)| {
            let mut row = figure.json();
            row["bundles"] = json!(size);
            row
        });
        serde_json::to_string_pretty(&rows.collect::<Vec<Value>>())
            .map(|text| text + "\n")
            .context("figures are JSON")
    }
}

impl Growth {
    fn line(&self, sizes: &[usize]) -> String {
        let at = |size: &usize| self.figures.iter().find(|(at, _)| at == size);
        let medians = sizes
            .iter()
            .map(|size| at(size).map_or_else(String::new, |(_, figure)| shown(figure.spread().1)));
        let medians: Vec<_> = medians.collect();
        // Nothing is said of a row that failed at the smallest size or at the largest.
        let measured = |size: Option<&usize>| size.is_some_and(|size| at(size).is_some());
        let is_whole = sizes.len() > 1 && measured(sizes.first()) && measured(sizes.last());
        let grown = self.multiples().last().copied().filter(|_| is_whole);
        let (cost, flat) = grown.map_or((String::new(), ""), |(_, last)| {
            let grown = last - 1.0;
            let flat = if grown <= FLAT { "yes" } else { "**no**" };
            (format!("{:+.0} %", grown * 100.0), flat)
        });
        format!(
            "| {} | {} | {} | {cost} | {flat} |\n",
            self.row(),
            self.first().map_or("", |figure| figure.unit),
            medians.join(" | "),
        )
    }
}
