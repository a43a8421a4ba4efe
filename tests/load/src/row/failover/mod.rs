//! How long it takes until another is in the place of one that was killed under load, or until that is back.

mod crowd;
mod database;
mod errand;
mod projector;
mod registry;
mod steadfast;

use super::Bench;
use crate::figure::Figure;
use anyhow::Result;
use crowd::Crowd;
use projections::Target;
use std::time::Duration;

/// How long everything goes well before something is killed.
const BEFORE: Duration = Duration::from_secs(1);

/// The least, the middle and the most of what is told beside a figure.
pub fn in_words(figure: Vec<f64>) -> String {
    let (min, median, max) = Figure::lower("", "", figure).spread();
    format!("{min:.0} / {median:.0} / {max:.0} ms")
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    bench.registry.apart()?;
    let mut crowd = Crowd::gather(bench).await?;
    let mut figures = Vec::new();
    for target in Target::ALL {
        figures.push(projector::run(bench, &mut crowd, target).await?);
    }
    figures.push(registry::run(bench, &mut crowd).await?);
    for target in Target::ALL {
        figures.push(database::run(bench, &mut crowd, target).await?);
    }
    Ok(figures)
}
