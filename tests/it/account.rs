//! Contract 5.1, scenarios 15 to 19 and 23 to 25.

use serde_json::{Value, json};
use tests::World;

/// Scenario 15.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_by_a_producer_who_becomes_its_last_member() {
    let world = World::start().await;
    let (producer, trader) = (&world.producer, &world.trader);
    let body = json!({"account_name": "A", "user_ids": [trader.id],
                      "created_at": "2001-01-01T00:00:00", "is_deleted": true, "id": 77});
    trader
        .post("/account/create", body.clone())
        .await
        .refused_saying(403, "capability_required", "production_user");
    let account = producer.post("/account/create", body).await.expect(201);
    assert_eq!(account["user_ids"], json!([trader.id, producer.id]));
    let path = format!("/account/{}", account["id"]);
    assert_eq!(trader.get(&path).await.expect(200), account);
    assert_ne!(account["id"], 77);
    let body = json!({"account_name": "B", "user_ids": [producer.id, trader.id]});
    let account = producer.post("/account/create", body).await.expect(201);
    assert_eq!(
        account["user_ids"],
        json!([producer.id, trader.id]),
        "each member once"
    );
}

/// Scenario 16.
#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_or_an_unknown_member_opens_no_account() {
    let world = World::start().await;
    let create = |body: Value| world.producer.post("/account/create", body);
    create(json!({"account_name": "s"})).await.refused_saying(
        422,
        "account_name_taken",
        "Account name already exists in the database.",
    );
    create(json!({"account_name": "N", "user_ids": [9999]}))
        .await
        .refused_saying(
            422,
            "users_unknown",
            "One or more users assigned to this account do not exist in the database.",
        );
    create(json!({}))
        .await
        .refused_at(422, "request_invalid", "/account_name");
    create(json!({"account_name": "N"})).await.expect(201);
}

/// Scenario 17.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_to_its_members_with_name_members_and_standing() {
    let world = World::start().await;
    let path = format!("/account/{}", world.s);
    let account = world.auditor.get(&path).await.expect(200);
    let (producer, trader, auditor) = (world.producer.id, world.trader.id, world.auditor.id);
    let members = json!([trader, auditor, producer]);
    assert_eq!(
        account,
        json!({"id": world.s, "account_name": "S", "user_ids": members,
               "state": "approved", "transfer_disabled": false, "organisation_id": null})
    );
    world.admin.get(&path).await.expect(200);
    world
        .auditor
        .get(&format!("/account/{}", world.t))
        .await
        .refused(404, "account_not_found");
    let sentence = "Account with id 9999 not found";
    world
        .auditor
        .get("/account/9999")
        .await
        .refused_saying(404, "account_not_found", sentence);
    world
        .auditor
        .get("/account/x")
        .await
        .refused(422, "request_invalid");
}

/// Scenario 18.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_renamed_by_a_trading_member_only() {
    let world = World::start().await;
    let path = format!("/account/update/{}", world.s);
    let name = json!({"account_name": "Renamed"});
    world
        .auditor
        .patch(&path, name.clone())
        .await
        .refused(403, "capability_required");
    world.admin.patch(&path, name.clone()).await.refused_saying(
        403,
        "account_access_denied",
        "User does not have access to the specified source account",
    );
    let foreign = format!("/account/update/{}", world.x);
    world
        .trader
        .patch(&foreign, name.clone())
        .await
        .refused(404, "account_not_found");
    world.trader.patch(&path, name).await.expect(200);
    let shown = world
        .trader
        .get(&format!("/account/{}", world.s))
        .await
        .expect(200);
    assert_eq!(shown["account_name"], "Renamed");
    world
        .trader
        .patch(&path, json!({"account_name": "t"}))
        .await
        .refused(422, "account_name_taken");
}

/// Scenario 19.
#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_with_the_list_and_somebody_always_stays() {
    let world = World::start().await;
    let (producer, trader, admin) = (&world.producer, &world.trader, &world.admin);
    let path = format!("/account/update/{}", world.s);
    let mine = |accounts: Value| {
        let accounts = accounts.as_array().cloned().unwrap_or_default();
        accounts.iter().any(|account| account["id"] == world.s)
    };
    let all = json!([producer.id, trader.id, admin.id]);
    let answer = producer
        .patch(&path, json!({"user_ids": all}))
        .await
        .expect(200);
    assert_eq!(answer["user_ids"], all);
    assert!(mine(admin.get("/user/me/accounts").await.expect(200)));
    world
        .auditor
        .get(&format!("/account/{}", world.s))
        .await
        .refused(404, "account_not_found");
    let without = json!({"user_ids": [producer.id, trader.id]});
    producer.patch(&path, without).await.expect(200);
    assert!(!mine(admin.get("/user/me/accounts").await.expect(200)));

    producer
        .patch(&path, json!({"user_ids": []}))
        .await
        .refused(422, "account_without_users");
    producer
        .patch(&path, json!({"user_ids": [9999]}))
        .await
        .refused(422, "users_unknown");
    let stays = producer
        .get(&format!("/account/{}", world.s))
        .await
        .expect(200);
    assert_eq!(stays["user_ids"], json!([producer.id, trader.id]));
}

/// Scenario 23.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_closed_when_nothing_of_value_is_in_it() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    let close = format!("/account/delete/{}", world.t);
    world
        .trader
        .delete(&close)
        .await
        .refused(409, "account_not_empty");
    world
        .trader
        .cancel(world.t, &[bundle], "Somebody")
        .await
        .expect(202);
    let closed = world.trader.delete(&close).await.expect(200);
    assert_eq!(closed["id"], world.t);
    world
        .trader
        .patch(
            &format!("/account/update/{}", world.t),
            json!({"account_name": "Q"}),
        )
        .await
        .refused_saying(422, "account_closed", "Cannot update deleted accounts.");
    world
        .trader
        .get(&format!("/account/{}/summary", world.t))
        .await
        .refused_saying(
            422,
            "account_closed",
            "Cannot get summary for deleted accounts.",
        );
    let [next] = world.issue([10]).await;
    world
        .trader
        .transfer(world.s, world.t, &[next])
        .await
        .refused_saying(404, "account_not_found", "Target account does not exist");
    world.registry.audit().await;
}

/// Scenario 24.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_accounts_has_those_that_the_caller_may_see() {
    let world = World::start().await;
    let ids = |list: Value| -> Vec<i64> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|account| account["id"].as_i64().unwrap())
            .collect()
    };
    let list = world.trader.get("/account/list").await.expect(200);
    assert_eq!(ids(list), [world.s, world.t]);
    let list = world.admin.get("/account/list").await.expect(200);
    assert_eq!(ids(list), [world.s, world.t, world.x]);
    let first = world.admin.get("/account/list?limit=2").await;
    let cursor = first.header("X-Next-Cursor").to_owned();
    assert_eq!(ids(first.expect(200)), [world.s, world.t]);
    let rest = world
        .admin
        .get(&format!("/account/list?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(rest.header("X-Next-Cursor"), "");
    assert_eq!(ids(rest.expect(200)), [world.x]);
    let foreign = world.admin.get("/account/list?cursor=nonsense").await;
    foreign.refused_at(422, "request_invalid", "cursor");
}

/// Scenario 25.
#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_an_account_are_listed_for_the_issuing_body_without_hashes() {
    let world = World::start().await;
    let path = format!("/account/{}/users", world.s);
    let users = world.admin.get(&path).await.expect(200);
    let emails: Vec<_> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["email"])
        .collect();
    assert!(emails.contains(&&json!(world.auditor.email)), "{emails:?}");
    let roles: Vec<_> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|u| &u["role"])
        .collect();
    assert_eq!(roles, ["PRODUCTION_USER", "TRADING_USER", "AUDIT_USER"]);
    assert!(!users.to_string().contains("argon2") && !users.to_string().contains("password"));
    world
        .producer
        .get(&path)
        .await
        .refused(403, "capability_required");
    world
        .admin
        .get("/account/9999/users")
        .await
        .refused(404, "account_not_found");
}
