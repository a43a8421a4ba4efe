//! Runs: what they take, how often, and what they tell.

use super::{ago, create, done, held, ran, rule, shown};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Reading, World, hour};

#[tokio::test(flavor = "multi_thread")]
async fn each_period_runs_once_and_its_action_names_the_rule() {
    let world = World::start().await;
    let [first, second] = world.issue([150, 1000]).await;
    let id = create(&world, json!({})).await;
    let after_one = done(&world, id, 1).await;
    assert_eq!(shown(&after_one), [ran(0, 1, "met", 100)]);
    world.registry.clock.advance(TimeDelta::hours(1));
    let after_two = done(&world, id, 2).await;
    assert_eq!(
        shown(&after_two),
        [ran(0, 1, "met", 100), ran(1, 1, "met", 100)]
    );
    assert_eq!(
        (held(&world, world.s).await, held(&world, world.t).await),
        (950, 200)
    );
    let page = world.trader.get("/certificate/actions").await.expect(200);
    let by_rule: Vec<&Value> = page.as_array().unwrap().iter().collect();
    assert_eq!(by_rule.len(), 2);
    for action in &by_rule {
        assert_eq!(action["rule_id"], id);
        assert_eq!(
            (&action["action_type"], &action["user_id"]),
            (&json!("transfer"), &Value::Null)
        );
    }
    // Oldest production first: what was left of the first bundle, then the second.
    let last = after_two["runs"][0]["action_ids"][0].as_i64().unwrap();
    let action = world
        .trader
        .get(&format!("/certificate/actions/{last}"))
        .await
        .expect(200);
    assert_eq!(action["rule_id"], id);
    let quantities: Vec<_> = action["bundles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["bundle_quantity"].as_i64().unwrap())
        .collect();
    assert_eq!(quantities, [50, 50]);
    assert_eq!(action["bundles"][1]["bundle_id"], second);
    assert_eq!(
        world.trader.bundle(first).await["certificate_bundle_status"],
        "Bundle Split"
    );
    let runs = world
        .trader
        .get(&format!("/certificate/recurring/{id}/runs?limit=1"))
        .await;
    let cursor = runs.header("X-Next-Cursor").to_owned();
    assert_eq!(runs.expect(200)[0]["period"], 1);
    let path = format!("/certificate/recurring/{id}/runs?limit=1&cursor={cursor}");
    assert_eq!(world.trader.get(&path).await.expect(200)[0]["period"], 0);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_periods_are_caught_up_with_once_or_skipped() {
    let world = World::start().await;
    world.issue([5000]).await;
    let start = ago(&world, 3);
    let caught_up = create(&world, json!({"initial_action_datetime": start})).await;
    let rule = done(&world, caught_up, 4).await;
    assert_eq!(shown(&rule), [ran(0, 4, "met", 400)]);
    let skips = json!({"initial_action_datetime": start, "missed_periods": "skip"});
    let skipped = create(&world, skips).await;
    let rule = done(&world, skipped, 4).await;
    assert_eq!(
        shown(&rule),
        [ran(0, 3, "skipped", 0), ran(3, 1, "met", 100)]
    );
    let thrice =
        json!({"initial_action_datetime": ago(&world, 9), "number_of_recurring_actions": 3});
    let ended = create(&world, thrice).await;
    let rule = done(&world, ended, 3).await;
    assert_eq!(shown(&rule), [ran(0, 3, "met", 300)]);
    assert_eq!(
        (&rule["status"], &rule["end_reason"], &rule["next_run"]),
        (&json!("ended"), &json!("repetitions"), &Value::Null)
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_can_not_be_met_does_what_is_possible_or_nothing_and_says_so() {
    let world = World::start().await;
    world.issue([70]).await;
    let nothing = create(&world, json!({"shortfall": "nothing"})).await;
    let rule = done(&world, nothing, 1).await;
    assert_eq!(shown(&rule), [ran(0, 1, "nothing", 0)]);
    assert_eq!(rule["runs"][0]["wanted_wh"], 100);
    assert_eq!(held(&world, world.s).await, 70);
    let partial = create(&world, json!({"shortfall": "partial"})).await;
    let rule = done(&world, partial, 1).await;
    assert_eq!(shown(&rule), [ran(0, 1, "partial", 70)]);
    assert_eq!(
        (&rule["status"], &rule["last_outcome"]),
        (&json!("active"), &json!("partial"))
    );
    assert_eq!(held(&world, world.s).await, 0);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_the_registry_may_not_take_is_refused_by_name_and_a_closed_account_ends_the_rule() {
    let world = World::start().await;
    world.issue([1000]).await;
    let id = create(&world, json!({})).await;
    done(&world, id, 1).await;
    world
        .producer
        .update_whitelist(world.t, &[], &[world.s])
        .await
        .expect(200);
    world.registry.clock.advance(TimeDelta::hours(1));
    let rule = done(&world, id, 2).await;
    assert_eq!(shown(&rule)[1], ran(1, 1, "refused", 0));
    assert_eq!(rule["runs"][0]["reason"], "not_whitelisted");
    assert_eq!(rule["status"], "active");

    let empty = world
        .producer
        .open_account("Empty", &[world.trader.id])
        .await;
    world
        .producer
        .update_whitelist(empty, &[world.s], &[])
        .await
        .expect(200);
    let later = json!({"target_id": empty, "initial_action_datetime": ago(&world, -1)});
    let to_empty = create(&world, later).await;
    world
        .producer
        .delete(&format!("/account/delete/{empty}"))
        .await
        .expect(200);
    world.registry.clock.advance(TimeDelta::hours(1));
    let rule = done(&world, to_empty, 1).await;
    assert_eq!(
        (&rule["status"], &rule["end_reason"]),
        (&json!("ended"), &json!("account_closed"))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_cancelled_of_what_is_old_enough_and_of_the_right_kind() {
    let world = World::start().await;
    world.issue([101, 101, 101]).await;
    let solar =
        json!({"energy_source": "solar_pv", "technology_type": "solar_pv", "device_name": "Roof"});
    let roof = world.producer.register_device(world.s, solar).await;
    let reading = Reading {
        start: hour(0),
        end: hour(1),
        wh: 500,
    };
    world.producer.submit(roof, &[reading]).await.expect(200);
    // Two of the three hours of wind are at least so old.
    let age = (world.registry.clock.now() - hour(2)).num_seconds();
    let body = json!({
        "source_id": world.s, "certificate_bundle_percentage": 0.5, "energy_sources": ["wind"],
        "min_age_s": age, "recurring_period_units": "day", "beneficiary": "Example Data Centre",
    });
    let created = world
        .trader
        .post("/certificate/recurring_cancel", body)
        .await
        .expect(202);
    let rule = done(&world, created["id"].as_i64().unwrap(), 1).await;
    assert_eq!(shown(&rule), [ran(0, 1, "met", 101)]);
    let cancelled = json!({"certificate_bundle_status": "Cancelled"});
    let cancelled = world.trader.query(world.s, cancelled).await;
    assert_eq!(tests::volume(&cancelled), 101);
    assert_eq!(cancelled[0]["beneficiary"], "Example Data Centre");
    assert_eq!(
        cancelled[0]["production_starting_interval"],
        json!("2024-11-18T10:00:00Z")
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_schedulers_at_once_run_a_period_once() {
    let mut world = World::start().await;
    world.issue([100_000]).await;
    let mut rules = Vec::new();
    for _ in 0..5 {
        let later = json!({"initial_action_datetime": ago(&world, -1)});
        rules.push(create(&world, later).await);
    }
    world.registry.down().await;
    world.registry.clock.advance(TimeDelta::hours(1));
    let core = world.registry.bare_core().await;
    let finished = join_all((0..4).map(|_| {
        let scheduler = core.scheduler();
        async move { scheduler.look().await.unwrap() }
    }))
    .await;
    assert_eq!(finished.iter().sum::<usize>(), rules.len(), "{finished:?}");
    core.shutdown().await;
    world.registry.up().await;
    for id in rules {
        assert_eq!(shown(&rule(&world, id).await), [ran(0, 1, "met", 100)]);
    }
    assert_eq!(held(&world, world.t).await, 500);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_into_account_what_was_issued_just_before_it() {
    let world = World::start().await;
    let id = create(&world, json!({"initial_action_datetime": ago(&world, -1)})).await;
    for period in 0..5 {
        world
            .producer
            .submit(world.w, &tests::hours(period, [100]))
            .await
            .expect(200);
        world.registry.clock.advance(TimeDelta::hours(1));
        world.registry.caught_up().await;
        world.registry.core().scheduler().look().await.unwrap();
        let rule = done(&world, id, period + 1).await;
        assert_eq!(
            shown(&rule)[usize::try_from(period).unwrap()],
            ran(period, 1, "met", 100)
        );
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_more_bundles_than_an_action_lists_is_one_run_of_several_actions() {
    const BUNDLES: i32 = 10_050;
    let world = World::start().await;
    let quarter = |n: i32| hour(0) + TimeDelta::minutes(15) * n;
    let readings: Vec<_> = (0..BUNDLES)
        .map(|n| Reading {
            start: quarter(n),
            end: quarter(n + 1),
            wh: 3,
        })
        .collect();
    world.producer.submit(world.w, &readings).await.expect(200);
    let half = json!({"certificate_quantity": null, "certificate_bundle_percentage": 0.5});
    let id = create(&world, half).await;
    let rule = done(&world, id, 1).await;
    let half = i64::from(BUNDLES) * 3 / 2;
    assert_eq!(shown(&rule), [ran(0, 1, "met", half)]);
    assert_eq!(rule["runs"][0]["action_ids"].as_array().unwrap().len(), 2);
    assert_eq!(tests::volume(&world.trader.holdings(world.t).await), half);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_named_bundles_follows_what_is_left_of_them() {
    let world = World::start().await;
    let [_, named, _] = world.issue([500, 250, 500]).await;
    let age = (world.registry.clock.now() - hour(0)).num_seconds() + 86_400;
    let fields = json!({"granular_certificate_bundle_ids": [named], "max_age_s": age});
    let id = create(&world, fields).await;
    for period in 1..3 {
        done(&world, id, period).await;
        world.registry.clock.advance(TimeDelta::hours(1));
    }
    let rule = done(&world, id, 3).await;
    let expected = [
        ran(0, 1, "met", 100),
        ran(1, 1, "met", 100),
        ran(2, 1, "partial", 50),
    ];
    assert_eq!(shown(&rule), expected);
    let moved = world.trader.holdings(world.t).await;
    let name = world.issuance_id(1);
    assert!(moved.iter().all(|bundle| bundle["issuance_id"] == name));
    assert_eq!(held(&world, world.s).await, 1000);
    world.registry.audit().await;
}
