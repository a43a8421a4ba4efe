#![allow(clippy::unwrap_used)]
//! A process that takes, seals and acknowledges is killed again and again: what it said is durable is.

use super::tests::{at, envelopes, reading, taken};
use super::*;
use schemas::gateway::MeterReadings;
use schemas::gateway::jws::{hash, parse};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const FOLDER: &str = "GATEWAY_TEST_BUFFER";
const SHARE: u64 = 64 << 20;
const ROUNDS: u64 = 12;

#[test]
fn what_was_said_to_be_durable_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let (mut said_taken, mut said_acknowledged) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "buffer::crash_tests::in_a_process_of_its_own",
                "--include-ignored",
                "--nocapture",
            ])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It is killed in the middle of what follows some line, another one each time.
        let lines = lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with("durable "));
        let mut seen = 0;
        for line in lines.take(usize::try_from(5 + round * 7 % 40).unwrap()) {
            let mut words = line
                .split(' ')
                .skip(1)
                .map(|word| word.parse::<i64>().unwrap());
            said_taken = words.next().unwrap();
            said_acknowledged = words.next().unwrap();
            seen += 1;
        }
        assert!(seen >= 5, "the child works");
        child.kill().unwrap();
        child.wait().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(check(dir.path(), said_taken, said_acknowledged));
    }
}

/// The file is whole, holds all that was said, and each reading once.
async fn check(dir: &Path, said_taken: i64, said_acknowledged: i64) {
    let path = dir.join(FILE_NAME);
    let db = Connection::open(&path).unwrap();
    let verdict: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let mut all = db
        .prepare("SELECT compact, acked_at FROM envelope ORDER BY sequence")
        .unwrap();
    let rows = all.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    let (mut number, mut previous) = (0, None);
    for (index, (compact, acked_at)) in rows.into_iter().enumerate() {
        let payload = parse::<MeterReadings>(&compact, 1 << 20).unwrap().payload;
        assert_eq!(payload.sequence, i64::try_from(index).unwrap() + 1);
        assert_eq!(payload.previous, previous);
        assert!(acked_at.is_some() || payload.sequence > said_acknowledged);
        for read in payload.readings {
            assert_eq!(read, reading(number));
            number += 1;
        }
        previous = Some(hash(&compact));
    }
    drop(all);
    drop(db);
    let buffer = Buffer::open(&path, SHARE).unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 1 << 20).await.unwrap();
    for read in runs.into_iter().flat_map(|run| run.readings) {
        assert_eq!(read, reading(number));
        number += 1;
    }
    assert!(
        number >= said_taken,
        "{number} are there, {said_taken} were said to be"
    );
    let accounts = buffer.accounts(DeviceId(1)).await.unwrap().unwrap();
    assert_eq!(
        accounts,
        format!("after {number}"),
        "accounts and readings move together"
    );
    buffer.close().await;
}

#[tokio::test]
#[ignore = "is run by the test above"]
async fn in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let buffer = Buffer::open(&Path::new(&dir).join(FILE_NAME), SHARE).unwrap();
    let accounts = buffer.accounts(DeviceId(1)).await.unwrap();
    let mut number: i64 = accounts.map_or(0, |text| text["after ".len()..].parse().unwrap());
    // The parent kills it; the bound is for one that has died.
    for _ in 0..100_000 {
        buffer.record(taken(1, number..number + 3)).await.unwrap();
        number += 3;
        let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
        buffer.seal(envelopes(runs, 2)).await.unwrap();
        let outgoing = buffer.outgoing(Vec::new(), 2, usize::MAX).await.unwrap();
        let done: Vec<_> = outgoing
            .iter()
            .map(|one| (one.device, one.sequence))
            .collect();
        let last = done.last().map_or(0, |one| one.1);
        buffer.acknowledge(done, at(0)).await.unwrap();
        println!("durable {number} {last}");
    }
}
