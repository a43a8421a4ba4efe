//! What a run takes, of which bundles, in how many steps.

use super::*;

#[test]
fn the_action_of_a_run_names_its_rule_and_the_oldest_production_goes_first() {
    let mut world = issued(&[60, 60, 60]);
    create(&mut world, rule()).unwrap();
    let ran = run(&mut world, &[3, 2, 1]);
    let action = actions(&world)[0];
    assert_eq!(
        (action.rule_id, action.user_id.is_some()),
        (Some(RuleId(1)), true)
    );
    assert_eq!(ran.action_ids, [action.action_id]);
    let parts: Vec<_> = action
        .parts
        .iter()
        .map(|part| (part.bundle_id.0, part.quantity().0))
        .collect();
    assert_eq!(parts, [(1, 60), (2, 40)]);
    assert_eq!(action.certificate_quantity, Some(WattHours(100)));
}

#[test]
fn a_share_is_taken_of_all_that_matches_and_rounded_down_once() {
    let mut world = issued(&[33, 33, 33]);
    create(&mut world, share(50)).unwrap();
    let ran = run(&mut world, &[1, 2, 3]);
    assert_eq!(
        (ran.outcome, ran.wanted_wh, ran.moved_wh),
        (RunOutcome::Met, WattHours(49), WattHours(49))
    );
    let mut world = issued(&[33, 33]);
    let all = CreateRule {
        certificate_quantity: None,
        ..rule()
    };
    create(&mut world, all).unwrap();
    assert_eq!(run(&mut world, &[1, 2]).moved_wh, WattHours(66));
    assert_eq!(world.live_wh(1), 0);
    world.now += TimeDelta::hours(1);
    assert_eq!(run(&mut world, &[]).outcome, RunOutcome::Nothing);
}

#[test]
fn a_run_over_more_bundles_than_one_action_lists_goes_on_in_steps() {
    let amounts = [33; 6];
    let mut world = issued(&amounts);
    create(&mut world, share(50)).unwrap();
    let mut moved = Vec::new();
    for (candidates, more) in [([1, 2], true), ([3, 4], true), ([5, 6], false)] {
        let command = RunRule {
            more,
            ..run_with(&world, &candidates)
        };
        let again = command.clone();
        let ran = last_run(&world.run(Command::RunRule(command)).unwrap());
        assert_eq!(ran.outcome == RunOutcome::Ongoing, more);
        moved.push(ran.moved_wh.0);
        assert_eq!(
            code(world.run(Command::RunRule(again))),
            Code::RecurringPeriodDone
        );
    }
    // 99 of 198, whatever the steps round to.
    assert_eq!(moved, [33, 66, 99]);
    let rule = state(&world, 1);
    assert_eq!((rule.next_period, rule.open.is_none()), (1, true));
    assert_eq!(actions(&world).len(), 3);
    world.audit();
}

#[test]
fn what_a_step_left_behind_is_not_taken_by_the_next_one() {
    let mut world = issued(&[33, 33]);
    create(&mut world, share(50)).unwrap();
    let command = RunRule {
        more: true,
        ..run_with(&world, &[1])
    };
    world.run(Command::RunRule(command)).unwrap();
    // 3 moved and 4 stayed of bundle 1; the run has looked at both.
    let ran = run(&mut world, &[1, 3, 4, 2]);
    assert_eq!(
        (ran.wanted_wh, ran.moved_wh),
        (WattHours(33), WattHours(33))
    );
}

#[test]
fn a_run_that_can_not_be_met_does_what_is_possible_or_nothing() {
    for (shortfall, outcome, moved) in [
        (Shortfall::Partial, RunOutcome::Partial, 70),
        (Shortfall::Nothing, RunOutcome::Nothing, 0),
    ] {
        let mut world = issued(&[70]);
        create(
            &mut world,
            CreateRule {
                shortfall,
                ..rule()
            },
        )
        .unwrap();
        let ran = run(&mut world, &[1]);
        assert_eq!(
            (ran.outcome, ran.wanted_wh.0, ran.moved_wh.0),
            (outcome, 100, moved)
        );
        assert_eq!(world.live_wh(1), 70 - moved);
        assert_eq!(state(&world, 1).next_period, 1, "the period is behind it");
    }
}

#[test]
fn all_or_nothing_never_begins_what_one_action_can_not_finish() {
    let mut world = issued(&[60, 60]);
    let all = CreateRule {
        shortfall: Shortfall::Nothing,
        ..rule()
    };
    create(&mut world, all).unwrap();
    let looked = RunRule {
        more: true,
        settle: false,
        ..run_with(&world, &[1])
    };
    let settled = RunRule {
        settle: true,
        ..looked.clone()
    };
    let refused = world.run(Command::RunRule(looked));
    assert_eq!(code(refused), Code::RecurringCandidatesChanged);
    let ran = last_run(&world.run(Command::RunRule(settled)).unwrap());
    assert_eq!(
        (ran.outcome, ran.reason.as_deref()),
        (RunOutcome::Nothing, Some("list_too_long"))
    );
    assert_eq!(world.live_wh(1), 120);
}

#[test]
fn stale_candidates_make_the_registry_look_again_before_it_settles() {
    let mut world = issued(&[100, 100]);
    create(&mut world, rule()).unwrap();
    let mut moved = act(ActionType::Transfer, 1, &[1]);
    moved.target_id = Some(AccountId(2));
    world.run(Command::ActOnBundles(moved)).unwrap();
    let stale = RunRule {
        settle: false,
        ..run_with(&world, &[1])
    };
    let before = world.events.len();
    assert_eq!(
        code(world.run(Command::RunRule(stale.clone()))),
        Code::RecurringCandidatesChanged
    );
    assert_eq!(world.events.len(), before);
    // Where they suffice all the same, nothing has to be looked up again.
    let enough = RunRule {
        candidates: vec![BundleId(1), BundleId(2), BundleId(99)],
        ..stale
    };
    let ran = last_run(&world.run(Command::RunRule(enough)).unwrap());
    assert_eq!(
        (ran.outcome, ran.moved_wh),
        (RunOutcome::Met, WattHours(100))
    );
}

#[test]
fn only_what_the_filter_describes_is_taken() {
    let hour_s = 3_600;
    type Change = fn(&mut CreateRule, i64);
    let cases: [(&str, Change, i64); 6] = [
        (
            "another device",
            |rule, _| rule.device_ids = vec![DeviceId(2)],
            0,
        ),
        (
            "its device",
            |rule, _| rule.device_ids = vec![DeviceId(1)],
            30,
        ),
        (
            "another source",
            |rule, _| rule.energy_sources = vec![EnergySource::SolarPv],
            0,
        ),
        (
            "its source",
            |rule, _| rule.energy_sources = vec![EnergySource::Wind],
            30,
        ),
        (
            "at least so old",
            |rule, age| rule.min_age_s = Some(age),
            10,
        ),
        ("at most so old", |rule, age| rule.max_age_s = Some(age), 30),
    ];
    for (name, change, expected) in cases {
        let mut world = issued(&[10, 10, 10]);
        // The end of the first hour, exactly so long ago.
        let age = (world.now - world.bundle(1).interval.end()).num_seconds();
        let mut asked = rule();
        change(&mut asked, age);
        create(&mut world, asked).unwrap();
        assert_eq!(run(&mut world, &[1, 2, 3]).moved_wh.0, expected, "{name}");
    }
    let mut world = issued(&[10, 10]);
    let age = (world.now - world.bundle(1).interval.end()).num_seconds();
    let younger = CreateRule {
        max_age_s: Some(age - hour_s),
        ..rule()
    };
    create(&mut world, younger).unwrap();
    assert_eq!(run(&mut world, &[1, 2]).moved_wh.0, 10);
}

#[test]
fn a_rule_for_named_bundles_follows_them_through_splits() {
    let mut world = issued(&[250, 250]);
    let named = CreateRule {
        bundle_ids: vec![BundleId(1)],
        ..rule()
    };
    create(&mut world, named).unwrap();
    assert_eq!(run(&mut world, &[1, 2]).moved_wh.0, 100);
    world.now += TimeDelta::hours(1);
    // 4 is what stayed of bundle 1, 6 what stays of 4.
    assert_eq!(run(&mut world, &[4, 2]).moved_wh.0, 100);
    world.now += TimeDelta::hours(1);
    let ran = run(&mut world, &[6, 2]);
    assert_eq!((ran.moved_wh.0, ran.outcome), (50, RunOutcome::Partial));
}

#[test]
fn reserved_bundles_are_cancelled_only_where_the_rule_says_so() {
    let cancels = CreateRule {
        action_type: ActionType::Cancel,
        target_id: None,
        beneficiary: Some("Example Data Centre".into()),
        ..rule()
    };
    for (statuses, moved) in [(vec![], 0), (vec![CertificateStatus::Reserved], 50)] {
        let mut world = issued(&[50]);
        world
            .run(Command::ActOnBundles(act(ActionType::Reserve, 1, &[1])))
            .unwrap();
        let asked = CreateRule {
            statuses,
            ..cancels.clone()
        };
        create(&mut world, asked).unwrap();
        assert_eq!(run(&mut world, &[1]).moved_wh.0, moved);
    }
    let mut world = issued(&[50]);
    create(&mut world, cancels).unwrap();
    run(&mut world, &[1]);
    assert_eq!(
        world.bundle(1).beneficiary.as_deref(),
        Some("Example Data Centre")
    );
}
