//! Contract 1.7, `recurring_transfer` and `recurring_cancel`: what may be created, by whom, and who sees it.

use super::{ago, create, rule, try_create};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_what_was_asked_for_and_stands_in_the_list() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let start = ago(&world, -24);
    let body = json!({
        "source_id": world.s, "user_id": world.trader.id, "granular_certificate_bundle_ids": [bundle],
        "certificate_bundle_percentage": 0.25, "localise_time": true, "action_type": "recurring_cancel",
        "beneficiary": "Example Data Centre", "device_ids": [world.w], "energy_sources": ["wind"],
        "certificate_bundle_statuses": ["Active", "Reserved"], "min_age_s": 60, "max_age_s": 999_999_999,
        "initial_action_datetime": start, "recurring_period_units": "month",
        "recurring_period_quantity": 3, "number_of_recurring_actions": 4, "missed_periods": "skip",
        "shortfall": "nothing",
    });
    let created = world
        .trader
        .post("/certificate/recurring_cancel/", body.clone())
        .await
        .expect(202);
    for (name, value) in body.as_object().unwrap() {
        if name != "initial_action_datetime" {
            assert_eq!(&created[name], value, "{name}");
        }
    }
    for (name, value) in [
        ("status", json!("active")),
        ("periods_done", json!(0)),
        ("last_outcome", Value::Null),
        ("target_id", Value::Null),
    ] {
        assert_eq!(created[name], value, "{name}");
    }
    assert_eq!(created["next_run"], created["initial_action_datetime"]);
    let mut got = rule(&world, created["id"].as_i64().unwrap()).await;
    assert_eq!(got.as_object_mut().unwrap().remove("runs"), Some(json!([])));
    assert_eq!(got, created);
    let later = create(&world, json!({"initial_action_datetime": start})).await;
    let listed = world.trader.get("/certificate/recurring?limit=1").await;
    let cursor = listed.header("X-Next-Cursor").to_owned();
    assert_eq!(listed.expect(200)[0]["id"], later);
    let next = world
        .trader
        .get(&format!("/certificate/recurring?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(next, json!([created]));
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_created_by_members_who_trade_and_seen_by_members_and_the_issuing_body() {
    let world = World::start().await;
    let start = ago(&world, -24);
    let body = |source: i64, target: i64| {
        json!({
            "source_id": source, "target_id": target, "recurring_period_units": "day",
            "initial_action_datetime": start,
        })
    };
    let path = "/certificate/recurring_transfer";
    let own = body(world.s, world.t);
    world
        .auditor
        .post(path, own.clone())
        .await
        .refused(403, "capability_required");
    world
        .admin
        .post(path, own.clone())
        .await
        .refused(403, "account_access_denied");
    let foreign = body(world.x, world.s);
    world
        .trader
        .post(path, foreign.clone())
        .await
        .refused(404, "account_not_found");
    let mut impersonates = own.clone();
    impersonates["user_id"] = json!(world.admin.id);
    world
        .trader
        .post(path, impersonates)
        .await
        .refused(403, "user_id_not_yours");

    let mine = create(&world, json!({"initial_action_datetime": start})).await;
    world
        .producer
        .update_whitelist(world.s, &[world.x], &[])
        .await
        .expect(200);
    let theirs = world.admin.post(path, foreign).await.expect(202)["id"]
        .as_i64()
        .unwrap();
    for (reader, id, status) in [
        (&world.auditor, mine, 200),
        (&world.admin, mine, 200),
        (&world.trader, theirs, 404),
    ] {
        let answer = reader.get(&format!("/certificate/recurring/{id}")).await;
        assert_eq!(answer.status, status, "{answer}");
        let answer = reader
            .get(&format!("/certificate/recurring/{id}/runs"))
            .await;
        assert_eq!(answer.status, status, "{answer}");
    }
    let ids = async |actor: &tests::Actor, query: &str| {
        let rules = actor
            .get(&format!("/certificate/recurring{query}"))
            .await
            .expect(200);
        tests::ids(rules.as_array().unwrap())
    };
    assert_eq!(ids(&world.trader, "").await, [mine]);
    assert_eq!(ids(&world.admin, "").await, [theirs, mine]);
    assert_eq!(
        ids(&world.admin, &format!("?account_id={}", world.s)).await,
        [mine]
    );
    assert_eq!(ids(&world.admin, "?status=ended").await, Vec::<i64>::new());
    for action in ["pause", "resume", "end"] {
        let change = |actor: &tests::Actor, id: i64| {
            let actor = actor.clone();
            async move {
                actor
                    .post_nothing(&format!("/certificate/recurring/{id}/{action}"))
                    .await
            }
        };
        change(&world.trader, theirs)
            .await
            .refused(404, "recurring_rule_not_found");
        change(&world.admin, mine)
            .await
            .refused(403, "account_access_denied");
        change(&world.auditor, mine)
            .await
            .refused(403, "capability_required");
        change(&world.trader, 999)
            .await
            .refused(404, "recurring_rule_not_found");
    }
    let foreign = world
        .trader
        .get(&format!("/certificate/recurring?account_id={}", world.x))
        .await;
    foreign.refused(404, "account_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_breaks_a_rule_is_refused_and_leaves_nothing_behind() {
    let world = World::start().await;
    let [live, dead] = world.issue([10, 10]).await;
    world
        .trader
        .cancel(world.s, &[dead], "Somebody")
        .await
        .expect(202);
    let now = world.registry.clock.now();
    let cases = [
        (
            json!({"target_id": world.x}),
            422,
            "not_whitelisted",
            "/target_id",
        ),
        (
            json!({"target_id": 999}),
            404,
            "account_not_found",
            "/target_id",
        ),
        (
            json!({"certificate_quantity": 0}),
            422,
            "value_out_of_range",
            "/certificate_quantity",
        ),
        (
            json!({"certificate_bundle_percentage": 0.5}),
            422,
            "request_invalid",
            "/certificate_bundle_percentage",
        ),
        (
            json!({"recurring_period_units": null}),
            422,
            "request_invalid",
            "/recurring_period_units",
        ),
        (
            json!({"recurring_period_units": "fortnight"}),
            422,
            "request_invalid",
            "/recurring_period_units",
        ),
        (
            json!({"recurring_period_quantity": 0}),
            422,
            "value_out_of_range",
            "/recurring_period_quantity",
        ),
        (
            json!({"recurring_period_quantity": 1001}),
            422,
            "value_out_of_range",
            "/recurring_period_quantity",
        ),
        (
            json!({"number_of_recurring_actions": 0}),
            422,
            "value_out_of_range",
            "/number_of_recurring_actions",
        ),
        (
            json!({"initial_action_datetime": now - TimeDelta::days(367)}),
            422,
            "recurring_start",
            "/initial_action_datetime",
        ),
        (
            json!({"initial_action_datetime": now + TimeDelta::days(3_654)}),
            422,
            "recurring_start",
            "/initial_action_datetime",
        ),
        (
            json!({"min_age_s": 9, "max_age_s": 8}),
            422,
            "value_out_of_range",
            "/max_age_s",
        ),
        (
            json!({"certificate_bundle_statuses": ["Reserved"]}),
            422,
            "value_out_of_range",
            "/certificate_bundle_statuses/0",
        ),
        (
            json!({"device_ids": [999]}),
            404,
            "device_not_found",
            "/device_ids/0",
        ),
        (
            json!({"granular_certificate_bundle_ids": [999]}),
            404,
            "bundle_not_found",
            "/granular_certificate_bundle_ids/0",
        ),
        (
            json!({"granular_certificate_bundle_ids": [live, live]}),
            422,
            "bundle_repeated",
            "/granular_certificate_bundle_ids/1",
        ),
        (
            json!({"granular_certificate_bundle_ids": [live, dead]}),
            409,
            "bundle_state",
            "/granular_certificate_bundle_ids/1",
        ),
        (
            json!({"granular_certificate_bundle_ids": (1..=1_001).collect::<Vec<i64>>()}),
            422,
            "list_too_long",
            "/granular_certificate_bundle_ids",
        ),
        (
            json!({"action_type": "transfer"}),
            422,
            "request_invalid",
            "/action_type",
        ),
    ];
    for (fields, status, code, place) in cases {
        try_create(&world, fields)
            .await
            .refused_at(status, code, place);
    }
    assert_eq!(
        world.trader.get("/certificate/recurring").await.expect(200),
        json!([])
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_created_twice_under_one_key_is_one_rule() {
    let world = World::start().await;
    let trader = world.trader.with("idempotency-key", "a-rule");
    let body = json!({
        "source_id": world.s, "target_id": world.t, "recurring_period_units": "day",
        "initial_action_datetime": ago(&world, -24),
    });
    let first = trader
        .post("/certificate/recurring_transfer", body.clone())
        .await
        .expect(202);
    let second = trader
        .post("/certificate/recurring_transfer", body)
        .await
        .expect(202);
    assert_eq!(first, second);
    let rules = world.trader.get("/certificate/recurring").await.expect(200);
    assert_eq!(rules.as_array().unwrap().len(), 1);
}
