//! Where the registry is elsewhere than the buffer, or does not want to go on.

use super::*;

fn stands(device: i64, next_sequence: i64, previous: Option<String>) -> GatewayDevice {
    GatewayDevice {
        device_id: DeviceId(device),
        device_name: "roof".into(),
        next_sequence,
        previous,
    }
}

#[tokio::test]
async fn a_gateway_that_enrols_anew_goes_on_where_the_registry_is() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..4)).await.unwrap();
    seal_all(&buffer, 1).await;
    buffer
        .acknowledge(vec![(DeviceId(1), 1)], at(60))
        .await
        .unwrap();
    let outgoing = buffer.outgoing(Vec::new(), 9, usize::MAX).await.unwrap();
    // The registry has envelope 2 as well; its answer was lost.
    let second = hash(&outgoing[0].compact);
    buffer
        .adopt(vec![
            stands(1, 3, Some(second.clone())),
            stands(2, 8, Some("cd".repeat(32))),
        ])
        .await
        .unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    assert_eq!(runs[0].readings, (2..4).map(reading).collect::<Vec<_>>());
    assert_eq!(
        (runs[0].next_sequence, runs[0].previous.clone()),
        (3, Some(second))
    );
    let streams = buffer.streams().await.unwrap();
    assert_eq!(streams[1].next_sequence, 8);
}

#[tokio::test]
async fn a_chain_that_went_on_elsewhere_keeps_every_reading_that_was_not_acknowledged() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..3)).await.unwrap();
    seal_all(&buffer, 1).await;
    buffer
        .acknowledge(vec![(DeviceId(1), 1)], at(60))
        .await
        .unwrap();
    buffer
        .adopt(vec![stands(1, 9, Some("cd".repeat(32)))])
        .await
        .unwrap();
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    assert_eq!(runs[0].readings, (1..3).map(reading).collect::<Vec<_>>());
    assert_eq!(
        (runs[0].next_sequence, runs[0].previous.clone()),
        (9, Some("cd".repeat(32)))
    );
}

#[tokio::test]
async fn a_hold_is_remembered_until_it_is_lifted() {
    let folder = Folder::new();
    let buffer = folder.open(SHARE);
    buffer.record(taken(1, 0..1)).await.unwrap();
    let hold = Hold {
        code: "device_not_found".into(),
        detail: "no such device".into(),
        sequence: 1,
        since: at(3),
    };
    buffer.hold(DeviceId(1), Some(hold.clone())).await.unwrap();
    buffer.close().await;
    let buffer = folder.open(SHARE);
    assert_eq!(buffer.streams().await.unwrap()[0].hold, Some(hold));
    buffer.hold(DeviceId(1), None).await.unwrap();
    assert_eq!(buffer.streams().await.unwrap()[0].hold, None);
}
