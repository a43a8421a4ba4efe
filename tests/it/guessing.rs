//! What keeps passwords from being guessed, and does not keep their owners out.

use serde_json::json;
use tests::{PASSWORD, Registry, World, email};

/// As many as are taken at once.
const FREE: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_has_to_wait_whether_or_not_the_user_exists() {
    let registry = Registry::start().await;
    registry.admin().await;
    let anonymous = registry.anonymous();
    for name in [email("trader"), "nobody@registry.test".to_owned()] {
        for _ in 0..FREE {
            let wrong = anonymous.login(&name, "correct horse batterz").await;
            wrong.refused(401, "login_failed");
        }
        let late = anonymous.login(&name, PASSWORD).await;
        let wait: u64 = late.header("retry-after").parse().unwrap();
        assert!(wait >= 1, "{late}");
        late.refused(429, "too_many_requests");
    }
    // Others sign in from the same place.
    anonymous
        .login(&email("producer"), PASSWORD)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_user_signed_in_from_is_not_kept_out_by_who_guesses_beside_it() {
    let registry = Registry::start().await;
    registry.admin().await;
    let anonymous = registry.anonymous();
    let form = [
        ("username", email("trader")),
        ("password", PASSWORD.to_owned()),
    ];
    let login = |actor: &tests::Actor| actor.request("POST", "/auth/login?cookie=true").form(&form);
    let first = anonymous.send(login(&anonymous)).await;
    let device = first
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .find(|cookie| cookie.starts_with("device="))
        .unwrap();
    let device = device.split(';').next().unwrap().to_owned();
    for _ in 0..=FREE {
        anonymous
            .login(&email("trader"), "correct horse batterz")
            .await;
    }
    let elsewhere = anonymous.send(login(&anonymous)).await;
    elsewhere.refused(429, "too_many_requests");
    let own = anonymous.with("cookie", &device);
    own.send(login(&own)).await.expect(200);
    // The cookie is for one user.
    let other = own.login(&email("producer"), PASSWORD).await;
    other.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_would_be_guessed_is_refused_wherever_one_is_chosen() {
    let world = World::start().await;
    for weak in ["12345678", "password1", "eve@registry.test"] {
        let made = world
            .admin
            .create_user("Eve", "eve@registry.test", 2, weak)
            .await;
        made.refused_at(422, "password_weak", "/password");
        let change = json!({"password": weak, "current_password": PASSWORD});
        if weak == "12345678" {
            let own = format!("/user/update/{}", world.trader.id);
            let updated = world.trader.patch(&own, change.clone()).await;
            updated.refused_at(422, "password_weak", "/password");
            let changed = world.trader.post("/user/me/password", change).await;
            changed.refused_at(422, "password_weak", "/password");
        }
    }
    let wrong = json!({"password": "another good one", "current_password": "wrong"});
    let refused = world.trader.post("/user/me/password", wrong).await;
    refused.refused_at(422, "current_password_wrong", "/current_password");
    let right = json!({"password": "another good one", "current_password": PASSWORD});
    let changed = world.trader.post("/user/me/password", right).await;
    assert_eq!(changed.status, 204, "{changed}");
    let anonymous = world.registry.anonymous();
    anonymous
        .login(&email("trader"), "another good one")
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_stolen_elsewhere_is_refused_wherever_one_is_chosen() {
    const STOLEN: &str = "stolen but not weak";
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("stolen.txt");
    let hash = "E58042013C0E0F56ECD165C680E586CB6F3F38E0";
    std::fs::write(&list, format!("{hash}:7\r\n")).unwrap();
    let mut registry = Registry::prepare(tests::Clusters::shared().await).await;
    registry.config.auth.breached_passwords = Some(list);
    registry.up().await;
    let world = World::on(registry).await;
    let refused = |answer: tests::Answer| answer.refused_at(422, "password_breached", "/password");
    let eve = "eve@registry.test";
    refused(world.admin.create_user("Eve", eve, 2, STOLEN).await);
    let change = json!({"password": STOLEN, "current_password": PASSWORD});
    let own = format!("/user/update/{}", world.trader.id);
    refused(world.trader.patch(&own, change.clone()).await);
    refused(world.trader.post("/user/me/password", change).await);
    let organisation = json!({"name": "H", "business_id": "H", "address": "H", "contact": "H"});
    let organisation = world.admin.post("/organisation/create", organisation).await;
    let path = format!(
        "/organisation/{}/invitations",
        organisation.expect(201)["id"]
    );
    let invitation = world
        .admin
        .post(&path, json!({"role": 1}))
        .await
        .expect(201);
    let accept =
        json!({"code": invitation["code"], "name": "Eve", "email": eve, "password": STOLEN});
    let anonymous = world.registry.anonymous();
    refused(anonymous.post("/invitation/accept", accept).await);
    let made = world
        .admin
        .create_user("Eve", eve, 2, "another good one")
        .await;
    made.expect(200);
}

/// What the hashes in use cost, as whoever signs in finds them.
async fn password_costs(registry: &Registry) -> Vec<String> {
    let pool = projections::postgres::pool(&registry.config.database.read).unwrap();
    let client = pool.get().await.unwrap();
    let known = registry::read::principal::known(&client, None).await;
    known.unwrap().password_costs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_hashed_anew_once_hashes_cost_something_else() {
    const AUDITOR: i64 = 4;
    const BEFORE: &str = "$argon2id$v=19$m=8,t=1,p=1";
    const AFTER: &str = "$argon2id$v=19$m=8,t=2,p=1";
    let mut registry = Registry::start().await;
    let admin = registry.admin().await;
    assert_eq!(password_costs(&registry).await, [BEFORE]);
    registry.down().await;
    registry.config.auth.password_cost.passes = 2;
    registry.up().await;
    let anonymous = registry.anonymous();
    let sign_in = async |name: &str| {
        let signed_in = anonymous.login(&email(name), PASSWORD).await;
        signed_in.expect(200)
    };
    sign_in("trader").await;
    tests::eventually("there is a hash of another cost", async || {
        (password_costs(&registry).await == [BEFORE, AFTER]).then_some(())
    })
    .await;
    for name in ["admin", "producer", "trader"] {
        sign_in(name).await;
    }
    assert_eq!(password_costs(&registry).await, [BEFORE, AFTER]);
    // Who was removed does not sign in, so the last hash of that cost is not in use.
    admin
        .delete(&format!("/user/delete/{AUDITOR}"))
        .await
        .expect(200);
    tests::eventually("no hash costs what they did", async || {
        (password_costs(&registry).await == [AFTER]).then_some(())
    })
    .await;
    sign_in("trader").await;
}
