//! One of two registries on the same events is killed; its clients go to the other.

use super::crowd::{CLIENTS, Crowd, PER_SECOND};
use super::{BEFORE, in_words};
use crate::figure::Figure;
use crate::process::Second;
use crate::row::Bench;
use crate::world::readiness;
use anyhow::Result;
use std::time::Instant;

/// Milliseconds.
struct Round {
    silence: f64,
    wait: f64,
}

pub async fn run(bench: &mut Bench, crowd: &mut Crowd) -> Result<Figure> {
    let second = bench.registry.second().await?;
    let (mut silence, mut wait) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let round = round(bench, crowd, &second).await?;
        silence.push(round.silence);
        wait.push(round.wait);
    }
    second.stop().await?;
    Ok(Figure::lower("failover_registry", "ms", silence).settings(format!(
        "longest time without an acknowledged action after kill -9 of the registry that all {CLIENTS} clients use \
         ({PER_SECOND} transfers/s), who go to a second one at the first error; longest wait of one of them {}",
        in_words(wait)
    )))
}

async fn round(bench: &mut Bench, crowd: &mut Crowd, second: &Second) -> Result<Round> {
    let work = crowd.begin(&[bench.registry.address, second.address]);
    tokio::time::sleep(BEFORE).await;
    let killed = Instant::now();
    bench.registry.kill9()?;
    tokio::time::sleep(bench.round()).await;
    let log = crowd.end(work).await?;
    bench.registry.up().await?;
    bench.registry.answers(&readiness()).await?;
    bench.databases.caught_up(log.end()).await?;
    Ok(Round {
        silence: log.longest_silence_ms(killed),
        wait: log.longest_wait_ms(killed),
    })
}
