//! How long after its answer a write can be read, at a steady rate of issuing.

use super::Bench;
use crate::database::Databases;
use crate::figure::Figure;
use crate::http::{Connection, post};
use crate::load::{histogram, micros, p99_ms};
use crate::world::{DEVICE_YEAR, World, half_hour};
use anyhow::{Context, Result};
use chrono::SecondsFormat;
use hdrhistogram::Histogram;
use ledger::Stream;
use projections::checkpoint_watch::CheckpointWatch;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// Bundles per second, whatever the registry does.
const RATE: usize = 5_000;
/// Readings per submission.
const READINGS: usize = 50;
/// Connections, taken in turn; one that is still waiting delays its next submission, which shows.
const CONNECTIONS: usize = 32;

/// A submission of the schedule.
struct Due {
    at: Instant,
    request: Vec<u8>,
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

/// When a database was seen to show a position.
type Seen = Vec<(i64, Instant)>;

/// Notes when a database moves.
struct Follower {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Seen>,
}

impl Follower {
    fn of(watch: &CheckpointWatch) -> Self {
        let mut positions = watch.positions(Stream::Ledger);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut seen = Seen::new();
            loop {
                let at = positions.borrow_and_update().0;
                seen.push((at, Instant::now()));
                tokio::select! {
                    moved = positions.changed() => if moved.is_err() { return seen },
                    _ = &mut stopped => return seen,
                }
            }
        });
        Self { stop, task }
    }

    async fn seen(self) -> Result<Seen> {
        // It ends either way.
        let _ = self.stop.send(());
        Ok(self.task.await?)
    }
}

async fn play(bench: &Bench, submissions: Vec<Vec<u8>>) -> Result<Outcome> {
    let mut senders = Vec::new();
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (sender, mut due) = mpsc::unbounded_channel::<Due>();
        let mut connection = Connection::open(bench.world.address).await?;
        senders.push(sender);
        tasks.spawn(async move {
            let mut answered = Vec::new();
            while let Some(Due { at, request }) = due.recv().await {
                let reply = connection.send(&request).await?;
                reply.expect(200)?;
                answered.push((reply.position, at, Instant::now()));
            }
            anyhow::Ok(answered)
        });
    }
    let (read, write) = (
        Follower::of(&bench.databases.read),
        Follower::of(&bench.databases.write),
    );
    let pace = Duration::from_secs(1) / u32::try_from(RATE / READINGS)?;
    let mut at = Instant::now();
    for (number, request) in submissions.into_iter().enumerate() {
        tokio::time::sleep_until(at.into()).await;
        senders[number % CONNECTIONS]
            .send(Due { at, request })
            .ok()
            .context("a client is gone")?;
        at += pace;
    }
    drop(senders);
    let mut answered = Vec::new();
    while let Some(done) = tasks.join_next().await {
        answered.extend(done??);
    }
    caught_up(&bench.databases, &answered).await?;
    let (read, write) = (read.seen().await?, write.seen().await?);
    let mut outcome = Outcome {
        read: histogram()?,
        write: histogram()?,
        answer: histogram()?,
    };
    for (position, due, answered) in answered {
        outcome.answer.saturating_record(micros(answered - due));
        outcome
            .read
            .saturating_record(micros(lag(&read, position, answered)?));
        outcome
            .write
            .saturating_record(micros(lag(&write, position, answered)?));
    }
    Ok(outcome)
}

async fn caught_up(databases: &Databases, answered: &[(i64, Instant, Instant)]) -> Result<()> {
    let last = answered.iter().map(|(position, ..)| *position).max();
    databases.caught_up(last.unwrap_or_default()).await
}

/// Zero if it was visible before it was answered.
fn lag(seen: &Seen, position: i64, answered: Instant) -> Result<Duration> {
    let index = seen.partition_point(|(at, _)| *at < position);
    let (_, visible) = seen.get(index).context("a position was never seen")?;
    Ok(visible.saturating_duration_since(answered))
}
