//! What a rule may say.

use super::*;

#[test]
fn what_breaks_a_rule_of_creation_is_refused() {
    let long_ids = |count: usize| (1..=i64::try_from(count).unwrap()).map(BundleId).collect();
    let cases: Vec<(CreateRule, Code)> = vec![
        (
            CreateRule {
                target_id: Some(AccountId(3)),
                ..rule()
            },
            Code::NotWhitelisted,
        ),
        (
            CreateRule {
                target_id: None,
                ..rule()
            },
            Code::AccountNotFound,
        ),
        (
            CreateRule {
                source_id: AccountId(9),
                ..rule()
            },
            Code::AccountNotFound,
        ),
        (
            CreateRule {
                certificate_bundle_percentage: Some(Decimal::new(5, 1)),
                ..rule()
            },
            Code::QuantityAndPercentage,
        ),
        (
            CreateRule {
                certificate_quantity: Some(WattHours(0)),
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (share(0), Code::ValueOutOfRange),
        (share(101), Code::ValueOutOfRange),
        (
            CreateRule {
                action_type: ActionType::Claim,
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                period_quantity: 0,
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                repetitions: Some(0),
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                min_age_s: Some(-1),
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                min_age_s: Some(2),
                max_age_s: Some(1),
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                statuses: vec![CertificateStatus::Reserved],
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
        (
            CreateRule {
                device_ids: vec![DeviceId(9)],
                ..rule()
            },
            Code::DeviceNotFound,
        ),
        (
            CreateRule {
                bundle_ids: vec![BundleId(9)],
                ..rule()
            },
            Code::BundleNotFound,
        ),
        (
            CreateRule {
                bundle_ids: vec![BundleId(1), BundleId(1)],
                ..rule()
            },
            Code::BundleRepeated,
        ),
        (
            CreateRule {
                bundle_ids: vec![BundleId(2)],
                ..rule()
            },
            Code::BundleState,
        ),
        (
            CreateRule {
                bundle_ids: long_ids(MAX_RULE_BUNDLES + 1),
                ..rule()
            },
            Code::ListTooLong,
        ),
        (
            CreateRule {
                beneficiary: Some("B".repeat(501)),
                action_type: ActionType::Cancel,
                ..rule()
            },
            Code::ValueOutOfRange,
        ),
    ];
    let mut world = issued(&[10, 10]);
    world
        .run(Command::ActOnBundles(act(ActionType::Cancel, 1, &[2])))
        .unwrap();
    let before = world.events.len();
    for (asked, expected) in cases {
        let shown = format!("{asked:?}");
        assert_eq!(code(create(&mut world, asked)), expected, "{shown}");
    }
    assert_eq!(
        world.events.len(),
        before,
        "a refusal leaves nothing behind"
    );
}

#[test]
fn every_limit_of_a_rule_holds_at_it_and_not_above() {
    let mut world = World::with_accounts();
    let now = world.now;
    let past = |more| CreateRule {
        start: Some(now - MAX_START_PAST - more),
        ..rule()
    };
    let future = |more| CreateRule {
        start: Some(now + MAX_START_FUTURE + more),
        ..rule()
    };
    let moment = TimeDelta::microseconds(1);
    let devices = |count| CreateRule {
        device_ids: vec![DeviceId(1); count],
        ..rule()
    };
    let aged = |age| CreateRule {
        max_age_s: Some(age),
        ..rule()
    };
    let period = |quantity| CreateRule {
        period_quantity: quantity,
        ..rule()
    };
    let repeated = |count| CreateRule {
        repetitions: Some(count),
        ..rule()
    };
    for (at, above, code) in [
        (past(TimeDelta::zero()), past(moment), Code::RecurringStart),
        (
            future(TimeDelta::zero()),
            future(moment),
            Code::RecurringStart,
        ),
        (
            devices(MAX_RULE_DEVICES),
            devices(MAX_RULE_DEVICES + 1),
            Code::ListTooLong,
        ),
        (aged(MAX_AGE_S), aged(MAX_AGE_S + 1), Code::ValueOutOfRange),
        (
            period(MAX_PERIOD_QUANTITY),
            period(MAX_PERIOD_QUANTITY + 1),
            Code::ValueOutOfRange,
        ),
        (
            repeated(MAX_REPETITIONS),
            repeated(MAX_REPETITIONS + 1),
            Code::ValueOutOfRange,
        ),
    ] {
        create(&mut world, at).unwrap();
        assert_eq!(world::code(create(&mut world, above)), code);
    }
    let amounts = vec![1; MAX_RULE_BUNDLES];
    let mut world = issued(&amounts);
    let bundle_ids = (1..=i64::try_from(MAX_RULE_BUNDLES).unwrap())
        .map(BundleId)
        .collect();
    create(
        &mut world,
        CreateRule {
            bundle_ids,
            ..rule()
        },
    )
    .unwrap();
}
