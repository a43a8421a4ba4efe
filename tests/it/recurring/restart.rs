//! Rules across stops, in good order and by a kill, between periods and in the middle of one.

use super::{ago, create, done, held, ran, rule, shown};
use chrono::{TimeDelta, Utc};
use ledger::Command;
use ledger::command::RunRule;
use registry::sequencer::Request;
use schemas::id::{BundleId, RuleId};
use serde_json::json;
use tests::{Clusters, Pace, Process, Registry, World, eventually};

/// This module's test that serves.
const ENTRY: &str = "recurring::restart::a_registry_for_the_test_beside";
/// An hour of the rules is half a second.
const FACTOR: i32 = 7_200;
const KILLS: i64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn periods_that_came_due_while_the_registry_was_down_are_run_once_when_it_is_up() {
    let mut world = World::start().await;
    world.issue([1000]).await;
    let id = create(&world, json!({})).await;
    done(&world, id, 1).await;
    for stop in 0..3 {
        world.registry.down().await;
        world.registry.clock.advance(TimeDelta::hours(1));
        world.registry.up().await;
        done(&world, id, stop + 2).await;
    }
    let expected: Vec<_> = (0..4).map(|period| ran(period, 1, "met", 100)).collect();
    assert_eq!(shown(&rule(&world, id).await), expected);
    assert_eq!(held(&world, world.t).await, 400);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_stopped_halfway_goes_on_where_it_was() {
    let mut world = World::start().await;
    let [first, _] = world.issue([60, 60]).await;
    let id = create(&world, json!({"initial_action_datetime": ago(&world, -1)})).await;
    world.registry.down().await;
    world.registry.clock.advance(TimeDelta::hours(1));
    // The first step of a run over more bundles than it lists, and then nothing more.
    let core = world.registry.bare_core().await;
    let step = Command::RunRule(RunRule {
        rule_id: RuleId(id),
        period: 0,
        step: 0,
        candidates: vec![BundleId(first)],
        more: true,
        settle: false,
    });
    let request = Request::of_system("recurring", step);
    core.sequencers().execute(request).await.unwrap();
    core.shutdown().await;
    world.registry.up().await;
    let rule = done(&world, id, 1).await;
    assert_eq!(shown(&rule), [ran(0, 1, "met", 100)]);
    let actions = rule["runs"][0]["action_ids"].as_array().unwrap();
    assert_eq!(actions.len(), 2, "{rule}");
    assert_eq!(
        (held(&world, world.s).await, held(&world, world.t).await),
        (20, 100)
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves in a process that another test starts and kills"]
async fn a_registry_for_the_test_beside() {
    Process::serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_killed_again_and_again_runs_each_period_once() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let pace = Some(Pace {
        since: Utc::now(),
        factor: FACTOR,
    });
    let mut process = Process::start_at(&mut registry.config, ENTRY, pace);
    let mut world = World::on(registry).await;
    world.issue([500_000, 500_000]).await;
    let catches_up = create(&world, json!({"certificate_quantity": 7})).await;
    let skips = json!({"certificate_quantity": 11, "missed_periods": "skip"});
    let skips = create(&world, skips).await;
    for kill in 1..=KILLS {
        let periods = kill * 4;
        done(&world, catches_up, periods).await;
        process.kill9();
        process = Process::start_at(&mut world.registry.config, ENTRY, pace);
    }
    let mut moved = 0;
    for (id, wh) in [(catches_up, 7), (skips, 11)] {
        done(&world, id, KILLS * 4 + 1).await;
        let path = format!("/certificate/recurring/{id}/end");
        eventually("the rule is ended", || async {
            (world.trader.post_nothing(&path).await.status == 200).then_some(())
        })
        .await;
        let rule = rule(&world, id).await;
        let mut next = 0;
        for (period, periods, outcome, moved_wh) in shown(&rule) {
            assert_eq!(period, next, "each period once: {rule}");
            next += periods;
            let expected = match outcome.as_str() {
                "met" => wh * periods,
                _ => 0,
            };
            assert_eq!(moved_wh, expected, "{rule}");
            moved += moved_wh;
        }
        assert_eq!(rule["periods_done"], next);
    }
    assert_eq!(held(&world, world.t).await, moved);
    world.registry.audit().await;
    drop(process);
}
