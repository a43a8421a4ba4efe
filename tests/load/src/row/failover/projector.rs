//! A projector is killed while another stands by.

use super::crowd::{CLIENTS, Crowd, PER_SECOND};
use super::{BEFORE, in_words, ms};
use crate::figure::Figure;
use crate::follower::Follower;
use crate::row::Bench;
use anyhow::Result;
use projections::Target;
use std::time::Instant;

/// The issue's: a standby takes over within five seconds.
const TARGET_MS: f64 = 5_000.0;

/// Milliseconds.
struct Round {
    followed: f64,
    silence: f64,
}

pub async fn run(bench: &mut Bench, crowd: &mut Crowd, target: Target) -> Result<Figure> {
    let (mut followed, mut silence) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let round = round(bench, crowd, target).await?;
        followed.push(round.followed);
        silence.push(round.silence);
    }
    let name = match target {
        Target::Write => "failover_write_projector",
        Target::Read => "failover_read_projector",
    };
    Ok(Figure::lower(name, "ms", followed)
        .target(TARGET_MS)
        .settings(format!(
            "from kill -9, another standing by, until the database shows an action sent after it; {CLIENTS} clients, \
             {PER_SECOND} transfers/s; longest time without an acknowledged action {}",
            in_words(silence)
        )))
}

async fn round(bench: &mut Bench, crowd: &mut Crowd, target: Target) -> Result<Round> {
    bench.registry.apart()?.stand_by(target)?;
    bench.databases.stands_by(target).await?;
    let work = crowd.begin(&[bench.registry.address]);
    tokio::time::sleep(BEFORE).await;
    let follower = Follower::of(bench.databases.of(target));
    let killed = Instant::now();
    bench.registry.apart()?.kill_projector(target)?;
    tokio::time::sleep(bench.round()).await;
    let log = crowd.end(work).await?;
    bench.databases.caught_up(log.end()).await?;
    let after = log.first_sent_after(killed)?;
    let seen = follower.seen().await?;
    Ok(Round {
        followed: ms(seen.since(after.position, killed)?),
        silence: log.longest_silence_ms(killed),
    })
}
