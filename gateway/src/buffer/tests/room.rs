//! How much there is room for.

use super::*;

/// Fills the buffer; the number of readings that it took.
async fn fill(buffer: &Buffer) -> i64 {
    let mut number = 0;
    loop {
        match buffer.record(taken(1, number..number + 100)).await {
            Ok(()) => number += 100,
            Err(error) => {
                assert!(error.is_full(), "{error}");
                return number;
            }
        }
    }
}

#[tokio::test]
async fn a_full_buffer_takes_nothing_loses_nothing_and_takes_again_once_it_is_drained() {
    let share = 1 << 20;
    let buffer = Folder::new().open(share);
    let took = fill(&buffer).await;
    assert!(took > 2_000, "a reading takes about 250 bytes: {took}");
    let accounts = buffer.accounts(DeviceId(1)).await.unwrap().unwrap();
    assert_eq!(
        accounts,
        format!("after {took}"),
        "the accounts have not moved on"
    );
    // The state of accounts alone, and envelopes, still find room.
    buffer.record(taken(1, took..took)).await.unwrap();
    let mut sent = 0;
    while buffer.usage().await.unwrap().readings > 0 {
        let runs = buffer.unsealed(None, Vec::new(), 500).await.unwrap();
        buffer.seal(envelopes(runs, MAX_READINGS)).await.unwrap();
        for payload in payloads(&buffer).await {
            assert_eq!(payload.readings[0], reading(sent));
            sent += i64::try_from(payload.readings.len()).unwrap();
            let acknowledged = vec![(DeviceId(1), payload.sequence)];
            buffer.acknowledge(acknowledged, at(0)).await.unwrap();
        }
    }
    assert_eq!(sent, took);
    assert_eq!(fill(&buffer).await / 1_000, took / 1_000);
}

#[tokio::test]
async fn what_is_acknowledged_makes_room_for_what_is_not() {
    let share = 1 << 20;
    let buffer = Folder::new().open(share);
    let took = fill(&buffer).await / 2;
    let buffer = Folder::new().open(share);
    for number in (0..took).step_by(50) {
        buffer.record(taken(1, number..number + 50)).await.unwrap();
        seal_all(&buffer, MAX_READINGS).await;
        let outgoing = buffer.outgoing(Vec::new(), 1, usize::MAX).await.unwrap();
        buffer
            .acknowledge(vec![(DeviceId(1), outgoing[0].sequence)], at(0))
            .await
            .unwrap();
    }
    assert!(fill_from(&buffer, took).await > took);
    assert!(matches!(
        buffer.resend(DeviceId(1), 1).await,
        Err(BufferError::Gone { .. })
    ));
}

async fn fill_from(buffer: &Buffer, mut number: i64) -> i64 {
    let first = number;
    while buffer.record(taken(1, number..number + 100)).await.is_ok() {
        number += 100;
    }
    number - first
}

/// A month of a hundred meters at five minutes; minutes in a debug build, so by hand:
/// `cargo nextest run --release -p gateway --run-ignored all -E 'test(a_month)'`.
#[tokio::test]
#[ignore = "takes long; run by hand with --release"]
async fn a_month_of_a_hundred_meters_fits_and_drains() {
    const DEVICES: i64 = 100;
    const READINGS: i64 = 30 * 24 * 12;
    let folder = Folder::new();
    let buffer = folder.open(1 << 30);
    let began = std::time::Instant::now();
    for number in (0..READINGS).step_by(48) {
        let record = |device| buffer.record(taken(device, number..number + 48));
        futures_util::future::try_join_all((0..DEVICES).map(record))
            .await
            .unwrap();
    }
    let usage = buffer.usage().await.unwrap();
    assert_eq!(usage.readings, (DEVICES * READINGS).unsigned_abs());
    println!(
        "{} readings in {} bytes, {:?}",
        usage.readings,
        usage.bytes,
        began.elapsed()
    );
    let began = std::time::Instant::now();
    let (mut sent, mut after) = (0, None);
    loop {
        let runs = buffer.unsealed(after, Vec::new(), 5_000).await.unwrap();
        let Some(last) = runs.last() else { break };
        after = Some(last.device);
        buffer.seal(envelopes(runs, MAX_READINGS)).await.unwrap();
        let outgoing = buffer
            .outgoing(Vec::new(), 1_000, usize::MAX)
            .await
            .unwrap();
        sent += outgoing.iter().map(|one| one.readings).sum::<u64>();
        let done = outgoing
            .iter()
            .map(|one| (one.device, one.sequence))
            .collect();
        buffer.acknowledge(done, at(0)).await.unwrap();
        buffer.prune(at(0)).await.unwrap();
    }
    println!("{sent} readings drained in {:?}", began.elapsed());
    assert_eq!(sent, usage.readings);
}
