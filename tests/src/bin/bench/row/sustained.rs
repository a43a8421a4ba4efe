//! Rounds of a load that goes on for a while.

use super::Bench;
use crate::cpu::Used;
use crate::load::{Client, Crowd};
use anyhow::Result;

/// What the rounds came to.
#[derive(Default)]
pub struct Sustained {
    /// Answers per second of each round.
    pub rates: Vec<f64>,
    /// Milliseconds below which 99 % of the answers came.
    pub p99_ms: Vec<f64>,
    answered: u64,
    used: Used,
}

impl Sustained {
    /// One round, which counts.
    pub async fn round<C: Client>(&mut self, bench: &Bench, crowd: &mut Crowd<C>) -> Result<()> {
        let before = bench.registry.processor_time();
        let outcome = crowd.work(bench.round()).await?;
        let used = bench.registry.processor_time().since(before);
        self.used = self.used.plus(used);
        self.answered += outcome.answered;
        self.rates.push(outcome.per_second());
        self.p99_ms.push(outcome.p99_ms());
        Ok(())
    }

    /// Processor time per answer, as a sentence.
    pub fn processor_time(&self) -> String {
        self.used.per(self.answered)
    }
}

/// One round to warm up, and those that count.
pub async fn sustain<C: Client>(bench: &Bench, mut crowd: Crowd<C>) -> Result<Sustained> {
    crowd.work(bench.round()).await?;
    let mut sustained = Sustained::default();
    for _ in 0..bench.options.rounds {
        sustained.round(bench, &mut crowd).await?;
    }
    Ok(sustained)
}
