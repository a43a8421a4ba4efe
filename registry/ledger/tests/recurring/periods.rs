//! Which periods run, and when a rule ends.

use super::*;

#[test]
fn a_period_runs_once_and_the_next_one_when_it_is_due() {
    let mut world = issued(&[150, 150]);
    create(&mut world, rule()).unwrap();
    let first = run_with(&world, &[1, 2]);
    let ran = run(&mut world, &[1, 2]);
    assert_eq!(
        (ran.period, ran.periods, ran.outcome),
        (0, 1, RunOutcome::Met)
    );
    assert_eq!(
        (ran.wanted_wh, ran.moved_wh),
        (WattHours(100), WattHours(100))
    );
    assert_eq!(ran.next_run, Some(world.now + TimeDelta::hours(1)));
    // The very same command again, as a second scheduler would send it.
    let again = world.run(Command::RunRule(first));
    assert_eq!(code(again), Code::RecurringPeriodDone);
    let early = run_with(&world, &[2]);
    assert_eq!(
        code(world.run(Command::RunRule(early))),
        Code::RecurringPeriodNotDue
    );
    world.now += TimeDelta::hours(1);
    // Bundle 1 was split into 3, which moved, and 4, which stayed.
    let ran = run(&mut world, &[4, 2]);
    assert_eq!((ran.period, ran.moved_wh), (1, WattHours(100)));
    assert_eq!((world.live_wh(1), world.live_wh(2)), (100, 200));
    world.audit();
}

#[test]
fn missed_periods_are_caught_up_with_in_one_run() {
    let mut world = issued(&[1_000]);
    let two = CreateRule {
        start: Some(world.now - TimeDelta::hours(4)),
        ..rule()
    };
    create(&mut world, two).unwrap();
    let ran = run(&mut world, &[1]);
    assert_eq!(
        (ran.period, ran.periods, ran.moved_wh),
        (0, 5, WattHours(500))
    );
    assert_eq!(ran.due_at, world.now);
    assert_eq!(ran.next_run, Some(world.now + TimeDelta::hours(1)));
}

#[test]
fn missed_periods_are_skipped_and_the_one_that_is_still_on_is_run() {
    let mut world = issued(&[1_000]);
    let skips = CreateRule {
        start: Some(world.now - TimeDelta::hours(4)),
        missed: MissedPeriods::Skip,
        ..rule()
    };
    create(&mut world, skips).unwrap();
    let command = run_with(&world, &[1]);
    let ran = runs(&world.run(Command::RunRule(command)).unwrap());
    let shown: Vec<_> = ran
        .iter()
        .map(|ran| (ran.period, ran.periods, ran.outcome, ran.moved_wh.0))
        .collect();
    assert_eq!(
        shown,
        [(0, 4, RunOutcome::Skipped, 0), (4, 1, RunOutcome::Met, 100)]
    );
}

#[test]
fn a_rule_ends_with_its_last_repetition() {
    for (missed, expected) in [
        (MissedPeriods::CatchUp, (RunOutcome::Met, 300)),
        (MissedPeriods::Skip, (RunOutcome::Skipped, 0)),
    ] {
        let mut world = issued(&[1_000]);
        let thrice = CreateRule {
            start: Some(world.now - TimeDelta::hours(9)),
            repetitions: Some(3),
            missed,
            ..rule()
        };
        create(&mut world, thrice).unwrap();
        let ran = run(&mut world, &[1]);
        assert_eq!((ran.outcome, ran.moved_wh.0), expected);
        assert_eq!((ran.periods, ran.next_run), (3, None));
        assert_eq!(ran.ended, Some(EndReason::Repetitions));
        assert_eq!(state(&world, 1).status, RuleStatus::Ended);
        let again = run_with(&world, &[1]);
        assert_eq!(
            code(world.run(Command::RunRule(again))),
            Code::RecurringRuleState
        );
    }
}

#[test]
fn a_run_that_a_rule_forbids_says_which_and_the_next_one_may_succeed() {
    let mut world = issued(&[500]);
    create(&mut world, rule()).unwrap();
    let whitelist = |add: &[i64], remove: &[i64]| {
        let ids = |ids: &[i64]| ids.iter().copied().map(AccountId).collect();
        Command::UpdateWhitelist(UpdateWhitelist {
            account_id: AccountId(2),
            add: ids(add),
            remove: ids(remove),
        })
    };
    world.run(whitelist(&[], &[1])).unwrap();
    let ran = run(&mut world, &[1]);
    assert_eq!(
        (ran.outcome, ran.reason.as_deref(), ran.ended),
        (RunOutcome::Refused, Some("not_whitelisted"), None)
    );
    world.run(whitelist(&[1], &[])).unwrap();
    world.now += TimeDelta::hours(1);
    assert_eq!(run(&mut world, &[1]).outcome, RunOutcome::Met);
}

#[test]
fn a_rule_whose_account_is_closed_ends() {
    // Account 3, which holds nothing, as target and as source.
    for (source, target) in [(2, 3), (3, 1)] {
        let mut world = World::with_accounts();
        let asked = CreateRule {
            source_id: AccountId(source),
            target_id: Some(AccountId(target)),
            ..rule()
        };
        create(&mut world, asked).unwrap();
        world.run(Command::CloseAccount(AccountId(3))).unwrap();
        let ran = run(&mut world, &[]);
        assert_eq!(
            (ran.outcome, ran.ended),
            (RunOutcome::Refused, Some(EndReason::AccountClosed))
        );
        assert_eq!(state(&world, 1).status, RuleStatus::Ended);
    }
}

#[test]
fn a_paused_rule_waits_and_what_came_due_meanwhile_is_passed_over() {
    let mut world = issued(&[1_000]);
    create(&mut world, rule()).unwrap();
    run(&mut world, &[1]);
    world.run(Command::PauseRule(RuleId(1))).unwrap();
    assert_eq!(state(&world, 1).next_run, None);
    world.now += TimeDelta::minutes(150);
    let paused = run_with(&world, &[3]);
    assert_eq!(
        code(world.run(Command::RunRule(paused))),
        Code::RecurringRuleState
    );
    assert_eq!(
        code(world.run(Command::PauseRule(RuleId(1)))),
        Code::RecurringRuleState
    );
    let skipped = last_run(&world.run(Command::ResumeRule(RuleId(1))).unwrap());
    assert_eq!(
        (skipped.period, skipped.periods, skipped.reason.as_deref()),
        (1, 2, Some("paused"))
    );
    assert_eq!(
        code(world.run(Command::ResumeRule(RuleId(1)))),
        Code::RecurringRuleState
    );
    assert_eq!(
        state(&world, 1).next_run,
        Some(world.now + TimeDelta::minutes(30))
    );
    world.now += TimeDelta::minutes(30);
    let ran = run(&mut world, &[3]);
    assert_eq!((ran.period, ran.periods, ran.moved_wh.0), (3, 1, 100));
}

#[test]
fn a_rule_paused_beyond_its_last_repetition_ends_when_it_is_resumed() {
    let mut world = issued(&[1_000]);
    let twice = CreateRule {
        repetitions: Some(2),
        ..rule()
    };
    create(&mut world, twice).unwrap();
    world.run(Command::PauseRule(RuleId(1))).unwrap();
    world.now += TimeDelta::days(1);
    let skipped = last_run(&world.run(Command::ResumeRule(RuleId(1))).unwrap());
    assert_eq!((skipped.period, skipped.periods), (0, 2));
    assert_eq!(state(&world, 1).status, RuleStatus::Ended);
}

#[test]
fn a_rule_that_was_ended_never_runs_again_and_an_open_run_stops_where_it_is() {
    let mut world = issued(&[60, 60]);
    create(&mut world, rule()).unwrap();
    let step = RunRule {
        more: true,
        ..run_with(&world, &[1])
    };
    assert_eq!(
        last_run(&world.run(Command::RunRule(step)).unwrap()).outcome,
        RunOutcome::Ongoing
    );
    let closed = last_run(&world.run(Command::EndRule(RuleId(1))).unwrap());
    assert_eq!(
        (closed.outcome, closed.moved_wh.0, closed.reason.as_deref()),
        (RunOutcome::Partial, 60, Some("ended"))
    );
    for command in [
        Command::EndRule(RuleId(1)),
        Command::PauseRule(RuleId(1)),
        Command::ResumeRule(RuleId(1)),
        Command::RunRule(run_with(&world, &[2])),
    ] {
        assert_eq!(code(world.run(command)), Code::RecurringRuleState);
    }
    assert_eq!(
        code(world.run(Command::EndRule(RuleId(9)))),
        Code::RecurringRuleNotFound
    );
}
