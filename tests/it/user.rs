//! Contract 5.1, scenarios 8 to 14.

use serde_json::{Value, json};
use tests::{PASSWORD, World};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// Scenario 8.
#[tokio::test(flavor = "multi_thread")]
async fn my_accounts_are_listed_in_the_order_they_were_opened() {
    let world = World::start().await;
    let accounts = world.trader.get("/user/me/accounts").await.expect(200);
    let ids: Vec<_> = accounts
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["id"].clone())
        .collect();
    assert_eq!(ids, [json!(world.s), json!(world.t)]);
    let mut keys = keys(&accounts[0]);
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "account_name",
            "id",
            "organisation_id",
            "state",
            "transfer_disabled",
            "user_ids"
        ]
    );
}

/// Scenario 9.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_shares_an_account_is_shown_and_a_stranger_is_not() {
    let world = World::start().await;
    let path = format!("/user/{}", world.trader.id);
    let trader = world.auditor.get(&path).await.expect(200);
    assert_eq!(trader["name"], "trader");
    let stranger = world
        .auditor
        .get(&format!("/user/{}", world.admin.id))
        .await;
    stranger.refused(404, "user_not_found");
    world.auditor.get("/user/9999").await.refused_saying(
        404,
        "user_not_found",
        "User with id 9999 not found",
    );
    world.admin.get(&path).await.expect(200);
}

/// Scenario 10.
#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_registers_users() {
    let world = World::start().await;
    let refused = world
        .producer
        .create_user("eve", "eve@registry.test", 4, PASSWORD)
        .await;
    refused.refused_saying(
        403,
        "capability_required",
        "User does not have the required role: admin",
    );
    let login = world
        .registry
        .anonymous()
        .login("eve@registry.test", PASSWORD)
        .await;
    login.refused(401, "login_failed");
}

/// Scenario 12.
#[tokio::test(flavor = "multi_thread")]
async fn a_registered_user_can_sign_in_and_no_hash_is_shown() {
    let world = World::start().await;
    for (role, name) in [
        (json!(2), "TRADING_USER"),
        (json!("AUDIT_USER"), "AUDIT_USER"),
    ] {
        let email = format!("{}@registry.test", name.to_lowercase());
        let body = json!({"name": name, "email": email, "role": role, "password": PASSWORD,
                          "hashed_password": "$2b$12$x", "is_deleted": true, "id": 77});
        let user = world.admin.post("/user/create", body).await.expect(200);
        assert_eq!(
            (&user["role"], &user["email"]),
            (&json!(name), &json!(email))
        );
        assert!(!user.to_string().contains("password"));
        assert_ne!(user["id"], 77);
        let signed_in = world.registry.anonymous().signed_in(&email, PASSWORD).await;
        assert_eq!(signed_in.id, user["id"].as_i64().unwrap());
    }
}

/// Scenario 11.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_bad_address_role_or_password_is_refused_by_field() {
    let world = World::start().await;
    let good =
        json!({"name": "Ada", "email": "ada@registry.test", "role": 2, "password": PASSWORD});
    for (field, value, sentence) in [
        (
            "email",
            json!("test@fea"),
            "Please enter a valid email address.",
        ),
        (
            "email",
            json!("@fea.com"),
            "Please enter a valid email address.",
        ),
        ("role", json!("BOSS"), "TRADING_USER"),
        ("role", json!(9), "TRADING_USER"),
        ("password", json!("short"), "8 characters"),
        ("name", Value::Null, "name"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = world.admin.post("/user/create", body).await;
        answer
            .clone()
            .refused_at(422, "request_invalid", &format!("/{field}"));
        answer.refused_saying(422, "request_invalid", sentence);
    }
    world
        .admin
        .post("/user/create", good.clone())
        .await
        .expect(200);
    let mut again = good;
    again["email"] = json!("ADA@registry.test");
    world
        .admin
        .post("/user/create", again)
        .await
        .refused(422, "email_taken");
}

/// Scenario 13.
#[tokio::test(flavor = "multi_thread")]
async fn users_change_themselves_but_neither_others_nor_their_role() {
    let world = World::start().await;
    let (trader, producer) = (&world.trader, &world.producer);
    let rename = json!({"name": "Renamed"});
    trader
        .patch(&format!("/user/update/{}", producer.id), rename.clone())
        .await
        .refused_saying(
            403,
            "other_user",
            "You are not allowed to update other users' information.",
        );
    let own = format!("/user/update/{}", trader.id);
    assert_eq!(
        trader.patch(&own, rename).await.expect(200)["name"],
        "Renamed"
    );
    assert_eq!(trader.get("/user/me").await.expect(200)["name"], "Renamed");
    trader
        .patch(&own, json!({"role": 4}))
        .await
        .refused(422, "role_change_elsewhere");
    trader
        .patch(
            &own,
            json!({"email": producer.email, "current_password": PASSWORD}),
        )
        .await
        .refused(422, "email_taken");
    assert_eq!(
        trader.get("/user/me").await.expect(200)["role"],
        "TRADING_USER"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changes_ones_password_with_the_one_so_far() {
    let world = World::start().await;
    let trader = &world.trader;
    let own = format!("/user/update/{}", trader.id);
    let change =
        |current: &str| json!({"password": "another good one", "current_password": current});
    trader
        .patch(&own, change("wrong"))
        .await
        .refused(422, "current_password_wrong");
    trader.patch(&own, change(PASSWORD)).await.expect(200);
    let anonymous = world.registry.anonymous();
    anonymous
        .login(&trader.email, PASSWORD)
        .await
        .refused(401, "login_failed");
    anonymous
        .login(&trader.email, "another good one")
        .await
        .expect(200);
}

/// Scenario 14.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_changes_roles_and_the_new_one_holds_at_once() {
    let world = World::start().await;
    let path = format!("/user/change_role/{}?role=2", world.auditor.id);
    world
        .producer
        .post_nothing(&path)
        .await
        .refused(403, "capability_required");
    let changed = world.admin.post_nothing(&path).await.expect(200);
    assert_eq!(changed["role"], "TRADING_USER");
    let [bundle] = world.issue([10]).await;
    world
        .auditor
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    world
        .admin
        .post_nothing(&format!("/user/change_role/{}?role=7", world.auditor.id))
        .await
        .refused_at(422, "request_invalid", "role");
    world
        .admin
        .post_nothing("/user/change_role/9999?role=2")
        .await
        .refused(404, "user_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_user_is_refused_at_once_and_what_they_did_stays() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let action = world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    let path = format!("/user/delete/{}", world.trader.id);
    world
        .producer
        .delete(&path)
        .await
        .refused(403, "capability_required");
    world.admin.delete(&path).await.expect(200);
    world.admin.delete(&path).await.refused(422, "user_removed");
    world
        .trader
        .get("/user/me")
        .await
        .refused(401, "token_invalid");
    let login = world
        .registry
        .anonymous()
        .login(&world.trader.email, PASSWORD)
        .await;
    login.refused(401, "login_failed");
    let path = format!("/certificate/actions/{}", action["id"]);
    let kept = world.producer.get(&path).await.expect(200);
    assert_eq!(kept["user_id"], world.trader.id);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_member_of_an_open_account_is_not_removed() {
    let world = World::start().await;
    let email = "alone@registry.test";
    let user = world
        .admin
        .create_user("alone", email, 3, PASSWORD)
        .await
        .expect(200);
    let alone = world.registry.anonymous().signed_in(email, PASSWORD).await;
    let account = alone.open_account("Mine alone", &[]).await;
    let delete = format!("/user/delete/{}", user["id"]);
    world
        .admin
        .delete(&delete)
        .await
        .refused(409, "user_last_member");
    alone
        .delete(&format!("/account/delete/{account}"))
        .await
        .expect(200);
    world.admin.delete(&delete).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_stolen_access_token_changes_no_address_that_its_owner_signs_in_with() {
    let world = World::start().await;
    let trader = &world.trader;
    let own = format!("/user/update/{}", trader.id);
    let change =
        |current: Value| json!({"email": "thief@registry.test", "current_password": current});
    for current in [Value::Null, json!("wrong")] {
        let refused = trader.patch(&own, change(current)).await;
        refused.refused_at(422, "current_password_wrong", "/current_password");
    }
    // What is the address already needs no proof.
    let same = json!({"name": "Trader", "email": trader.email});
    trader.patch(&own, same).await.expect(200);
    trader
        .patch(&own, change(json!(PASSWORD)))
        .await
        .expect(200);
    let anonymous = world.registry.anonymous();
    anonymous
        .login("thief@registry.test", PASSWORD)
        .await
        .expect(200);
}

/// The ledger tells `İ` from `i`; the lower case of Postgres may not.
#[tokio::test(flavor = "multi_thread")]
async fn attack_an_address_that_looks_like_anothers_keeps_them_from_signing_in() {
    let world = World::start().await;
    let trader = &world.trader;
    let twin = world.admin.email.replace('i', "İ");
    assert_ne!(twin, world.admin.email);
    let change = json!({"email": twin, "current_password": PASSWORD});
    let own = format!("/user/update/{}", trader.id);
    trader.patch(&own, change).await.expect(200);
    let anonymous = world.registry.anonymous();
    let admin = anonymous.signed_in(&world.admin.email, PASSWORD).await;
    assert_eq!(admin.id, world.admin.id);
    let named_alike = anonymous.signed_in(&twin, PASSWORD).await;
    assert_eq!(named_alike.id, trader.id);
}
