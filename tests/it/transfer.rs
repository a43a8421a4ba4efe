//! Contract 5.1, scenarios 43 to 48 and 53; FEA study 8.1, scenarios 6 to 8, 14 to 17.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::{Reading, World, ids, quantities, volume};

/// Wh that moved and Wh that stayed when part of a fresh bundle is transferred.
async fn split(world: &World, wh: i64, fields: Value) -> (i64, i64) {
    let [bundle] = world.issue([wh]).await;
    let action = world
        .trader
        .transfer_part(world.s, world.t, &[bundle], fields)
        .await
        .expect(202);
    let part = &action["bundles"][0];
    let acted_on = world
        .trader
        .bundle(part["acted_on"].as_i64().unwrap())
        .await;
    assert_eq!(acted_on["account_id"], world.t);
    let stayed = match part["remainder"]["bundle_id"].as_i64() {
        Some(remainder) => world.trader.bundle(remainder).await["bundle_quantity"]
            .as_i64()
            .unwrap(),
        None => 0,
    };
    (acted_on["bundle_quantity"].as_i64().unwrap(), stayed)
}

/// Scenario 43.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_without_target_or_source_names_what_is_missing() {
    let world = World::start().await;
    let answer = world.trader.act("transfer", world.s, &[1], json!({})).await;
    answer.refused_at(422, "request_invalid", "/target_id");
    let body = json!({"target_id": world.t, "granular_certificate_bundle_ids": [1]});
    let answer = world.trader.post("/certificate/transfer", body).await;
    answer.refused_at(422, "request_invalid", "/source_id");
    let body = json!({"source_id": world.s, "target_id": world.t});
    let answer = world.trader.post("/certificate/transfer", body).await;
    answer.refused_at(422, "request_invalid", "/granular_certificate_bundle_ids");
    world
        .trader
        .transfer(world.s, world.t, &[])
        .await
        .refused(422, "list_empty");
}

/// Scenario 44.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_to_an_account_that_has_not_whitelisted_the_source_is_refused() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let sentence = "has not whitelisted the source account";
    let answer = world.trader.transfer(world.s, world.x, &[bundle]).await;
    answer.refused_saying(422, "not_whitelisted", sentence);
    let sentence = "Target account does not exist: 999";
    let answer = world.trader.transfer(world.s, 999, &[bundle]).await;
    answer.refused_saying(404, "account_not_found", sentence);
    assert_eq!(ids(&world.trader.holdings(world.s).await), [bundle]);
}

/// Scenario 45.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_bundle_moves_as_it_is() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let before = world.trader.bundle(bundle).await;
    let body = json!({"user_id": world.trader.id, "action_type": "transfer"});
    let action = world
        .trader
        .transfer_part(world.s, world.t, &[bundle], body)
        .await
        .expect(202);
    assert_eq!(action["action_type"], "transfer");
    assert_eq!(
        (&action["source_id"], &action["target_id"]),
        (&json!(world.s), &json!(world.t))
    );
    assert_eq!(action["granular_certificate_bundle_ids"], json!([bundle]));
    assert!(
        action["action_request_datetime"].as_str() <= action["action_completed_datetime"].as_str()
    );
    assert!(world.trader.holdings(world.s).await.is_empty());
    assert_eq!(ids(&world.trader.holdings(world.t).await), [bundle]);
    let mut after = world.trader.bundle(bundle).await;
    assert_eq!(after["account_id"], world.t);
    after["account_id"] = before["account_id"].clone();
    assert_eq!(after, before);
    world
        .auditor
        .get(&format!("/certificate/{bundle}"))
        .await
        .refused(404, "bundle_not_found");
    world.registry.audit().await;
}

/// Scenario 46.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_moves_and_the_ids_partition_the_parent_exactly() {
    let world = World::start().await;
    let [parent] = world.issue([1000]).await;
    let part = json!({"certificate_quantity": 250});
    let action = world
        .trader
        .transfer_part(world.s, world.t, &[parent], part)
        .await
        .expect(202);
    let (moved, stayed) = (
        world.trader.holdings(world.t).await,
        world.trader.holdings(world.s).await,
    );
    assert_eq!(
        (quantities(&moved), quantities(&stayed)),
        (vec![250], vec![750])
    );
    let range = |bundle: &Value| {
        ["start", "end"].map(|end| {
            bundle[format!("certificate_bundle_id_range_{end}")]
                .as_i64()
                .unwrap()
        })
    };
    assert_eq!(
        (range(&moved[0]), range(&stayed[0])),
        ([1, 250], [251, 1000])
    );
    assert_eq!(moved[0]["issuance_id"], stayed[0]["issuance_id"]);
    assert_eq!(
        (&moved[0]["parent_id"], &stayed[0]["parent_id"]),
        (&json!(parent), &json!(parent))
    );
    assert_eq!(action["children"], json!([moved[0]["id"], stayed[0]["id"]]));
    world
        .trader
        .transfer(world.s, world.t, &[parent])
        .await
        .refused_saying(409, "bundle_state", "Can only transfer active certificates");
    world.registry.audit().await;
}

/// Scenarios 47 and 48.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_rounded_down_exactly_and_one_is_all_of_it() {
    let world = World::start().await;
    for (wh, share, moved) in [
        (1000, json!(0.75), 750),
        (100, json!(0.57), 57),
        (100, json!("0.57"), 57),
        (3, json!(0.5), 1),
        (1000, json!(0.9999), 999),
        (10_000_000, json!(0.000_000_1), 1),
        (1000, json!(1), 1000),
        (1000, json!(1.0), 1000),
    ] {
        let fields = json!({"certificate_bundle_percentage": share});
        assert_eq!(
            split(&world, wh, fields).await,
            (moved, wh - moved),
            "{share} of {wh}"
        );
    }
    world.registry.audit().await;
}

/// Scenarios 47 and 48.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_outside_its_bounds_is_refused_and_so_is_one_that_gives_nothing() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let part = async |fields| {
        world
            .trader
            .transfer_part(world.s, world.t, &[bundle], fields)
            .await
    };
    let share = |share: Value| json!({"certificate_bundle_percentage": share});
    let sentence = "Input should be less than or equal to 1";
    part(share(json!(1.5)))
        .await
        .refused_saying(422, "request_invalid", sentence);
    let sentence = "Input should be greater than 0";
    part(share(json!(0)))
        .await
        .refused_saying(422, "request_invalid", sentence);
    part(share(json!(-0.5)))
        .await
        .refused(422, "request_invalid");
    let sentence = "The size to split must be greater than 0";
    part(share(json!(0.0001)))
        .await
        .refused_saying(422, "split_too_small", sentence);
    let both = json!({"certificate_bundle_percentage": 0.5, "certificate_quantity": 5});
    let sentence =
        "Can only pass one of `certificate_quantity` or `certificate_bundle_percentage`.";
    part(both)
        .await
        .refused_saying(422, "request_invalid", sentence);
    let sentence = "Value error, `action_type` cannot be set explicitly.";
    part(json!({"action_type": "cancel"}))
        .await
        .refused_saying(422, "request_invalid", sentence);
    assert_eq!(quantities(&world.trader.holdings(world.s).await), [1000]);
}

/// Scenario 48.
#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_from_the_whole_bundle_up_takes_it_whole_and_none_or_less_is_refused() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    for wrong in [0, -5, -500] {
        let fields = json!({"certificate_quantity": wrong});
        let answer = world
            .trader
            .transfer_part(world.s, world.t, &[bundle], fields)
            .await;
        answer.refused(422, "value_out_of_range");
    }
    let half = json!({"certificate_quantity": 1.5});
    let answer = world
        .trader
        .transfer_part(world.s, world.t, &[bundle], half)
        .await;
    answer.refused_at(422, "request_invalid", "/certificate_quantity");
    assert_eq!(ids(&world.trader.holdings(world.s).await), [bundle]);
    let more = json!({"certificate_quantity": 5000});
    world
        .trader
        .transfer_part(world.s, world.t, &[bundle], more)
        .await
        .expect(202);
    assert_eq!(ids(&world.trader.holdings(world.t).await), [bundle]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_is_meant_per_bundle_or_in_total() {
    let world = World::start().await;
    let first = world.issue([100, 100, 100]).await;
    let each = json!({"certificate_quantity": 10});
    let action = world
        .trader
        .transfer_part(world.s, world.t, &first, each)
        .await
        .expect(202);
    assert_eq!(action["total_certificate_volume"], 30);
    let held = world.trader.holdings(world.s).await;
    assert_eq!(quantities(&held), [90, 90, 90]);
    let total = json!({"certificate_quantity": 100, "certificate_quantity_mode": "total"});
    world
        .trader
        .transfer_part(world.s, world.t, &ids(&held), total)
        .await
        .expect(202);
    assert_eq!(quantities(&world.trader.holdings(world.s).await), [80, 90]);
    let left = ids(&world.trader.holdings(world.s).await);
    let more = json!({"certificate_quantity": 171, "certificate_quantity_mode": "total"});
    let answer = world
        .trader
        .transfer_part(world.s, world.t, &left, more)
        .await;
    answer.refused(422, "quantity_exceeds_total");
    let each = json!({"certificate_quantity": 1, "certificate_quantity_mode": "each"});
    let answer = world
        .trader
        .transfer_part(world.s, world.t, &left, each)
        .await;
    answer.refused_at(422, "request_invalid", "/certificate_quantity_mode");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_one_bad_bundle_changes_nothing_and_names_it() {
    let world = World::start().await;
    let [good, cancelled] = world.issue([10, 20]).await;
    world
        .trader
        .cancel(world.s, &[cancelled], "Somebody")
        .await
        .expect(202);
    let pointer = "/granular_certificate_bundle_ids/1";
    for (bad, status, code) in [
        (cancelled, 409, "bundle_state"),
        (9999, 404, "bundle_not_found"),
        (good, 422, "bundle_repeated"),
    ] {
        let part = json!({"certificate_quantity": 5});
        let answer = world
            .trader
            .transfer_part(world.s, world.t, &[good, bad], part)
            .await;
        answer.refused_at(status, code, pointer);
    }
    assert!(world.trader.holdings(world.t).await.is_empty());
    assert_eq!(quantities(&world.trader.holdings(world.s).await), [10, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_lists_at_most_10_000_bundles() {
    let world = World::start().await;
    let minute = |n: i64| tests::hour(0) + TimeDelta::minutes(n);
    let readings: Vec<_> = (0..10_001)
        .map(|n| Reading {
            start: minute(n),
            end: minute(n + 1),
            wh: 2,
        })
        .collect();
    world.producer.submit(world.w, &readings).await.expect(200);
    // Longer than a read waits for, in a debug build.
    world.registry.caught_up().await;
    let all = ids(&world.trader.holdings(world.s).await);
    let half = json!({"certificate_bundle_percentage": 0.5});
    let answer = world
        .trader
        .transfer_part(world.s, world.t, &all, half.clone())
        .await;
    answer.refused(422, "list_too_long");
    let most = &all[..10_000];
    let action = world
        .trader
        .transfer_part(world.s, world.t, most, half)
        .await
        .expect(202);
    world.registry.caught_up().await;
    assert_eq!(action["total_certificate_volume"], 10_000);
    assert_eq!(volume(&world.trader.holdings(world.t).await), 10_000);
    assert_eq!(volume(&world.trader.holdings(world.s).await), 10_002);
}

/// Scenario 53.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_bundle_is_no_bundle() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    world
        .trader
        .update_whitelist(world.t, &[world.x], &[])
        .await
        .expect(200);
    for (action, fields) in [
        ("transfer", json!({"target_id": world.t})),
        ("cancel", json!({"beneficiary": "Thief"})),
        ("claim", json!({})),
        ("reserve", json!({})),
        ("release", json!({})),
    ] {
        let answer = world.admin.act(action, world.x, &[bundle], fields).await;
        answer.refused(404, "bundle_not_found");
    }
    let from_s = world.admin.transfer(world.s, world.t, &[bundle]).await;
    from_s.refused(403, "account_access_denied");
    assert_eq!(
        world.trader.bundle(bundle).await["certificate_bundle_status"],
        "Active"
    );
    assert_eq!(ids(&world.trader.holdings(world.s).await), [bundle]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_in_the_name_of_another_unless_they_administer_users() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let forged = json!({"user_id": world.producer.id});
    let answer = world
        .trader
        .transfer_part(world.s, world.t, &[bundle], forged)
        .await;
    answer.refused_at(403, "user_id_not_yours", "/user_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_kept_with_everything_that_was_asked_and_became_of_it() {
    let world = World::start().await;
    let [first, second] = world.issue([1000, 1000]).await;
    let part = json!({"certificate_quantity": 400});
    let moved = world
        .trader
        .transfer_part(world.s, world.t, &[first], part)
        .await
        .expect(202);
    let cancelled = world
        .trader
        .cancel(world.s, &[second], "Data Centre")
        .await
        .expect(202);
    let path = |action: &Value| format!("/certificate/actions/{}", action["id"]);
    assert_eq!(world.trader.get(&path(&moved)).await.expect(200), moved);
    let shown = world.auditor.get(&path(&cancelled)).await.expect(200);
    assert_eq!(shown["beneficiary"], "Data Centre");
    assert_eq!(shown["user_id"], world.trader.id);
    assert_eq!(shown["total_certificate_volume"], 1000);
    let listed = async |actor: &tests::Actor| -> Vec<i64> {
        let page = actor.get("/certificate/actions").await.expect(200);
        ids(page.as_array().unwrap())
    };
    let both = [&cancelled["id"], &moved["id"]].map(|id| id.as_i64().unwrap());
    assert_eq!(listed(&world.auditor).await, both);
    let stranger_path = path(&moved);
    let email = "stranger@registry.test";
    world
        .admin
        .create_user("stranger", email, 3, tests::PASSWORD)
        .await
        .expect(200);
    let stranger = world
        .registry
        .anonymous()
        .signed_in(email, tests::PASSWORD)
        .await;
    stranger
        .get(&stranger_path)
        .await
        .refused(404, "action_not_found");
    assert!(listed(&stranger).await.is_empty());
}
