//! Measures an event store on this machine: `cargo run --release -p event_store --example measure
//! [folder]`. Every append is durable when it counts. Events are 489 bytes of data and metadata.

use event_store::{EventStore, NewEvent, SqliteStore};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ROUND: Duration = Duration::from_secs(3);
const SCANNED: usize = 1_000_000;

fn events(count: usize) -> Vec<NewEvent> {
    let event = || NewEvent {
        event_id: uuid::Uuid::now_v7(),
        event_type: "ReadingsAccepted".into(),
        version: 1,
        data: vec![b'd'; 300],
        metadata: vec![b'm'; 189],
    };
    std::iter::repeat_with(event).take(count).collect()
}

fn rate(what: &str, count: usize, took: Duration) {
    let per_second = count as u128 * 1_000_000 / took.as_micros().max(1);
    println!(
        "{what:<46} {per_second:>10}/s   ({count} in {} ms)",
        took.as_millis()
    );
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(parent)?;
    let path = folder.path().join("events.db");
    let store = Arc::new(SqliteStore::open(&path)?);

    for (stream, size) in [("single", 1), ("thousands", 1_000)] {
        let stream = StreamName::try_from(stream.to_owned())?;
        let (start, mut head) = (Instant::now(), Position::START);
        let mut latencies = Vec::new();
        while start.elapsed() < ROUND {
            let sent = Instant::now();
            head = store.append(&stream, head, events(size)).await?.position;
            latencies.push(sent.elapsed().as_micros());
        }
        latencies.sort_unstable();
        let at = |share: usize| latencies[(latencies.len() - 1) * share / 1000];
        println!(
            "  p50 {} us, p99 {} us, p99.9 {} us, max {} us",
            at(500),
            at(990),
            at(999),
            at(1000)
        );
        let count = usize::try_from(head.0)?;
        rate(
            &format!("append, 1 writer, {size} per append"),
            count,
            start.elapsed(),
        );
    }
    for in_flight in [32] {
        let stream = StreamName::try_from(format!("flight-{in_flight}"))?;
        let (start, mut next) = (Instant::now(), Position::START);
        let mut answers = FuturesOrdered::new();
        let mut count = 0;
        while start.elapsed() < ROUND {
            while answers.len() < in_flight {
                answers.push_back(store.append(&stream, next, events(1)));
                next = next.plus(1);
            }
            answers.next().await.transpose()?;
            count += 1;
        }
        rate(
            &format!("append, {in_flight} in flight on one stream, 1 per append"),
            count,
            start.elapsed(),
        );
        while answers.next().await.transpose()?.is_some() {}
    }
    for writers in [32, 512] {
        let count = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..writers {
            let (store, count) = (Arc::clone(&store), Arc::clone(&count));
            tasks.spawn(async move {
                // A stream each, so that nobody conflicts and the group commit is what is measured.
                let stream = StreamName::try_from(format!("w{writers}-{writer}"))?;
                let mut head = Position::START;
                while start.elapsed() < ROUND {
                    head = store.append(&stream, head, events(1)).await?.position;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        rate(
            &format!("append, {writers} writers and streams, 1 per append"),
            count.load(Ordering::Relaxed),
            start.elapsed(),
        );
    }
    store.close().await;
    drop(store);

    let path = folder.path().join("scan.db");
    let stream = StreamName::ledger("gb")?;
    let store = SqliteStore::open(&path)?;
    let mut head = Position::START;
    while head.0 < SCANNED as i64 {
        head = store.append(&stream, head, events(1_000)).await?.position;
    }
    store.close().await;
    drop(store);
    let bytes = std::fs::metadata(&path)?.len();
    println!("{:<46} {:>10} B", "size per event", bytes / SCANNED as u64);

    let start = Instant::now();
    let store = SqliteStore::open(&path)?;
    rate(
        "open, every event and page verified",
        SCANNED,
        start.elapsed(),
    );
    rate(
        "the same in KiB",
        usize::try_from(bytes / 1024)?,
        start.elapsed(),
    );

    let start = Instant::now();
    let (mut after, mut count) = (Position::START, 0);
    loop {
        let batch = store.read(&stream, after, 4096).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        count += batch.len();
    }
    rate(
        "read in batches of 4096, each verified",
        count,
        start.elapsed(),
    );

    let start = Instant::now();
    let mut subscription = store.subscribe(&stream, Position::START);
    let mut count = 0;
    while count < SCANNED {
        count += subscription
            .next()
            .await
            .transpose()?
            .unwrap_or_default()
            .len();
    }
    rate("subscription, history", count, start.elapsed());
    store.close().await;
    Ok(())
}
