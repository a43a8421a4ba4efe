//! No secret is ever told: not in the log at its most talkative, not in a refusal, not in the audit trail.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{TimeDelta, Utc};
use projections::postgres::Secret;
use registry::config::Log;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use tests::{Actor, Clusters, Registry, World};

/// Set for the process whose log is read: where it leaves the secrets.
const VARIABLE: &str = "GCR_TEST_CANARIES";
const ENTRY: &str = "canary::a_registry_that_is_told_secrets_and_logs_all_it_does";

const CHOSEN: &str = "canary-of-a-chosen-password";
const CHANGED: &str = "canary-of-a-changed-password";
const MISTYPED: &str = "canary-of-a-mistyped-password";
const ADDRESS: &str = "canary@registry.test";
const NAME: &str = "Canary Unmistakably";
const OF_PROVIDER: &str = "canary-of-a-provider-s-secret";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_in_refusals_or_in_the_audit_trail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    let run = tokio::task::spawn_blocking({
        let file = file.clone();
        move || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", ENTRY, "--include-ignored", "--nocapture"])
                .env(VARIABLE, file)
                .stdin(Stdio::null())
                .output()
                .unwrap()
        }
    });
    let output = run.await.unwrap();
    let log = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("TRACE"), "it logs nothing of its steps: {log}");
    let secrets: Vec<String> =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(secrets.len() > 20, "only {} secrets", secrets.len());
    for secret in secrets {
        let found = log.lines().find(|line| line.contains(&secret));
        assert_eq!(found, None, "{secret}");
    }
}

/// What somebody was told and must not be told anywhere else, and what they were refused with.
#[derive(Default)]
struct Told {
    secrets: Vec<String>,
    refusals: Vec<String>,
}

impl Told {
    fn secret(&mut self, value: &Value) -> String {
        let text = value.as_str().unwrap().to_owned();
        self.secrets.push(text.clone());
        text
    }

    async fn refused(&mut self, actor: &Actor, method: &str, path: &str, body: Value) {
        let request = actor.request(method, path).json(&body);
        let answer = actor.send(request).await;
        assert!((400..500).contains(&answer.status), "{answer}");
        let body = String::from_utf8_lossy(&answer.body);
        self.refusals.push(format!("{:?} {body}", answer.headers));
    }
}

/// Does nothing unless the test above runs it in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_told_secrets_and_logs_all_it_does() {
    let Some(file) = std::env::var_os(VARIABLE) else {
        return;
    };
    Log {
        level: "trace".to_owned(),
        ..Log::default()
    }
    .start()
    .unwrap();
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let oidc = &mut registry.config.auth.oidc;
    // Nobody is there.
    oidc.issuer = "http://127.0.0.1:9".to_owned();
    oidc.client_id = "registry".to_owned();
    oidc.client_secret = Secret::new(OF_PROVIDER);
    registry.up().await;
    let world = World::on(registry).await;
    let anonymous = world.registry.anonymous();
    let mut told = Told::default();
    told.secrets
        .extend([CHOSEN, CHANGED, MISTYPED, OF_PROVIDER].map(str::to_owned));
    let config = &world.registry.config;
    let own = [
        &config.auth.master_secret,
        &config.database.read.password,
        &config.database.write.password,
    ];
    let own = own.iter().map(|secret| secret.expose().to_owned());
    told.secrets.extend(own.filter(|secret| secret.len() > 8));
    let created = world.admin.create_user(NAME, ADDRESS, 3, CHOSEN).await;
    created.expect(200);

    let login = |password: &str, otp: Option<&str>| json!({"username": ADDRESS, "password": password, "otp": otp});
    told.refused(&anonymous, "POST", "/auth/login", login(MISTYPED, None))
        .await;
    let signed_in = anonymous.post("/auth/login", login(CHOSEN, None)).await;
    let signed_in = signed_in.expect(200);
    let access = told.secret(&signed_in["access_token"]);
    let refresh = told.secret(&signed_in["refresh_token"]);
    let canary = anonymous.with_token(&access);
    let body = json!({"refresh_token": refresh});
    let next = anonymous.post("/auth/refresh", body).await.expect(200);
    told.secret(&next["access_token"]);
    told.secret(&next["refresh_token"]);
    let altered = json!({"refresh_token": format!("{refresh}0")});
    told.refused(&anonymous, "POST", "/auth/refresh", altered)
        .await;
    let altered = anonymous.with_token(&format!("{access}0"));
    told.refused(&altered, "POST", "/account/create", json!({}))
        .await;

    let offer = canary
        .post_nothing("/user/me/second_factor")
        .await
        .expect(200);
    let secret = told.secret(&offer["secret"]);
    let enrolment = told.secret(&offer["enrolment"]);
    let confirm = "/user/me/second_factor/confirm";
    let wrong = json!({"enrolment": enrolment, "code": secret, "password": CHOSEN});
    told.refused(&canary, "POST", confirm, wrong).await;
    let code = crate::second_factor::code_of(&secret);
    let body = json!({"enrolment": enrolment, "code": code, "password": CHOSEN});
    let codes = canary.post(confirm, body).await.expect(200);
    for code in codes["recovery_codes"].as_array().unwrap() {
        told.secret(code);
    }
    let recovery = codes["recovery_codes"][0].as_str();
    let with_code = login(CHOSEN, recovery);
    anonymous
        .post("/auth/login", with_code.clone())
        .await
        .expect(200);
    told.refused(&anonymous, "POST", "/auth/login", with_code)
        .await;
    let change = json!({"password": CHANGED, "current_password": MISTYPED});
    told.refused(&canary, "POST", "/user/me/password", change)
        .await;
    let change = json!({"password": CHANGED, "current_password": CHOSEN});
    assert_eq!(canary.post("/user/me/password", change).await.status, 204);

    let key = json!({
        "name": "a machine", "capabilities": ["read"], "account_ids": null, "expires_at": Utc::now() + TimeDelta::days(1),
    });
    let key = canary.post("/api_keys", key).await.expect(201);
    let id_of_key = key["key_id"].as_str().unwrap().to_owned();
    let key = told.secret(&key["key"]);
    anonymous.with_token(&key).get("/user/me").await.expect(200);
    let mistyped = anonymous.with_token(&format!("{key}0"));
    told.refused(&mistyped, "POST", "/account/create", json!({}))
        .await;

    let basic = BASE64_STANDARD.encode(format!("{id_of_key}:{key}"));
    told.secrets.push(basic.clone());
    let grant = anonymous.request("POST", "/oauth/token");
    let grant = grant.form(&[("grant_type", "client_credentials")]);
    let granted = anonymous
        .send(grant.header("authorization", format!("Basic {basic}")))
        .await;
    let token = told.secret(&granted.expect(200)["access_token"]);
    anonymous
        .with_token(&token)
        .get("/user/me")
        .await
        .expect(200);
    let given = anonymous.get("/csrf-token").await;
    let cookies = given.headers.get_all("set-cookie").iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(['=', ';']).nth(1).unwrap());
    told.secrets.extend(cookies.map(str::to_owned));
    told.secret(&given.expect(200)["csrf_token"]);

    let organisation = json!({"name": "H", "business_id": "H", "address": "H", "contact": "H"});
    let organisation = world.admin.post("/organisation/create", organisation).await;
    let path = format!(
        "/organisation/{}/invitations",
        organisation.expect(201)["id"]
    );
    let invited = world
        .admin
        .post(&path, json!({"role": 1}))
        .await
        .expect(201);
    let code = told.secret(&invited["code"]);
    let wrong = json!({"code": code, "name": 1});
    told.refused(&anonymous, "POST", "/invitation/accept", wrong)
        .await;
    let away = anonymous.get("/auth/oidc/login").await;
    assert_eq!(away.status, 503, "{away}");
    told.refusals.push(format!(
        "{:?} {}",
        away.headers,
        String::from_utf8_lossy(&away.body)
    ));

    let code = tests::gateway_code(&world.producer, world.s, &[world.w]).await;
    told.secrets.push(code.clone());
    let wrong = json!({"code": code, "name": 1});
    told.refused(&anonymous, "POST", "/gateway/enrol", wrong)
        .await;

    let trail = world.admin.get("/audit").await.expect(200).to_string();
    for place in told.refusals.iter().chain([&trail]) {
        for secret in &told.secrets {
            assert!(!place.contains(secret.as_str()), "{secret} is in {place}");
        }
        assert!(!place.contains(ADDRESS), "{place}");
    }
    told.secrets.extend([ADDRESS, NAME].map(str::to_owned));
    std::fs::write(file, serde_json::to_string(&told.secrets).unwrap()).unwrap();
}
