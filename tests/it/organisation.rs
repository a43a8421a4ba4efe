//! Organisations own accounts and users; who manages one invites into it, and lets its users act for its accounts.

use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, World};

fn details(business_id: &str) -> Value {
    json!({
        "name": "Hill Farm Ltd", "business_id": business_id, "address": "1 Hill Lane",
        "contact": "ada@hill.example",
    })
}

async fn found(admin: &Actor, business_id: &str) -> i64 {
    let created = admin
        .post("/organisation/create", details(business_id))
        .await;
    created.expect(201)["id"].as_i64().unwrap()
}

async fn invite(actor: &Actor, organisation: i64, body: Value) -> Answer {
    let path = format!("/organisation/{organisation}/invitations");
    actor.post(&path, body).await
}

/// Accepts the invitation as somebody new.
async fn accept(world: &World, code: &Value, name: &str) -> Answer {
    let body = json!({
        "code": code, "name": name, "email": format!("{name}@hill.example"), "password": PASSWORD,
    });
    world
        .registry
        .anonymous()
        .post("/invitation/accept", body)
        .await
}

/// Somebody who joins by an invitation of the inviter, signed in.
async fn joined(
    world: &World,
    inviter: &Actor,
    organisation: i64,
    name: &str,
    body: Value,
) -> Actor {
    let invitation = invite(inviter, organisation, body).await.expect(201);
    accept(world, &invitation["code"], name).await.expect(201);
    let anonymous = world.registry.anonymous();
    anonymous
        .signed_in(&format!("{name}@hill.example"), PASSWORD)
        .await
}

/// An organisation that owns account S, and a producer who manages it.
async fn hill(world: &World) -> (i64, Actor) {
    let id = found(&world.admin, "GB-1").await;
    let assign = json!({"organisation_id": id});
    let path = format!("/account/{}/organisation", world.s);
    world.admin.patch(&path, assign).await.expect(200);
    let body = json!({"role": "PRODUCTION_USER", "manages": true});
    let manager = joined(world, &world.admin, id, "manager", body).await;
    (id, manager)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuing_body_creates_changes_and_closes_an_organisation_whose_accounts_are_closed() {
    let world = World::start().await;
    let id = found(&world.admin, "GB-1").await;
    let path = format!("/organisation/{id}");
    let again = world
        .admin
        .post("/organisation/create", details("gb-1"))
        .await;
    again.refused_at(422, "business_id_taken", "/business_id");
    let update = format!("/organisation/update/{id}");
    let changed = world
        .admin
        .patch(&update, json!({"address": "2 Hill Lane"}))
        .await;
    let changed = changed.expect(200);
    assert_eq!(changed["address"], "2 Hill Lane");
    assert_eq!(changed["name"], "Hill Farm Ltd");
    assert_eq!(world.admin.get(&path).await.expect(200), changed);
    world
        .producer
        .get(&path)
        .await
        .refused(404, "organisation_not_found");
    assert_eq!(
        world.producer.get("/organisation/list").await.expect(200),
        json!([])
    );

    let body = json!({"account_name": "Barn", "organisation_id": id});
    let refused = world.producer.post("/account/create", body.clone()).await;
    refused.refused(404, "organisation_not_found");
    let account = world.admin.post("/account/create", body).await.expect(201);
    assert_eq!(account["organisation_id"], id);
    let close = format!("/organisation/delete/{id}");
    let refused = world.admin.delete(&close).await;
    refused.refused(409, "organisation_has_accounts");
    let account = account["id"].as_i64().unwrap();
    let delete = format!("/account/delete/{account}");
    world.admin.delete(&delete).await.expect(200);
    let closed = world.admin.delete(&close).await.expect(200);
    assert_eq!(closed["is_deleted"], true);
    let refused = world.admin.delete(&close).await;
    refused.refused(422, "organisation_closed");
    let body = json!({"account_name": "Shed", "organisation_id": id});
    let refused = world.admin.post("/account/create", body).await;
    refused.refused_at(422, "organisation_closed", "/organisation_id");
    found(&world.admin, "GB-1").await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_an_invitation_signs_in_with_its_role_and_acts_for_its_accounts() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let [bundle] = world.issue([10]).await;
    let body = json!({"role": 2, "account_ids": [world.s]});
    let trader = joined(&world, &manager, id, "trader", body).await;
    let me = trader.get("/user/me").await.expect(200);
    assert_eq!(me["organisation"], "Hill Farm Ltd");
    assert_eq!(me["role"], "TRADING_USER");
    trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    // Who manages the organisation is a member of no account by that.
    manager
        .get(&format!("/account/{}", world.s))
        .await
        .refused(404, "account_not_found");
    let path = format!("/organisation/{id}/accounts");
    let accounts = manager.get(&path).await.expect(200);
    assert_eq!(accounts[0]["id"], world.s);
    let users = manager
        .get(&format!("/organisation/{id}/users"))
        .await
        .expect(200);
    let names = [&users[0]["name"], &users[1]["name"]];
    assert_eq!(names, ["manager", "trader"]);
    for denied in [path, format!("/organisation/{id}/users")] {
        trader
            .get(&denied)
            .await
            .refused(403, "organisation_access_denied");
    }
    let invitations = format!("/organisation/{id}/invitations");
    let listed = manager.get(&invitations).await.expect(200);
    assert_eq!(listed[1]["state"], "accepted");
    assert_eq!(listed[1]["accepted_by"], trader.id);
    assert!(listed[1].get("code").is_none());
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_accept_one_invitation_at_the_same_time_one_joins() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let invitation = invite(&manager, id, json!({"role": 1})).await.expect(201);
    let code = &invitation["code"];
    let names: Vec<_> = (0..8).map(|n| format!("guest{n}")).collect();
    let answers =
        futures_util::future::join_all(names.iter().map(|name| accept(&world, code, name))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    for lost in answers.into_iter().filter(|answer| answer.status != 201) {
        lost.refused(409, "invitation_used");
    }
    let users = manager
        .get(&format!("/organisation/{id}/users"))
        .await
        .expect(200);
    assert_eq!(users.as_array().unwrap().len(), 2);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_shown_once_revocable_and_never_above_its_inviter() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    for role in [0, 4] {
        let refused = invite(&manager, id, json!({"role": role})).await;
        refused.refused_at(422, "role_above_inviter", "/role");
    }
    let foreign = json!({"role": 1, "account_ids": [world.s, world.t]});
    let refused = invite(&manager, id, foreign).await;
    refused.refused_at(404, "account_not_found", "/account_ids/1");
    let refused = invite(&world.producer, id, json!({"role": 1})).await;
    refused.refused(404, "organisation_not_found");

    let keyed = manager.with("Idempotency-Key", "one");
    let first = invite(&keyed, id, json!({"role": 1})).await.expect(201);
    let again = invite(&keyed, id, json!({"role": 1})).await.expect(201);
    assert_eq!(first, again, "sent again it is the same invitation");
    let path = format!("/invitation/{}", first["invitation_id"].as_str().unwrap());
    let refused = world.producer.delete(&path).await;
    refused.refused(404, "invitation_unknown");
    manager.delete(&path).await.expect(204);
    let refused = accept(&world, &first["code"], "late").await;
    refused.refused(409, "invitation_revoked");
    let refused = accept(&world, &json!("00000-00000-00000-00000"), "guesser").await;
    refused.refused_at(404, "invitation_unknown", "/code");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_void_once_its_inviter_has_lost_the_right_to_it() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let invitation = invite(&manager, id, json!({"role": 3})).await.expect(201);
    let demote = format!("/user/change_role/{}?role=2", manager.id);
    world.admin.post_nothing(&demote).await.expect(200);
    let refused = accept(&world, &invitation["code"], "guest").await;
    refused.refused(409, "invitation_void");
    let still = invite(&manager, id, json!({"role": 2})).await.expect(201);
    let remove = format!("/user/delete/{}", manager.id);
    world.admin.delete(&remove).await.expect(200);
    let refused = accept(&world, &still["code"], "guest").await;
    refused.refused(409, "invitation_void");
    let by_admin = invite(&world.admin, id, json!({"role": 2})).await;
    by_admin.expect(201);
    let states = async || {
        let path = format!("/organisation/{id}/invitations");
        let listed = world.admin.get(&path).await.expect(200);
        let listed = listed.as_array().unwrap().clone();
        let states = listed.into_iter().map(|one| one["state"].clone());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["accepted", "void", "void", "open"]);
    let path = format!("/account/{}/organisation", world.s);
    world.admin.patch(&path, json!({})).await.expect(200);
    let close = format!("/organisation/delete/{id}");
    world.admin.delete(&close).await.expect(200);
    assert_eq!(states().await, ["accepted", "void", "void", "void"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_joins_with_the_role_they_have_and_leaves_once_they_act_for_nothing() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let body = json!({"role": 1, "account_ids": [world.s]});
    let invitation = invite(&manager, id, body).await.expect(201);
    let join = json!({"code": invitation["code"]});
    let joined = world
        .trader
        .post("/invitation/join", join)
        .await
        .expect(200);
    assert_eq!(joined["account_ids"], json!([world.s]));
    let me = world.trader.get("/user/me").await.expect(200);
    assert_eq!(me["role"], "TRADING_USER");
    let other = found(&world.admin, "GB-2").await;
    let second = invite(&world.admin, other, json!({"role": 1}))
        .await
        .expect(201);
    let join = json!({"code": second["code"]});
    let refused = world.trader.post("/invitation/join", join).await;
    refused.refused(409, "user_in_organisation");

    let leave = format!("/user/{}/leave_organisation", world.trader.id);
    world
        .producer
        .post_nothing(&leave)
        .await
        .refused(404, "user_not_found");
    let refused = manager.post_nothing(&leave).await;
    refused.refused(409, "user_in_accounts");
    let members = format!("/account/{}/members", world.s);
    let out = json!({"remove": [world.trader.id]});
    manager.patch(&members, out).await.expect(200);
    let lost = format!("/account/{}", world.s);
    world
        .trader
        .get(&lost)
        .await
        .refused(404, "account_not_found");
    manager.post_nothing(&leave).await.expect(204);
    let me = world.trader.get("/user/me").await.expect(200);
    assert_eq!(me["organisation"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_manages_lets_users_of_the_organisation_act_for_its_accounts_and_nobody_else() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let trader = joined(&world, &manager, id, "trader", json!({"role": 2})).await;
    let members = format!("/account/{}/members", world.s);
    let add = |user: i64| json!({"add": [user]});
    let refused = manager.patch(&members, add(world.auditor.id)).await;
    refused.refused_at(422, "user_not_in_organisation", "/add/0");
    for denied in [&trader, &world.producer, &world.admin] {
        let refused = denied.patch(&members, add(trader.id)).await;
        let status = if denied.id == trader.id { 404 } else { 403 };
        let code = ["account_not_found", "organisation_access_denied"];
        refused.refused(status, code[usize::from(status == 403)]);
    }
    let foreign = format!("/account/{}/members", world.t);
    let refused = manager.patch(&foreign, add(trader.id)).await;
    refused.refused(404, "account_not_found");
    let now = manager.patch(&members, add(trader.id)).await.expect(200);
    assert!(
        now["user_ids"]
            .as_array()
            .unwrap()
            .contains(&json!(trader.id))
    );
    trader
        .get(&format!("/account/{}", world.s))
        .await
        .expect(200);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_neither_invites_nor_reaches_accounts_it_does_not_name() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let own = manager.open_account("Own", &[]).await;
    let key = |accounts: Value| {
        let expires_at = chrono::Utc::now() + chrono::TimeDelta::days(1);
        json!({
            "name": "k", "capabilities": ["read", "manage_accounts"], "account_ids": accounts,
            "expires_at": expires_at,
        })
    };
    let whole = manager
        .post("/api_keys", key(Value::Null))
        .await
        .expect(201);
    let whole = manager.with_token(whole["key"].as_str().unwrap());
    let refused = invite(&whole, id, json!({"role": 1})).await;
    refused.refused(403, "sign_in_required");
    let narrow = manager
        .post("/api_keys", key(json!([own])))
        .await
        .expect(201);
    let narrow = manager.with_token(narrow["key"].as_str().unwrap());
    let members = format!("/account/{}/members", world.s);
    let refused = narrow.patch(&members, json!({"add": [manager.id]})).await;
    refused.refused(404, "account_not_found");
    let path = format!("/organisation/{id}/accounts");
    narrow
        .get(&path)
        .await
        .refused(404, "organisation_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_manages_has_others_manage_and_somebody_always_does() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let trader = joined(&world, &manager, id, "trader", json!({"role": 2})).await;
    let of = |user: &Actor| format!("/user/{}/organisation", user.id);
    let set = |manages: bool| json!({"manages": manages});
    let refused = trader.patch(&of(&trader), set(true)).await;
    refused.refused(404, "user_not_found");
    let refused = world.producer.patch(&of(&trader), set(true)).await;
    refused.refused(404, "user_not_found");
    let refused = manager.patch(&of(&manager), set(false)).await;
    refused.refused(409, "last_manager");
    let refused = manager.patch(&of(&trader), json!({})).await;
    refused.refused_at(422, "request_invalid", "/manages");
    let users = format!("/organisation/{id}/users");
    let denied = trader.get(&users).await;
    denied.refused(403, "organisation_access_denied");

    let changed = manager.patch(&of(&trader), set(true)).await;
    assert_eq!(changed.status, 204, "{changed}");
    trader.get(&users).await.expect(200);
    let changed = trader.patch(&of(&manager), set(false)).await;
    assert_eq!(changed.status, 204, "{changed}");
    let denied = manager.get(&users).await;
    denied.refused(403, "organisation_access_denied");
    let refused = world.admin.patch(&of(&trader), set(false)).await;
    refused.refused(409, "last_manager");
    // Of two who demote each other one goes on managing.
    trader.patch(&of(&manager), set(true)).await;
    let (ones, others) = (of(&trader), of(&manager));
    let (one, other) = tokio::join!(
        manager.patch(&ones, set(false)),
        trader.patch(&others, set(false)),
    );
    let users = world.admin.get(&users).await.expect(200);
    let managing = users.as_array().unwrap().iter();
    let managing = managing.filter(|user| user["manages"] == true).count();
    assert_eq!(managing, 1, "{one} {other}");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_is_given_to_an_organisation_while_it_closes() {
    let world = World::start().await;
    let mut organisations = Vec::new();
    for number in 0..16 {
        organisations.push(found(&world.admin, &format!("GB-{number}")).await);
    }
    let mut accounts = Vec::new();
    for number in 0..16 {
        accounts.push(
            world
                .producer
                .open_account(&format!("A{number}"), &[])
                .await,
        );
    }
    let race = organisations
        .iter()
        .zip(&accounts)
        .map(async |(id, account)| {
            let (assign, close) = (
                format!("/account/{account}/organisation"),
                format!("/organisation/delete/{id}"),
            );
            tokio::join!(
                world.admin.patch(&assign, json!({"organisation_id": id})),
                world.admin.delete(&close),
            )
        });
    let answers = futures_util::future::join_all(race).await;
    for (assigned, closed) in answers {
        match (assigned.status, closed.status) {
            (200, 409) => drop(closed.refused(409, "organisation_has_accounts")),
            (422, 200) => drop(assigned.refused(422, "organisation_closed")),
            _ => panic!("both or neither: {assigned} {closed}"),
        }
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_trader_learns_who_the_users_of_an_organisation_are_by_naming_their_ids() {
    let world = World::start().await;
    let (_, manager) = hill(&world).await;
    let (producer, trader) = (&world.producer, &world.trader);
    let body = json!({"account_name": "Net", "user_ids": [trader.id, manager.id]});
    let refused = producer.post("/account/create", body).await;
    refused.refused_at(422, "users_unknown", "/user_ids/1");
    let path = format!("/account/update/{}", world.t);
    let body = json!({"user_ids": [trader.id, manager.id]});
    let refused = trader.patch(&path, body.clone()).await;
    refused.refused_at(422, "users_unknown", "/user_ids/1");
    for curious in [producer, trader] {
        let seen = curious.get("/user/list").await.expect(200);
        let names: Vec<_> = seen
            .as_array()
            .unwrap()
            .iter()
            .map(|user| &user["name"])
            .collect();
        assert!(!names.contains(&&json!("manager")), "{names:?}");
    }
    // Somebody of no organisation is taken in as before, and by who manages users anybody.
    let body = json!({"account_name": "Open", "user_ids": [trader.id]});
    producer.post("/account/create", body).await.expect(201);
    let body = json!({"account_name": "Any", "user_ids": [trader.id, manager.id]});
    world.admin.post("/account/create", body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_member_throws_others_out_of_an_organisations_account_or_takes_strangers_in() {
    let world = World::start().await;
    let (id, manager) = hill(&world).await;
    let path = format!("/account/update/{}", world.s);
    let before = world
        .trader
        .get(&format!("/account/{}", world.s))
        .await
        .expect(200);
    let members: Vec<i64> = serde_json::from_value(before["user_ids"].clone()).unwrap();
    let with = |more: &[i64]| json!({"user_ids": ([&members[..], more].concat())});
    for user_ids in [
        json!({"user_ids": [world.trader.id]}),
        // As many as before.
        json!({"user_ids": vec![world.trader.id; members.len()]}),
        with(&[world.admin.id]),
        with(&[manager.id]),
    ] {
        let refused = world.trader.patch(&path, user_ids).await;
        refused.refused(403, "organisation_access_denied");
    }
    let mut renamed = with(&[]);
    renamed["account_name"] = json!("Field");
    world.trader.patch(&path, renamed).await.expect(200);

    let body = json!({"role": "PRODUCTION_USER", "manages": true, "account_ids": [world.s]});
    let boss = joined(&world, &world.admin, id, "boss", body).await;
    let stranger = with(&[boss.id, world.admin.id]);
    let refused = boss.patch(&path, stranger).await;
    let last = format!("/user_ids/{}", members.len() + 1);
    refused.refused_at(422, "users_unknown", &last);
    boss.patch(&path, with(&[boss.id, manager.id]))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_they_are_taken_into_an_account_acts_for_it_no_longer() {
    let world = World::start().await;
    let (organisation, manager) = hill(&world).await;
    for n in 0..10 {
        let body = json!({"role": 1});
        let name = format!("leaver-{n}");
        let leaver = joined(&world, &manager, organisation, &name, body).await.id;
        let account = format!("/account/{}/members", world.s);
        let leave = format!("/user/{leaver}/leave_organisation");
        let (taken_in, left) = tokio::join!(
            manager.patch(&account, json!({"add": [leaver]})),
            world.admin.post_nothing(&leave),
        );
        assert!([200, 422].contains(&taken_in.status), "{taken_in}");
        assert!([204, 409].contains(&left.status), "{left}");
        let users = format!("/organisation/{organisation}/users");
        let belongs = manager.get(&users).await.expect(200);
        let belongs = belongs.as_array().unwrap().iter();
        let belongs = belongs.into_iter().any(|user| user["id"] == leaver);
        let account = manager
            .get(&format!("/organisation/{organisation}/accounts"))
            .await;
        let account = account.expect(200)[0].clone();
        let acts = account["user_ids"]
            .as_array()
            .unwrap()
            .contains(&json!(leaver));
        assert!(belongs || !acts, "{leaver} left, and acts for {account}");
    }
    world.registry.audit().await;
}
