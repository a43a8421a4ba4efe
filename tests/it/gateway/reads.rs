//! Gateways in lists, and single envelopes.

use super::enrolled;
use schemas::gateway::{Algorithm, jws};
use serde_json::{Value, json};
use tests::{TestGateway, World, measured_hour};

fn listed(list: &Value) -> Vec<i64> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_read_as_it_was_signed_by_whom_its_gateways_account_is() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let envelope = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
    let receipt = super::submit(&world, &envelope).await;
    let path = format!("/gateway/envelope?device_id={}&sequence=1", world.w);
    for actor in [&world.auditor, &world.admin] {
        let read = actor.get(&path).await.expect(200);
        assert_eq!(read["envelope"], envelope);
        assert_eq!(read["hash"], jws::hash(&envelope));
        assert_eq!(read["key_id"], json!(gateway.key.id()));
        assert_eq!(read["gateway_id"], gateway.id);
        assert_eq!(read["ledger_position"], receipt["position"]);
    }
    let (email, password) = ("stranger@registry.test", "a long password");
    world
        .admin
        .create_user("Stranger", email, 2, password)
        .await
        .expect(200);
    let stranger = world.trader.signed_in(email, password).await;
    stranger.get(&path).await.refused(404, "envelope_not_found");
    for (query, status, code) in [
        (
            format!("device_id={}&sequence=2", world.w),
            404,
            "envelope_not_found",
        ),
        (
            "device_id=9999&sequence=1".to_owned(),
            404,
            "envelope_not_found",
        ),
        (format!("device_id={}", world.w), 422, "request_invalid"),
    ] {
        let path = format!("/gateway/envelope?{query}");
        world.admin.get(&path).await.refused(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_are_listed_by_account_in_pages_for_whom_the_account_is() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let first = enrolled(&world, Algorithm::Es256).await;
    let second = enrolled(&world, Algorithm::EdDsa).await;
    let device = world.producer.register_device(world.t, json!({})).await;
    let third = TestGateway::enrol(
        &anonymous,
        &world.producer,
        world.t,
        &[device],
        Algorithm::Es256,
    )
    .await;
    let path = format!("/gateway/{}/revoke", first.id);
    world
        .producer
        .post(&path, json!({"reason": "sold"}))
        .await
        .expect(200);

    let of_s = format!("/gateway/list?account_id={}", world.s);
    let list = world.auditor.get(&of_s).await.expect(200);
    assert_eq!(listed(&list), [first.id, second.id]);
    assert_eq!(
        (&list[0]["devices"], &list[1]["devices"]),
        (&json!(0), &json!(1))
    );
    assert!(list[0]["revoked_at"].is_string() && list[1]["revoked_at"].is_null());
    assert_eq!(list[1]["name"], "shed");
    // Without an account, those of all that the caller may see.
    let seen = world.producer.get("/gateway/list").await.expect(200);
    assert_eq!(listed(&seen), [first.id, second.id, third.id]);
    let seen = world.auditor.get("/gateway/list").await.expect(200);
    assert_eq!(listed(&seen), [first.id, second.id]);

    let page = world.admin.get("/gateway/list?limit=2").await;
    let cursor = page.header("X-Next-Cursor").to_owned();
    assert_eq!(listed(&page.expect(200)), [first.id, second.id]);
    let rest = world
        .admin
        .get(&format!("/gateway/list?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(rest.header("X-Next-Cursor"), "");
    assert_eq!(listed(&rest.expect(200)), [third.id]);

    let of_x = format!("/gateway/list?account_id={}", world.x);
    world
        .producer
        .get(&of_x)
        .await
        .refused(404, "account_not_found");
    let foreign = world.admin.get("/gateway/list?cursor=abc").await;
    foreign.refused_at(422, "request_invalid", "cursor");
}
