//! How long after its answer a write can be read, at a steady rate of issuing.

use super::Bench;
use crate::database::Databases;
use crate::figure::Figure;
use crate::follower::{Follower, Seen};
use crate::http::{Reply, post};
use crate::load::{Arrival, Client, Crowd, histogram, micros, p99_ms};
use crate::world::{DEVICE_YEAR, World, half_hour};
use anyhow::Result;
use chrono::SecondsFormat;
use hdrhistogram::Histogram;
use std::time::Instant;
use std::vec::IntoIter;

/// Bundles per second, whatever the registry does.
const RATE: usize = 5_000;
/// Readings per submission.
const READINGS: usize = 50;
/// Connections, taken in turn; one that is still waiting delays its next submission, which shows.
const CONNECTIONS: usize = 32;

/// Sends its share of the submissions, and notes when each was answered.
struct Submitter {
    requests: IntoIter<Vec<u8>>,
    answered: Vec<(i64, Instant)>,
}

impl Client for Submitter {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.requests.next()
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(200)?;
        self.answered.push((reply.position, Instant::now()));
        Ok(())
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (mut read, mut write, mut answer) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=bench.options.rounds {
        let seconds = usize::try_from(bench.options.seconds)?;
        let submissions = submissions(&mut bench.world, seconds * RATE / READINGS).await?;
        let outcome = play(bench, submissions).await?;
        if round > 0 {
            read.push(p99_ms(&outcome.read));
            write.push(p99_ms(&outcome.write));
            answer.push(p99_ms(&outcome.answer));
        }
    }
    let settings =
        format!("p99 from answer to visible, {RATE} bundles/s issued in submissions of {READINGS}");
    Ok(vec![
        Figure::lower("lag", "ms", read)
            .target(500.0)
            .settings(settings),
        Figure::lower("lag_write", "ms", write).settings("the same in the WRITE database"),
        Figure::lower("lag_answer", "ms", answer)
            .settings("p99 from when a submission was due to its answer"),
    ])
}

/// So many submissions, each of the next readings of one of a few devices.
async fn submissions(world: &mut World, count: usize) -> Result<Vec<Vec<u8>>> {
    let per_device = DEVICE_YEAR / READINGS;
    // At least one device per connection, so that no device's readings overtake each other.
    let devices = count.div_ceil(per_device).max(CONNECTIONS);
    let devices = world.register_devices(devices).await?;
    let shown = |n| half_hour(n).to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut requests = Vec::new();
    for number in 0..count {
        let device = devices[number % devices.len()];
        let first = number / devices.len() * READINGS;
        let readings: Vec<_> = (first..first + READINGS)
            .map(|n| {
                format!(
                    r#"{{"interval_start_datetime":"{}","interval_end_datetime":"{}","interval_usage":{},"gross_net_indicator":"NET"}}"#,
                    shown(n),
                    shown(n + 1),
                    world.wh()
                )
            })
            .collect();
        let body = format!(
            r#"{{"device_id":{device},"readings":[{}]}}"#,
            readings.join(",")
        );
        requests.push(post("/measurement/submit_readings", &world.producer, &body));
    }
    Ok(requests)
}

struct Outcome {
    read: Histogram<u64>,
    write: Histogram<u64>,
    answer: Histogram<u64>,
}

async fn play(bench: &Bench, submissions: Vec<Vec<u8>>) -> Result<Outcome> {
    let mut shares = vec![Vec::new(); CONNECTIONS];
    for (number, request) in submissions.into_iter().enumerate() {
        shares[number % CONNECTIONS].push(request);
    }
    let submitters = shares.into_iter().map(|share| Submitter {
        answered: Vec::with_capacity(share.len()),
        requests: share.into_iter(),
    });
    let mut crowd = Crowd::connect(bench.world.address, submitters).await?;
    let (read, write) = (
        Follower::of(&bench.databases.read),
        Follower::of(&bench.databases.write),
    );
    let per_second = Arrival::Open(u64::try_from(RATE / READINGS)?);
    let outcome = crowd.work(bench.round(), per_second).await?;
    let submitters = crowd.into_clients();
    let answered: Vec<_> = submitters.flat_map(|one| one.answered).collect();
    caught_up(&bench.databases, &answered).await?;
    let (read, write) = (read.seen().await?, write.seen().await?);
    Ok(Outcome {
        read: lags(&read, &answered)?,
        write: lags(&write, &answered)?,
        answer: outcome.latency,
    })
}

async fn caught_up(databases: &Databases, answered: &[(i64, Instant)]) -> Result<()> {
    let last = answered.iter().map(|(position, _)| *position).max();
    databases.caught_up(last.unwrap_or_default()).await
}

/// From each answer until it was visible.
fn lags(seen: &Seen, answered: &[(i64, Instant)]) -> Result<Histogram<u64>> {
    let mut lags = histogram()?;
    for (position, at) in answered {
        lags.saturating_record(micros(seen.since(*position, *at)?));
    }
    Ok(lags)
}
