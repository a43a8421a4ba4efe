//! Which envelopes are accepted, and by which key.

use super::*;

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
