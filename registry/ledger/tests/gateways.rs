//! Gateways: codes, enrolment, keys, devices, and the rules of their envelopes one by one.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    AcceptEnvelope, ChangeGatewayDevices, ChangeGatewayKey, EnrolGateway, IssueGatewayCode,
    RevokeGateway, UpdateDevice,
};
use ledger::gateway::Accepted;
use ledger::key::code_digest;
use ledger::{Code, Command, Decision, Event, Refusal};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::gateway::jws::Signed;
use schemas::gateway::limit::{KEY_OVERLAP_DAYS, MAX_CLOCK_AHEAD_S, MAX_CODE_VALID_S};
use schemas::gateway::{
    Cause, ClockState, KeyId, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality, Reading,
};
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::life_cycle::Settle;
use world::{World, at, code, hour, hours, readings, request};

fn key(number: u8) -> PublicKey {
    PublicKey::ed25519(&[number; 32])
}

fn key_id(number: u8) -> KeyId {
    key(number).key_id()
}

fn issue_code(text: &str, devices: &[i64]) -> IssueGatewayCode {
    IssueGatewayCode {
        account_id: AccountId(1),
        device_ids: devices.iter().copied().map(DeviceId).collect(),
        code: code_digest(text),
        valid_for_s: 3_600,
    }
}

fn enrol(text: &str, number: u8) -> Command {
    Command::EnrolGateway(Box::new(EnrolGateway {
        code: code_digest(text),
        name: Some(" shed ".into()),
        public_key: key(number),
    }))
}

/// Device 1 is metered by gateway 1, which signs with key 1.
fn enrolled() -> World {
    let mut world = World::with_accounts();
    world
        .run(Command::IssueGatewayCode(issue_code("ONE", &[1])))
        .unwrap();
    world.run(enrol("ONE", 1)).unwrap();
    world
}

fn reading(first: i64, wh: i64) -> Reading {
    let interval = hour(first);
    Reading {
        interval_start: interval.start(),
        interval_end: interval.end(),
        wh: WattHours(wh),
        counter_start_wh: Some(WattHours(1_000)),
        counter_end_wh: Some(WattHours(1_000 + wh)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

fn doubtful(first: i64, wh: i64, cause: Cause) -> Reading {
    Reading {
        quality: Quality::Doubtful,
        cause: Some(cause),
        ..reading(first, wh)
    }
}

fn envelope(
    sequence: i64,
    previous: Option<&AcceptEnvelope>,
    list: Vec<Reading>,
) -> AcceptEnvelope {
    let payload = MeterReadings {
        context: MeterReadings::CONTEXT.into(),
        gateway_id: GatewayId(1),
        device_id: DeviceId(1),
        meter: MeterIdentity {
            maker: "M".into(),
            model: "O".into(),
            serial: "S".into(),
            firmware: None,
        },
        profile: ProfileRef {
            id: "p".into(),
            sha256: "0".repeat(64),
        },
        sequence,
        previous: previous.map(|envelope| envelope.hash.clone()),
        created_at: at("2025-06-01T12:00:00Z"),
        readings: list,
    };
    signed(payload)
}

/// A stand-in for the signature: what the rules see of one is the hash of all of it.
fn signed(payload: MeterReadings) -> AcceptEnvelope {
    let compact = serde_json::to_string(&payload).unwrap();
    AcceptEnvelope {
        key_id: key_id(1),
        hash: schemas::gateway::jws::hash(&compact),
        compact,
        payload,
    }
}

fn submit(world: &mut World, envelope: &AcceptEnvelope) -> Result<Accepted, Refusal> {
    world
        .run(Command::AcceptEnvelope(Box::new(envelope.clone())))
        .map(|decision| decision.envelope.unwrap())
}

fn refusal(world: &mut World, envelope: &AcceptEnvelope) -> (Code, Option<i64>) {
    let events = world.events.len();
    let refusal = submit(world, envelope).unwrap_err();
    assert_eq!(world.events.len(), events);
    (refusal.code, refusal.expected_sequence)
}

fn issued(decision: &Decision) -> i64 {
    let events = decision.events.iter().map(|event| match event {
        Event::Ledger(LedgerEvent::BundlesIssued(issued)) => issued.total().0,
        _ => 0,
    });
    events.sum()
}

#[test]
fn an_envelope_is_accepted_with_what_follows_from_it_in_one_decision() {
    let mut world = enrolled();
    let first = envelope(1, None, vec![reading(0, 10), reading(1, 0), reading(2, 20)]);
    let accepted = submit(&mut world, &first).unwrap();
    assert_eq!(accepted.earlier, None);
    assert_eq!(accepted.outcome.accepted, 3);
    assert_eq!(
        (accepted.outcome.bundles, accepted.outcome.issued),
        (2, WattHours(30))
    );
    let names: Vec<_> = world
        .events
        .iter()
        .rev()
        .take(3)
        .map(Event::event_type)
        .collect();
    assert_eq!(
        names,
        ["EnvelopeAccepted", "BundlesIssued", "ReadingsAccepted"]
    );
    let Some(Event::Ledger(LedgerEvent::EnvelopeAccepted(kept))) = world.events.last() else {
        panic!("the envelope is the last event");
    };
    assert_eq!((&kept.envelope, &kept.hash), (&first.compact, &first.hash));
    world.audit();
}

#[test]
fn a_repeated_envelope_is_answered_as_the_first_time_and_changes_nothing() {
    let mut world = enrolled();
    let first = envelope(1, None, vec![reading(0, 10)]);
    let before = submit(&mut world, &first).unwrap();
    let second = envelope(2, Some(&first), vec![reading(1, 10)]);
    submit(&mut world, &second).unwrap();
    let events = world.events.len();
    let again = submit(&mut world, &first).unwrap();
    assert_eq!(again.outcome, before.outcome);
    assert_eq!(again.earlier.unwrap().0, i64::try_from(events - 3).unwrap());
    assert_eq!(world.events.len(), events);
    world.audit();
}

#[test]
fn another_envelope_under_a_known_number_is_envelope_replayed() {
    let mut world = enrolled();
    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    let other = envelope(1, None, vec![reading(0, 11)]);
    assert_eq!(
        refusal(&mut world, &other),
        (Code::EnvelopeReplayed, Some(2))
    );
}

#[test]
fn an_envelope_beyond_the_next_is_sequence_gap_with_the_expected_number() {
    let mut world = enrolled();
    let first = envelope(1, None, vec![reading(0, 10)]);
    let second = envelope(2, Some(&first), vec![reading(1, 10)]);
    assert_eq!(refusal(&mut world, &second), (Code::SequenceGap, Some(1)));
    submit(&mut world, &first).unwrap();
    let third = envelope(3, Some(&second), vec![reading(2, 10)]);
    assert_eq!(refusal(&mut world, &third), (Code::SequenceGap, Some(2)));
    submit(&mut world, &second).unwrap();
    submit(&mut world, &third).unwrap();
}

#[test]
fn an_envelope_that_names_another_one_before_is_envelope_chain_broken() {
    let mut world = enrolled();
    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    let other = envelope(1, None, vec![reading(0, 11)]);
    let second = envelope(2, Some(&other), vec![reading(1, 10)]);
    assert_eq!(
        refusal(&mut world, &second),
        (Code::EnvelopeChainBroken, Some(2))
    );
}

#[test]
fn a_key_that_the_gateway_does_not_have_is_gateway_key_unknown() {
    let mut world = enrolled();
    let mut forged = envelope(1, None, vec![reading(0, 10)]);
    forged.key_id = key_id(9);
    assert_eq!(refusal(&mut world, &forged).0, Code::GatewayKeyUnknown);
    // Another gateway's key is none of this one's.
    world
        .run(Command::IssueGatewayCode(issue_code("TWO", &[1])))
        .unwrap();
    world.run(enrol("TWO", 2)).unwrap();
    forged.key_id = key_id(2);
    assert_eq!(refusal(&mut world, &forged).0, Code::GatewayKeyUnknown);
}

#[test]
fn a_revoked_key_is_gateway_key_revoked_from_then_on() {
    for revoked in [Some(key_id(1)), None] {
        let mut world = enrolled();
        let first = envelope(1, None, vec![reading(0, 10)]);
        submit(&mut world, &first).unwrap();
        let revoke = RevokeGateway {
            gateway_id: GatewayId(1),
            key_id: revoked,
            reason: "stolen".into(),
        };
        world.run(Command::RevokeGateway(revoke.clone())).unwrap();
        let second = envelope(2, Some(&first), vec![reading(1, 10)]);
        assert_eq!(refusal(&mut world, &second).0, Code::GatewayKeyRevoked);
        assert_eq!(refusal(&mut world, &first).0, Code::GatewayKeyRevoked);
        let again = world.run(Command::RevokeGateway(revoke)).unwrap();
        assert!(again.events.is_empty());
    }
}

#[test]
fn a_replaced_key_is_accepted_until_its_overlap_ends() {
    let mut world = enrolled();
    let change = Command::ChangeGatewayKey(Box::new(ChangeGatewayKey {
        gateway_id: GatewayId(1),
        current: key_id(1),
        public_key: key(2),
    }));
    world.run(change.clone()).unwrap();
    assert!(
        world.run(change).unwrap().events.is_empty(),
        "its answer was lost"
    );
    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    let mut second = envelope(2, Some(&first), vec![reading(1, 10)]);
    second.key_id = key_id(2);
    submit(&mut world, &second).unwrap();
    let third = envelope(3, Some(&second), vec![reading(2, 10)]);
    world.now += TimeDelta::days(KEY_OVERLAP_DAYS) - TimeDelta::microseconds(1);
    submit(&mut world, &third).unwrap();
    let fourth = envelope(4, Some(&third), vec![reading(3, 10)]);
    world.now += TimeDelta::microseconds(1);
    assert_eq!(refusal(&mut world, &fourth).0, Code::GatewayKeyRevoked);
    world.audit();
}

#[test]
fn a_key_is_changed_by_the_one_in_use_and_to_one_that_nobody_had() {
    let mut world = enrolled();
    let change = |current: u8, new: u8| {
        Command::ChangeGatewayKey(Box::new(ChangeGatewayKey {
            gateway_id: GatewayId(1),
            current: key_id(current),
            public_key: key(new),
        }))
    };
    assert_eq!(code(world.run(change(1, 1))), Code::GatewayKeyTaken);
    assert_eq!(code(world.run(change(8, 9))), Code::GatewayKeyUnknown);
    world.run(change(1, 2)).unwrap();
    assert_eq!(code(world.run(change(1, 3))), Code::GatewayKeyRevoked);
    assert_eq!(code(world.run(change(2, 1))), Code::GatewayKeyTaken);
    world.run(change(2, 3)).unwrap();
}

#[test]
fn a_device_that_is_not_registered_is_device_not_found() {
    let mut world = enrolled();
    let mut payload = envelope(1, None, vec![reading(0, 10)]).payload;
    payload.device_id = DeviceId(77);
    assert_eq!(
        refusal(&mut world, &signed(payload)).0,
        Code::DeviceNotFound
    );
}

#[test]
fn a_device_that_another_gateway_meters_is_not_the_gateways_device() {
    let mut world = enrolled();
    let mut payload = envelope(1, None, vec![reading(0, 10)]).payload;
    payload.device_id = DeviceId(2);
    assert_eq!(
        refusal(&mut world, &signed(payload)).0,
        Code::NotTheGatewaysDevice
    );

    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    world
        .run(Command::IssueGatewayCode(issue_code("TWO", &[1])))
        .unwrap();
    world.run(enrol("TWO", 2)).unwrap();
    let second = envelope(2, Some(&first), vec![reading(1, 10)]);
    assert_eq!(refusal(&mut world, &second).0, Code::NotTheGatewaysDevice);
    assert!(
        submit(&mut world, &first).unwrap().earlier.is_some(),
        "a lost answer"
    );
    // The new gateway goes on where the old one ended.
    let mut payload = second.payload;
    payload.gateway_id = GatewayId(2);
    let mut of_second = signed(payload);
    of_second.key_id = key_id(2);
    submit(&mut world, &of_second).unwrap();
    world.audit();
}

#[test]
fn a_device_that_has_gone_to_another_account_is_not_the_gateways_device() {
    let mut world = enrolled();
    let update = UpdateDevice {
        device_id: DeviceId(1),
        account_id: Some(AccountId(2)),
        patch: Default::default(),
    };
    world.run(Command::UpdateDevice(Box::new(update))).unwrap();
    let first = envelope(1, None, vec![reading(0, 10)]);
    assert_eq!(refusal(&mut world, &first).0, Code::NotTheGatewaysDevice);
}

#[test]
fn an_envelope_of_the_future_is_clock_in_future_until_its_time_has_come() {
    let mut world = enrolled();
    let mut payload = envelope(1, None, vec![reading(0, 10)]).payload;
    payload.created_at = world.now + TimeDelta::seconds(MAX_CLOCK_AHEAD_S);
    let ahead = signed(MeterReadings {
        created_at: payload.created_at + TimeDelta::microseconds(1),
        ..payload.clone()
    });
    assert_eq!(refusal(&mut world, &ahead).0, Code::ClockInFuture);
    submit(&mut world, &signed(payload.clone())).unwrap();

    let end: DateTime<Utc> = world.now + TimeDelta::hours(1);
    let last = Reading {
        interval_start: world.now,
        interval_end: end,
        ..reading(0, 10)
    };
    let second = envelope(2, Some(&signed(payload)), vec![last]);
    assert_eq!(refusal(&mut world, &second).0, Code::ClockInFuture);
    world.now = end - TimeDelta::microseconds(1);
    assert_eq!(refusal(&mut world, &second).0, Code::ClockInFuture);
    world.now = end;
    submit(&mut world, &second).unwrap();
}

#[test]
fn a_payload_that_contradicts_itself_is_envelope_malformed() {
    let mut world = enrolled();
    let mut wrong = reading(0, 10);
    wrong.counter_end_wh = Some(WattHours(1_011));
    let first = envelope(1, None, vec![wrong]);
    assert_eq!(refusal(&mut world, &first).0, Code::EnvelopeMalformed);
}

#[test]
fn readings_that_break_a_rule_do_not_hold_up_the_others() {
    let mut world = enrolled();
    world.run(readings(1, hours(1, &[40]))).unwrap();
    let half = Reading {
        interval_end: hour(2).start() + TimeDelta::minutes(7),
        ..reading(2, 10)
    };
    let list = vec![
        reading(0, 10),
        reading(1, 41),
        half,
        reading(3, 12_000_000_000),
        reading(4, 5),
    ];
    let first = envelope(1, None, list);
    let outcome = submit(&mut world, &first).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.issued), (2, WattHours(15)));
    let refused: Vec<_> = outcome
        .refused
        .iter()
        .map(|one| (one.index, one.code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (1, "reading_conflict"),
            (2, "interval_grid"),
            (3, "over_capacity")
        ]
    );
    let all_bad = envelope(2, Some(&first), vec![reading(1, 42)]);
    let outcome = submit(&mut world, &all_bad).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.refused.len()), (0, 1));
    let next = envelope(3, Some(&all_bad), vec![reading(1, 40), reading(5, 1)]);
    let outcome = submit(&mut world, &next).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.repeated), (1, 1));
    world.audit();
}

#[test]
fn a_gap_that_was_interpolated_is_issued_like_a_measurement() {
    let mut world = enrolled();
    let interpolated = Reading {
        quality: Quality::Interpolated,
        cause: Some(Cause::Gap),
        ..reading(1, 7)
    };
    let first = envelope(1, None, vec![reading(0, 10), interpolated]);
    let outcome = submit(&mut world, &first).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.issued), (2, WattHours(17)));
    world.audit();
}

#[test]
fn a_doubtful_reading_is_kept_and_not_issued_until_a_person_asks_for_it() {
    let mut world = enrolled();
    let list = vec![
        reading(0, 10),
        doubtful(1, 20, Cause::Frozen),
        doubtful(2, 30, Cause::Reset),
    ];
    let outcome = submit(&mut world, &envelope(1, None, list))
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.doubtful), (3, 2));
    assert_eq!(outcome.issued, WattHours(10));
    assert!(world.reading(1, 1).is_doubtful());
    let ordinary = world
        .run(Command::IssueReadings(request(1, 0, 24)))
        .unwrap();
    assert_eq!(issued(&ordinary), 0, "nobody asked for what is doubtful");
    let mut asked = request(1, 1, 2);
    asked.include_doubtful = true;
    let decision = world.run(Command::IssueReadings(asked)).unwrap();
    assert_eq!(issued(&decision), 20);
    assert!(!world.reading(1, 1).is_doubtful());
    assert!(world.reading(1, 2).is_doubtful());
    world.audit();
}

#[test]
fn a_correction_settles_a_doubtful_reading_and_issues_what_it_says() {
    for wh in [0, 20, 30, 50] {
        let mut world = enrolled();
        let list = vec![doubtful(1, 30, Cause::MeterSwapped)];
        submit(&mut world, &envelope(1, None, list)).unwrap();
        let decision = world.correct(1, 1, wh, Settle::Now).unwrap();
        assert_eq!(issued(&decision), wh);
        let reading = world.reading(1, 1);
        assert!(!reading.is_doubtful());
        assert_eq!((reading.wh.0, reading.issued.0), (wh, wh));
        world.audit();
    }
}

#[test]
fn what_a_device_can_not_have_produced_is_kept_as_doubtful_and_never_issued_as_it_is() {
    let mut world = enrolled();
    let list = vec![doubtful(1, 12_000_000_000, Cause::OutOfRange)];
    let outcome = submit(&mut world, &envelope(1, None, list))
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.doubtful), (1, 1));
    let mut asked = request(1, 0, 24);
    asked.include_doubtful = true;
    assert_eq!(
        code(world.run(Command::IssueReadings(asked))),
        Code::OverCapacity
    );
    let by_hand = world::by_hand(1, hour(1), 5);
    assert_eq!(code(world.run(by_hand)), Code::OverCapacity);
    let decision = world.correct(1, 1, 40, Settle::Now).unwrap();
    assert_eq!(issued(&decision), 40);
    world.audit();
}

#[test]
fn a_code_enrols_one_gateway_before_it_expires() {
    let mut world = World::with_accounts();
    assert_eq!(code(world.run(enrol("ONE", 1))), Code::GatewayCodeUnknown);
    world
        .run(Command::IssueGatewayCode(issue_code("ONE", &[1])))
        .unwrap();
    let issued_at = world.now;
    world.now = issued_at + TimeDelta::seconds(3_600);
    assert_eq!(code(world.run(enrol("ONE", 1))), Code::GatewayCodeExpired);
    world.now -= TimeDelta::microseconds(1);
    world.run(enrol("ONE", 1)).unwrap();
    assert!(
        world.run(enrol("ONE", 1)).unwrap().events.is_empty(),
        "its answer was lost"
    );
    assert_eq!(code(world.run(enrol("ONE", 2))), Code::GatewayCodeUsed);
    world
        .run(Command::IssueGatewayCode(issue_code("TWO", &[1])))
        .unwrap();
    assert_eq!(code(world.run(enrol("TWO", 1))), Code::GatewayKeyTaken);
}

#[test]
fn a_code_is_for_devices_of_its_account_and_for_a_while() {
    let mut world = World::with_accounts();
    let mut refuse = |change: fn(&mut IssueGatewayCode)| {
        let mut issue = issue_code("ONE", &[1]);
        change(&mut issue);
        code(world.run(Command::IssueGatewayCode(issue)))
    };
    assert_eq!(refuse(|issue| issue.device_ids.clear()), Code::ListEmpty);
    assert_eq!(
        refuse(|issue| issue.device_ids.push(DeviceId(2))),
        Code::DeviceNotFound
    );
    assert_eq!(
        refuse(|issue| issue.device_ids.push(DeviceId(1))),
        Code::ValueOutOfRange
    );
    assert_eq!(refuse(|issue| issue.valid_for_s = 0), Code::ValueOutOfRange);
    assert_eq!(
        refuse(|issue| issue.valid_for_s = MAX_CODE_VALID_S + 1),
        Code::ValueOutOfRange
    );
    let mut longest = issue_code("ONE", &[1]);
    longest.valid_for_s = MAX_CODE_VALID_S;
    world.run(Command::IssueGatewayCode(longest)).unwrap();
}

#[test]
fn devices_are_added_to_and_removed_from_a_gateway() {
    let mut world = enrolled();
    let change = |add: &[i64], remove: &[i64]| {
        Command::ChangeGatewayDevices(ChangeGatewayDevices {
            gateway_id: GatewayId(1),
            add: add.iter().copied().map(DeviceId).collect(),
            remove: remove.iter().copied().map(DeviceId).collect(),
        })
    };
    assert!(world.run(change(&[1], &[])).unwrap().events.is_empty());
    assert_eq!(code(world.run(change(&[2], &[]))), Code::DeviceNotFound);
    assert_eq!(
        code(world.run(change(&[], &[2]))),
        Code::NotTheGatewaysDevice
    );
    assert_eq!(code(world.run(change(&[1], &[1]))), Code::ValueOutOfRange);
    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    world.run(change(&[], &[1])).unwrap();
    let second = envelope(2, Some(&first), vec![reading(1, 10)]);
    assert_eq!(refusal(&mut world, &second).0, Code::NotTheGatewaysDevice);
    world.run(change(&[1], &[])).unwrap();
    submit(&mut world, &second).unwrap();
    world.audit();
}
