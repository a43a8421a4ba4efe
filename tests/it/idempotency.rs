//! `Idempotency-Key`: what is sent twice happens once and is answered alike.

use futures_util::future::join_all;
use serde_json::json;
use tests::{Actor, World, quantities};

const KEY: &str = "idempotency-key";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_under_its_key_happens_once_and_is_answered_alike() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let trader = world.trader.with(KEY, "transfer-1");
    let part = json!({"certificate_quantity": 250});
    let send = async || {
        trader
            .transfer_part(world.s, world.t, &[bundle], part.clone())
            .await
    };
    let first = send().await;
    let again = send().await;
    assert_eq!((first.status, &first.body), (202, &again.body), "{again}");
    assert_eq!(first.status, again.status);
    assert_eq!(
        first.ledger_position(),
        again.ledger_position().min(first.ledger_position())
    );
    assert_eq!(quantities(&world.trader.holdings(world.t).await), [250]);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_mutation_is_answered_alike_when_repeated() {
    let world = World::start().await;
    let twice =
        async |actor: &Actor, key: &str, method: &str, path: &str, body: serde_json::Value| {
            let actor = actor.with(KEY, key);
            let send = async || actor.send(actor.request(method, path).json(&body)).await;
            let (first, again) = (send().await, send().await);
            assert!(first.status < 300, "{first}");
            assert_eq!(
                (first.status, first.json()),
                (again.status, again.json()),
                "{again}"
            );
            first.json()
        };
    let (producer, trader, admin) = (&world.producer, &world.trader, &world.admin);
    let account = json!({"account_name": "Once"});
    let account = twice(producer, "1", "POST", "/account/create", account).await["id"].clone();
    let rename = json!({"account_name": "Twice"});
    twice(
        producer,
        "2",
        "PATCH",
        &format!("/account/update/{account}"),
        rename,
    )
    .await;
    let add = json!({"add_to_whitelist": [world.s]});
    twice(
        producer,
        "3",
        "PATCH",
        &format!("/account/update_whitelist/{account}"),
        add,
    )
    .await;
    let user =
        json!({"name": "n", "email": "n@registry.test", "role": 2, "password": tests::PASSWORD});
    let user = twice(admin, "4", "POST", "/user/create", user).await["id"].clone();
    twice(
        admin,
        "5",
        "POST",
        &format!("/user/change_role/{user}?role=3"),
        json!({}),
    )
    .await;
    let readings: Vec<_> = tests::hours(0, [10])
        .iter()
        .map(tests::Reading::json)
        .collect();
    let readings = json!({"device_id": world.w, "readings": readings});
    let submit = "/measurement/submit_readings";
    let submitted = twice(producer, "6", "POST", submit, readings).await;
    assert_eq!(submitted["total_device_usage"], 10);
    let bundle = tests::ids(&trader.holdings(world.s).await)[0];
    let reserve = json!({"source_id": world.s, "granular_certificate_bundle_ids": [bundle]});
    twice(trader, "7", "POST", "/certificate/reserve", reserve).await;
    let device = twice(
        producer,
        "8",
        "PATCH",
        &format!("/device/update/{}", world.w),
        json!({"grid": "G"}),
    )
    .await;
    assert_eq!(device["grid"], "G");
    twice(
        producer,
        "9",
        "DELETE",
        &format!("/account/delete/{account}"),
        json!({}),
    )
    .await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_bound_to_its_request_and_private_to_its_caller() {
    let world = World::start().await;
    let create = async |actor: &Actor, name: &str| {
        actor
            .with(KEY, "k")
            .post("/account/create", json!({"account_name": name}))
            .await
    };
    create(&world.producer, "One").await.expect(201);
    create(&world.producer, "Another")
        .await
        .refused(422, "idempotency_key_reused");
    create(&world.admin, "Another").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_may_be_sent_again_under_its_key_once_it_can_succeed() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let trader = world.trader.with(KEY, "k");
    trader
        .transfer(world.t, world.s, &[bundle])
        .await
        .refused(422, "not_whitelisted");
    world
        .trader
        .update_whitelist(world.s, &[world.t], &[])
        .await
        .expect(200);
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    trader
        .transfer(world.t, world.s, &[bundle])
        .await
        .expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_visible_characters_or_too_long_is_refused() {
    let world = World::start().await;
    let create = async |key: &str| {
        let body = json!({"account_name": "N"});
        world
            .producer
            .with(KEY, key)
            .post("/account/create", body)
            .await
    };
    for wrong in ["", "a b", &"k".repeat(256)] {
        create(wrong)
            .await
            .refused_at(422, "request_invalid", "Idempotency-Key");
    }
    create(&"k".repeat(255)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_at_once_under_one_key_happen_once_and_survive_a_restart() {
    let mut world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let trader = world.trader.with(KEY, "k");
    let part = json!({"certificate_quantity": 1, "beneficiary": "B"});
    let send = async || trader.act("cancel", world.s, &[bundle], part.clone()).await;
    let answers = join_all((0..16).map(|_| send())).await;
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body),
            (202, &answers[0].body),
            "{answer}"
        );
    }
    world.registry.caught_up().await;
    world.registry.down().await;
    world.registry.up().await;
    let after = trader.act("cancel", world.s, &[bundle], part).await;
    assert_eq!(
        (after.status, &after.body),
        (202, &answers[0].body),
        "{after}"
    );
    assert_eq!(quantities(&world.trader.holdings(world.s).await), [1, 999]);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_the_same_whatever_separates_its_parts() {
    let world = World::start().await;
    let producer = world.producer.with(KEY, "k");
    let readings = tests::hours(0, [10, 20]);
    let first = producer.submit(world.w, &readings).await;
    let again = producer.submit(world.w, &readings).await;
    assert_eq!((first.status, first.json()), (200, again.json()), "{again}");
    let other = producer.submit(world.w, &tests::hours(0, [10, 21])).await;
    other.refused(422, "idempotency_key_reused");
}
