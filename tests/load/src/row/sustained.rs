//! Rounds of a load that goes on for a while.

use super::Bench;
use crate::cpu::Used;
use crate::event_file;
use crate::figure::Figure;
use crate::load::{Arrival, Client, Crowd, per_second};
use anyhow::Result;
use std::time::Instant;

/// What the rounds came to.
#[derive(Default)]
pub struct Sustained {
    /// Answers per second of each round, until both databases show what was written.
    rates: Vec<f64>,
    /// Milliseconds below which 99 % of the answers came.
    p99_ms: Vec<f64>,
    /// Microseconds of processor time that registry and Postgres took for each answer.
    cpu_us: Vec<f64>,
    /// Bytes that the log grew by for each answer.
    log_bytes: Vec<f64>,
    answered: u64,
    used: Used,
}

impl Sustained {
    /// One round, which counts.
    pub async fn round<C: Client>(
        &mut self,
        bench: &Bench,
        crowd: &mut Crowd<C>,
        arrival: Arrival,
    ) -> Result<()> {
        let file = bench.registry.event_file()?;
        let log_before = event_file::bytes(&file)?;
        let before = bench.registry.processor_time();
        let outcome = crowd.work(bench.round(), arrival).await?;
        let answered = Instant::now();
        bench.databases.caught_up(outcome.position).await?;
        let elapsed = outcome.elapsed + answered.elapsed();
        let used = bench.registry.processor_time().since(before);
        self.used = self.used.plus(used);
        self.answered += outcome.answered;
        self.rates.push(per_second(outcome.answered, elapsed));
        self.p99_ms.push(outcome.p99_ms());
        self.cpu_us.push(used.server_us(outcome.answered));
        let grown = event_file::bytes(&file)? - log_before;
        self.log_bytes
            .push(grown as f64 / outcome.answered.max(1) as f64);
        Ok(())
    }

    pub fn rate(&self, row: &'static str, unit: &'static str) -> Figure {
        Figure::higher(row, unit, self.rates.clone())
    }

    pub fn p99(&self, row: &'static str) -> Figure {
        Figure::lower(row, "ms", self.p99_ms.clone())
    }

    /// What an answer costs: also on a machine that does other things beside, and where the load does not fill it.
    pub fn cpu(&self, row: &'static str) -> Figure {
        Figure::lower(row, "µs", self.cpu_us.clone()).settings(format!(
            "processor time each: {}",
            self.used.per(self.answered)
        ))
    }

    /// What an answer leaves in the log, the structure of its file included.
    pub fn log_bytes(&self, row: &'static str) -> Figure {
        Figure::lower(row, "B", self.log_bytes.clone()).settings("of the log, each")
    }
}

/// One round to warm up, and those that count, closed.
pub async fn sustain<C: Client>(bench: &Bench, crowd: &mut Crowd<C>) -> Result<Sustained> {
    sustain_as(bench, crowd, Arrival::Closed).await
}

/// The same, as requests arrive.
pub async fn sustain_as<C: Client>(
    bench: &Bench,
    crowd: &mut Crowd<C>,
    arrival: Arrival,
) -> Result<Sustained> {
    crowd.work(bench.round(), arrival).await?;
    let mut sustained = Sustained::default();
    for _ in 0..bench.options.rounds {
        sustained.round(bench, crowd, arrival).await?;
    }
    Ok(sustained)
}
