//! A process that appends is killed at any moment; what it had acknowledged must be there.

use crate::conformance::{event, events, read_all};
use event_store::{EventStore, Head, NewEvent, SqliteStore};
use schemas::log::{Position, RunningHash, StreamName};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Tells the child where the store is.
const PATH: &str = "EVENT_STORE_CRASH_TEST";

const ROUNDS: usize = 16;

/// Streams, each written to by one task of the child.
const WRITERS: usize = 4;

fn stream(writer: usize) -> StreamName {
    StreamName::ledger(&format!("crash-{writer}")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started and killed by the other tests"]
async fn append_until_killed() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let store = std::sync::Arc::new(SqliteStore::open(&PathBuf::from(path)).unwrap());
    println!();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = std::sync::Arc::clone(&store);
        writers.spawn(async move {
            let stream = stream(writer);
            let mut head = store.head(&stream).await.unwrap();
            loop {
                head = store
                    .append(&stream, head.position, batch(head.position))
                    .await
                    .unwrap();
                let line = format!("acknowledged {writer} {} {}\n", head.position, head.hash);
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Small ones, and now and then one that makes the log long enough to be moved into the database.
fn batch(at: Position) -> Vec<NewEvent> {
    match at.0 % 23 {
        0 => vec![event(700_000)],
        n => events(usize::try_from(n % 4).unwrap() + 1),
    }
}

/// Starts the child, kills it when it has acknowledged `count` appends, and adds the last head it
/// acknowledged for each stream.
fn run_and_kill(path: &Path, count: usize, heads: &mut HashMap<usize, Head>) {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::append_until_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    loop {
        let mut line = String::new();
        // A line without its end was cut off by the kill and tells nothing.
        if lines.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        let Some(rest) = line.strip_prefix("acknowledged ") else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let mut hash = [0; 32];
        hex::decode_to_slice(words[2], &mut hash).unwrap();
        let position = Position(words[1].parse().unwrap());
        heads.insert(
            words[0].parse().unwrap(),
            Head {
                position,
                hash: RunningHash(hash),
            },
        );
        seen += 1;
        if seen == count {
            child.kill().unwrap();
        }
    }
    assert!(
        seen >= count,
        "the child ended by itself after {seen} appends"
    );
    child.wait().unwrap();
}

#[tokio::test]
async fn no_acknowledged_event_is_missing_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let mut acknowledged = HashMap::new();
    for round in 0..ROUNDS {
        // Any number will do: the moment within an append is left to the scheduler.
        run_and_kill(&path, 1 + round * 29 % 61, &mut acknowledged);
        let store = SqliteStore::open(&path).unwrap();
        for (writer, head) in &acknowledged {
            store.check(&stream(*writer), *head).await.unwrap();
        }
        // In half of the rounds the next child finds the files as the kill left them.
        if round % 2 == 0 {
            store.close().await;
        }
    }
    let store = SqliteStore::open(&path).unwrap();
    for (writer, head) in acknowledged {
        let all = read_all(&store, &stream(writer)).await;
        let last = usize::try_from(head.position.0).unwrap();
        assert!(all.len() >= last);
        assert_eq!(all[last - 1].hash, head.hash);
    }
}

#[tokio::test]
async fn a_store_serves_on_while_another_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = SqliteStore::open(&path).unwrap();
    let own = StreamName::ledger("own").unwrap();
    let mut own_head = Head::START;
    let mut acknowledged = HashMap::new();
    for round in 0..4 {
        let (path, mut heads) = (path.clone(), std::mem::take(&mut acknowledged));
        let child = tokio::task::spawn_blocking(move || {
            run_and_kill(&path, 10 + round * 17, &mut heads);
            heads
        });
        while !child.is_finished() {
            own_head = store
                .append(&own, own_head.position, events(3))
                .await
                .unwrap();
        }
        acknowledged = child.await.unwrap();
        for (writer, head) in &acknowledged {
            store.check(&stream(*writer), *head).await.unwrap();
        }
    }
    store.close().await;
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.head(&own).await.unwrap(), own_head);
}
