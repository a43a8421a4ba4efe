//! Who learns that an e-mail address is somebody's: who manages users, and whoever has to choose one, a few times.

use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, World};

/// Taken addresses that one chooser is told of at once.
const FREE: usize = 10;

async fn take(actor: &Actor, email: &str) -> Answer {
    let change = json!({"email": email, "current_password": PASSWORD});
    let own = format!("/user/update/{}", actor.id);
    actor.patch(&own, change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_user_tries_to_take_the_addresses_of_others_to_find_out_who_is_registered() {
    let world = World::start().await;
    let (trader, admin) = (&world.trader, &world.admin);
    for _ in 0..FREE {
        let told = take(trader, &admin.email).await;
        told.refused(422, "email_taken");
    }
    // From here on a taken one and a free one are answered alike.
    for email in [&admin.email, &world.auditor.email, "free@registry.test"] {
        let barred = take(trader, email).await;
        assert!(!barred.header("retry-after").is_empty(), "{barred}");
        barred.refused(429, "too_many_requests");
    }
    // It is nobody else's wait, and no other change waits.
    let own = format!("/user/update/{}", trader.id);
    let same = json!({"name": "Renamed", "email": trader.email});
    trader.patch(&own, same).await.expect(200);
    take(&world.producer, "moved@registry.test")
        .await
        .expect(200);
    // Who manages users sees every address anyway.
    for _ in 0..=FREE {
        let taken = admin.create_user("x", &admin.email, 1, PASSWORD).await;
        taken.refused(422, "email_taken");
    }
    let email = json!({"email": "chosen@registry.test"});
    admin.patch(&own, email).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_guest_tries_addresses_with_one_invitation_after_another() {
    let world = World::start().await;
    let invite = async |organisation: &Value| {
        let path = format!("/organisation/{organisation}/invitations");
        let made = world.admin.post(&path, json!({"role": 1})).await;
        made.expect(201)["code"].clone()
    };
    let found = async |id: &str| {
        let details = json!({"name": id, "business_id": id, "address": "x", "contact": "x"});
        let founded = world.admin.post("/organisation/create", details).await;
        founded.expect(201)["id"].clone()
    };
    let anonymous = world.registry.anonymous();
    let accept = async |code: &Value, email: &str| {
        let body = json!({"code": code, "name": "Eve", "email": email, "password": PASSWORD});
        anonymous.post("/invitation/accept", body).await
    };
    let [one, other] = [found("one").await, found("other").await];
    for _ in 0..FREE {
        let told = accept(&invite(&one).await, &world.trader.email).await;
        told.refused_at(422, "email_taken", "/email");
    }
    let code = invite(&one).await;
    for email in [world.trader.email.as_str(), "free@registry.test"] {
        let barred = accept(&code, email).await;
        barred.refused(429, "too_many_requests");
    }
    let elsewhere = invite(&other).await;
    accept(&elsewhere, "eve@registry.test").await.expect(201);
}
