//! Envelopes in the place of readings, and their chain.

use super::*;

#[tokio::test]
async fn envelopes_are_chained_and_sent_in_order_until_they_are_acknowledged() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..5)).await.unwrap();
    buffer.record(taken(2, 0..2)).await.unwrap();
    seal_all(&buffer, 2).await;
    buffer.record(taken(1, 5..6)).await.unwrap();
    seal_all(&buffer, 2).await;
    let sent = payloads(&buffer).await;
    let order: Vec<_> = sent
        .iter()
        .map(|one| (one.device_id.0, one.sequence, one.readings.len()))
        .collect();
    assert_eq!(
        order,
        [(1, 1, 2), (1, 2, 2), (1, 3, 1), (2, 1, 2), (1, 4, 1)]
    );
    let outgoing = buffer.outgoing(Vec::new(), 100, usize::MAX).await.unwrap();
    assert_eq!(sent[1].previous, Some(hash(&outgoing[0].compact)));
    assert_eq!(sent[4].previous, Some(hash(&outgoing[2].compact)));
    let acknowledged = vec![(DeviceId(1), 1), (DeviceId(2), 1)];
    buffer.acknowledge(acknowledged, at(60)).await.unwrap();
    let left: Vec<_> = payloads(&buffer)
        .await
        .iter()
        .map(|one| (one.device_id.0, one.sequence))
        .collect();
    assert_eq!(left, [(1, 2), (1, 3), (1, 4)]);
    let except = buffer
        .outgoing(vec![DeviceId(1)], 100, usize::MAX)
        .await
        .unwrap();
    assert_eq!(except, []);
}

#[tokio::test]
async fn a_batch_is_bounded_by_envelopes_and_bytes_but_never_empty() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..9)).await.unwrap();
    seal_all(&buffer, 3).await;
    let length = buffer.outgoing(Vec::new(), 1, usize::MAX).await.unwrap()[0]
        .compact
        .len();
    for (envelopes, bytes, expected) in [
        (2, usize::MAX, 2),
        (9, length, 1),
        (9, 1, 1),
        (9, 3 * length + 300, 3),
    ] {
        let batch = buffer.outgoing(Vec::new(), envelopes, bytes).await.unwrap();
        assert_eq!(batch.len(), expected, "{envelopes} {bytes}");
    }
}

#[tokio::test]
async fn a_run_ends_where_the_meter_changes() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..2)).await.unwrap();
    let mut swapped = taken(1, 2..3);
    swapped.meter.serial = "another".into();
    buffer.record(swapped).await.unwrap();
    buffer.record(taken(1, 3..4)).await.unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    let serials: Vec<_> = runs.iter().map(|run| run.meter.serial.as_str()).collect();
    assert_eq!(serials, ["1", "another", "1"]);
    buffer.seal(envelopes(runs, MAX_READINGS)).await.unwrap();
    assert_eq!(payloads(&buffer).await.len(), 3);
}

#[tokio::test]
async fn each_device_has_its_turn() {
    let buffer = Folder::new().open(SHARE);
    for device in 1..=3 {
        buffer.record(taken(device, 0..10)).await.unwrap();
    }
    let devices = async |after: Option<i64>, except: Vec<DeviceId>| {
        let runs = buffer
            .unsealed(after.map(DeviceId), except, 15)
            .await
            .unwrap();
        runs.iter()
            .map(|run| (run.device.0, run.readings.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(devices(None, Vec::new()).await, [(1, 10), (2, 5)]);
    assert_eq!(devices(Some(2), Vec::new()).await, [(3, 10), (1, 5)]);
    assert_eq!(devices(Some(3), vec![DeviceId(1)]).await, [(2, 10), (3, 5)]);
}

#[tokio::test]
async fn an_envelope_that_does_not_follow_the_chain_is_not_kept() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..2)).await.unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    let good = envelopes(runs, 1);
    buffer.seal(good.clone()).await.unwrap();
    assert!(matches!(
        buffer.seal(good.clone()).await,
        Err(BufferError::OutOfStep { .. })
    ));
    buffer.record(taken(1, 2..3)).await.unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    let mut broken = envelopes(runs, 1);
    broken[0].previous = Some("00".repeat(32));
    assert!(matches!(
        buffer.seal(broken).await,
        Err(BufferError::OutOfStep { .. })
    ));
    assert_eq!(
        buffer.usage().await.unwrap().readings,
        3,
        "and nothing is lost"
    );
}

#[tokio::test]
async fn acknowledged_envelopes_are_sent_again_when_the_registry_asks_for_them() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..4)).await.unwrap();
    seal_all(&buffer, 1).await;
    let all: Vec<_> = (1..=4).map(|sequence| (DeviceId(1), sequence)).collect();
    buffer.acknowledge(all, at(60)).await.unwrap();
    assert_eq!(payloads(&buffer).await, []);
    buffer.resend(DeviceId(1), 3).await.unwrap();
    let again: Vec<_> = payloads(&buffer)
        .await
        .iter()
        .map(|one| one.sequence)
        .collect();
    assert_eq!(again, [3, 4]);
    buffer
        .acknowledge(vec![(DeviceId(1), 3), (DeviceId(1), 4)], at(61))
        .await
        .unwrap();
    buffer
        .prune(at(61) + KEEP_ACKNOWLEDGED + TimeDelta::minutes(1))
        .await
        .unwrap();
    let gone = buffer.resend(DeviceId(1), 1).await;
    assert!(
        matches!(gone, Err(BufferError::Gone { expected: 1, .. })),
        "{gone:?}"
    );
}

#[tokio::test]
async fn an_unsealed_envelope_is_readings_again_and_its_place_in_the_chain_is_free() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..6)).await.unwrap();
    seal_all(&buffer, 2).await;
    buffer.record(taken(1, 6..7)).await.unwrap();
    let before = payloads(&buffer).await;
    buffer.unseal(DeviceId(1), 2).await.unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].readings, (2..7).map(reading).collect::<Vec<_>>());
    assert_eq!(runs[0].next_sequence, 2);
    assert_eq!(runs[0].previous, before[1].previous);
    buffer.seal(envelopes(runs, 2)).await.unwrap();
    let after = payloads(&buffer).await;
    assert_eq!(
        after[0..3],
        before[0..3],
        "made anew of the same, they are the same"
    );
    assert_eq!(buffer.usage().await.unwrap().readings, 7);
}
