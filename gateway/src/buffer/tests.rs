#![allow(clippy::unwrap_used)]
use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;
use schemas::WattHours;
use schemas::gateway::jws::{SIGNATURE_BYTES, Signed, Unsigned, hash};
use schemas::gateway::limit::MAX_READINGS;
use schemas::gateway::{
    ClockState, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality, Reading,
};
use schemas::id::GatewayId;

const SHARE: u64 = 64 << 20;

pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_200 + minutes * 60, 0).unwrap()
}

pub(super) fn reading(number: i64) -> Reading {
    Reading {
        interval_start: at(5 * number),
        interval_end: at(5 * number + 5),
        wh: WattHours(7),
        counter_start_wh: Some(WattHours(1_000_000 + 7 * number)),
        counter_end_wh: Some(WattHours(1_000_007 + 7 * number)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

pub(super) fn taken(device: i64, readings: std::ops::Range<i64>) -> Taken {
    Taken {
        device: DeviceId(device),
        meter: MeterIdentity {
            maker: "Eastron".into(),
            model: "SDM630".into(),
            serial: device.to_string(),
            firmware: None,
        },
        profile: ProfileRef {
            id: "eastron_sdm630".into(),
            sha256: "ab".repeat(32),
        },
        accounts: format!("after {}", readings.end),
        readings: readings.map(reading).collect(),
    }
}

fn key() -> PublicKey {
    PublicKey::ed25519(&[9; 32])
}

/// Envelopes as the uplink makes them, but with a signature of zeros.
pub(super) fn envelopes(runs: Vec<Unsealed>, most: usize) -> Vec<Sealed> {
    let mut made: Vec<Sealed> = Vec::new();
    for run in runs {
        let mut first_reading = run.first_reading;
        for readings in run.readings.chunks(most) {
            let before = made.last().filter(|before| before.device == run.device);
            let (sequence, previous) = match before {
                Some(before) => (before.sequence + 1, Some(hash(&before.compact))),
                None => (run.next_sequence, run.previous.clone()),
            };
            let payload = MeterReadings {
                context: MeterReadings::CONTEXT.into(),
                gateway_id: GatewayId(3),
                device_id: run.device,
                meter: run.meter.clone(),
                profile: run.profile.clone(),
                sequence,
                previous: previous.clone(),
                created_at: at(0),
                readings: readings.to_vec(),
            };
            payload.check().unwrap();
            let unsigned = Unsigned::new(key().algorithm(), key().key_id(), &payload);
            let count = i64::try_from(readings.len()).unwrap();
            made.push(Sealed {
                device: run.device,
                sequence,
                previous,
                key: key().key_id(),
                compact: unsigned.signed(&[0; SIGNATURE_BYTES]),
                first_reading,
                readings: count,
                ends_at: readings[0].interval_end,
            });
            first_reading += count;
        }
    }
    made
}

pub(super) async fn seal_all(buffer: &Buffer, most: usize) {
    let runs = buffer
        .unsealed(None, Vec::new(), usize::MAX >> 1)
        .await
        .unwrap();
    buffer.seal(envelopes(runs, most)).await.unwrap();
}

/// The payloads that go out, in order.
pub(super) async fn payloads(buffer: &Buffer) -> Vec<MeterReadings> {
    let outgoing = buffer
        .outgoing(Vec::new(), usize::MAX, usize::MAX)
        .await
        .unwrap();
    let parse = |one: &Outgoing| {
        schemas::gateway::jws::parse::<MeterReadings>(&one.compact, 1 << 20)
            .unwrap()
            .payload
    };
    outgoing.iter().map(parse).collect()
}

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self, share: u64) -> Buffer {
        Buffer::open(&self.dir.path().join(FILE_NAME), share).unwrap()
    }
}

#[tokio::test]
async fn what_was_taken_is_there_after_a_restart_with_the_accounts_it_came_from() {
    let folder = Folder::new();
    let buffer = folder.open(SHARE);
    assert_eq!(buffer.accounts(DeviceId(1)).await.unwrap(), None);
    buffer.record(taken(1, 0..3)).await.unwrap();
    buffer.record(taken(2, 0..1)).await.unwrap();
    buffer.close().await;
    let buffer = folder.open(SHARE);
    assert_eq!(
        buffer.accounts(DeviceId(1)).await.unwrap().unwrap(),
        "after 3"
    );
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    let found: Vec<_> = runs
        .iter()
        .map(|run| (run.device.0, run.readings.clone()))
        .collect();
    let expected = |numbers: std::ops::Range<i64>| numbers.map(reading).collect::<Vec<_>>();
    assert_eq!(found, [(1, expected(0..3)), (2, expected(0..1))]);
    let usage = buffer.usage().await.unwrap();
    assert_eq!((usage.readings, usage.envelopes), (4, 0));
    assert_eq!(usage.oldest, Some(at(5)));
}

#[tokio::test]
async fn the_state_of_accounts_alone_is_kept_too() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..0)).await.unwrap();
    assert_eq!(
        buffer.accounts(DeviceId(1)).await.unwrap().unwrap(),
        "after 0"
    );
    assert_eq!(buffer.usage().await.unwrap().readings, 0);
}

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

#[tokio::test]
async fn one_request_that_fails_does_not_fail_those_beside_it() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..1)).await.unwrap();
    let bad = envelopes(buffer.unsealed(None, Vec::new(), 9).await.unwrap(), 1)
        .into_iter()
        .map(|one| Sealed { sequence: 7, ..one })
        .collect();
    let (first, second, third) = tokio::join!(
        buffer.record(taken(2, 0..1)),
        buffer.seal(bad),
        buffer.record(taken(3, 0..1))
    );
    first.unwrap();
    assert!(second.is_err());
    third.unwrap();
    assert_eq!(buffer.usage().await.unwrap().readings, 3);
}

#[tokio::test]
async fn a_file_of_another_format_is_refused() {
    let folder = Folder::new();
    folder.open(SHARE).close().await;
    let path = folder.dir.path().join(FILE_NAME);
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = Buffer::open(&path, SHARE).err().unwrap();
    assert!(matches!(refused, BufferError::Format { found: 99, .. }));
}

#[tokio::test]
async fn others_can_look_at_it_while_it_is_written_to() {
    let folder = Folder::new();
    let buffer = folder.open(SHARE);
    buffer.record(taken(1, 0..3)).await.unwrap();
    let (usage, streams) = look(&folder.dir.path().join(FILE_NAME), SHARE).unwrap();
    assert_eq!((usage.readings, streams[0].waiting), (3, 3));
}

#[derive(Debug, Clone)]
enum Step {
    Take(i64, i64),
    Seal(usize),
    Send(usize),
    Unseal(i64, usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..4_i64, 1..5_i64).prop_map(|(device, count)| Step::Take(device, count)),
        2 => (1..4_usize).prop_map(Step::Seal),
        2 => (1..6_usize).prop_map(Step::Send),
        1 => (1..4_i64, 0..4_usize).prop_map(|(device, back)| Step::Unseal(device, back)),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_reading_goes_out_once_in_order_and_chained(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let mut buffer = folder.open(SHARE);
            let mut took = [0_i64; 4];
            // What the registry has: per device the readings and the hash of the last envelope.
            let mut has: [(i64, i64, Option<String>); 4] = Default::default();
            for step in steps.into_iter().chain([Step::Seal(2), Step::Send(usize::MAX)]) {
                match step {
                    Step::Take(device, count) => {
                        let number = &mut took[usize::try_from(device).unwrap()];
                        buffer.record(taken(device, *number..*number + count)).await.unwrap();
                        *number += count;
                    }
                    Step::Seal(most) => seal_all(&buffer, most).await,
                    Step::Send(most) => {
                        let outgoing = buffer.outgoing(Vec::new(), most, usize::MAX).await.unwrap();
                        for envelope in outgoing {
                            let parsed = schemas::gateway::jws::parse::<MeterReadings>(&envelope.compact, 1 << 20);
                            let payload = parsed.unwrap().payload;
                            let (count, sequence, last) = &mut has[usize::try_from(envelope.device.0).unwrap()];
                            assert_eq!(envelope.sequence, *sequence + 1);
                            assert_eq!(&payload.previous, last);
                            for read in &payload.readings {
                                assert_eq!(read, &reading(*count));
                                *count += 1;
                            }
                            (*sequence, *last) = (envelope.sequence, Some(hash(&envelope.compact)));
                            let done = vec![(envelope.device, envelope.sequence)];
                            buffer.acknowledge(done, at(0)).await.unwrap();
                        }
                    }
                    Step::Unseal(device, back) => {
                        // Only what the registry does not have.
                        let sent = has[usize::try_from(device).unwrap()].1;
                        let from = sent + 1 + i64::try_from(back).unwrap();
                        buffer.unseal(DeviceId(device), from).await.unwrap();
                    }
                    Step::Restart => {
                        buffer.close().await;
                        buffer = folder.open(SHARE);
                    }
                }
            }
            assert_eq!(has.map(|(count, ..)| count), took);
            assert_eq!(buffer.usage().await.unwrap().readings, 0);
        });
    }
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
