//! The OWASP API Security Top 10 of 2023, an attack for each. The matrix of `access` and the tests of each part go
//! further; here is which of them answer which risk.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use tests::{Clusters, PASSWORD, Registry, World, email};

/// A member of no account but their own.
async fn stranger(world: &World) -> (tests::Actor, i64) {
    let address = "mallory@registry.test";
    let created = world
        .admin
        .create_user("Mallory", address, 3, PASSWORD)
        .await;
    created.expect(200);
    let mallory = world
        .registry
        .anonymous()
        .signed_in(address, PASSWORD)
        .await;
    let account = mallory.open_account("M", &[]).await;
    (mallory, account)
}

/// A token as the registry makes them, with another header and a signature of nobody's.
fn forged(token: &str, header: &Value) -> String {
    let payload = token.split('.').nth(1).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    format!(
        "{header}.{payload}.{}",
        BASE64_URL_SAFE_NO_PAD.encode([0_u8; 64])
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api1_2023_broken_object_level_authorization_ids_of_others_open_nothing() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let (mallory, own) = stranger(&world).await;
    let second = mallory.open_account("N", &[]).await;
    mallory
        .update_whitelist(second, &[own], &[])
        .await
        .expect(200);
    // The id of a bundle of theirs, as if it were in an account of her own, and from theirs.
    for theft in [
        mallory.transfer(own, second, &[bundle]).await,
        mallory.transfer(world.s, second, &[bundle]).await,
        mallory.cancel(own, &[bundle], "Mallory").await,
    ] {
        assert_eq!(theft.status, 404, "{theft}");
    }
    for path in [
        format!("/certificate/{bundle}"),
        format!("/certificate/{bundle}/lineage"),
        format!("/account/{}", world.s),
        format!("/device/{}", world.w),
        format!("/measurement/list?device_id={}", world.w),
        format!("/user/{}", world.trader.id),
    ] {
        let answer = mallory.get(&path).await;
        assert_eq!(answer.status, 404, "{answer}");
    }
    let kept = world.trader.bundle(bundle).await;
    assert_eq!(kept["account_id"], world.s);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api2_2023_broken_authentication_only_what_the_registry_signed_signs_in() {
    let world = World::start().await;
    let good = world.trader.token();
    let header: Value = serde_json::from_slice(
        &BASE64_URL_SAFE_NO_PAD
            .decode(good.split('.').next().unwrap())
            .unwrap(),
    )
    .unwrap();
    for algorithm in ["none", "HS256", "EdDSA"] {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        let forged = world.trader.with_token(&forged(good, &header));
        forged.get("/user/me").await.refused(401, "token_invalid");
    }
    let (head, _) = good.rsplit_once('.').unwrap();
    let unsigned = world.trader.with_token(&format!("{head}."));
    unsigned.get("/user/me").await.refused(401, "token_invalid");
    let anonymous = world.registry.anonymous();
    let wrong = anonymous.login(&email("trader"), "wrong").await;
    let unknown = anonymous.login("nobody@registry.test", "wrong").await;
    assert_eq!(
        wrong.refused(401, "login_failed"),
        unknown.refused(401, "login_failed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api3_2023_broken_object_property_level_authorization_no_field_too_many_is_taken_or_told()
 {
    let world = World::start().await;
    let trader = &world.trader;
    let path = format!("/user/update/{}", trader.id);
    for field in [
        "id",
        "user_id",
        "is_deleted",
        "capabilities",
        "accounts",
        "password_hash",
    ] {
        trader.patch(&path, json!({field: 1})).await;
    }
    let role = trader.patch(&path, json!({"role": 4})).await;
    role.refused_at(422, "role_change_elsewhere", "/role");
    let me = trader.get("/user/me").await.expect(200);
    assert_eq!(
        (&me["id"], &me["role"]),
        (&json!(trader.id), &json!("TRADING_USER"))
    );
    let seen = world.admin.get(&format!("/user/{}", trader.id)).await;
    let seen = seen.expect(200);
    for (name, value) in seen.as_object().unwrap() {
        assert!(
            !name.contains("password") && !name.contains("factor"),
            "{name}"
        );
        assert!(!value.to_string().contains("argon2"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api4_2023_unrestricted_resource_consumption_bodies_pages_and_lists_end_somewhere() {
    let world = World::start().await;
    let trader = &world.trader;
    let vast = json!({"account_name": "x".repeat(1 << 20)});
    world
        .producer
        .post("/account/create", vast)
        .await
        .refused(413, "body_too_large");
    let many: Vec<i64> = (1..=10_001).collect();
    let refused = trader.transfer(world.s, world.t, &many).await;
    refused.refused_saying(422, "list_too_long", "10000");
    let page = format!("/certificate/actions?account_id={}&limit=1001", world.s);
    trader.get(&page).await.refused(422, "request_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api5_2023_broken_function_level_authorization_functions_of_the_issuing_body_are_its_own()
 {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let nobody = world
        .trader
        .create_user("Eve", "eve@registry.test", 4, PASSWORD);
    nobody.await.refused(403, "capability_required");
    for action in ["withdraw", "lock", "unlock"] {
        let refused = world
            .trader
            .act(action, world.s, &[bundle], json!({"reason": "x"}))
            .await;
        refused.refused(403, "capability_required");
    }
    let path = format!("/user/change_role/{}?role=4", world.trader.id);
    let promoted = world.trader.post_nothing(&path).await;
    promoted.refused(403, "capability_required");
    let removed = world
        .trader
        .delete(&format!("/user/delete/{}", world.producer.id))
        .await;
    removed.refused(403, "capability_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api6_2023_unrestricted_access_to_sensitive_business_flows_a_bundle_is_spent_once() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let (trader, s, t) = (&world.trader, world.s, world.t);
    let spend = (0..16).map(|n| async move {
        match n % 2 {
            0 => trader.transfer(s, t, &[bundle]).await,
            _ => trader.cancel(s, &[bundle], "Acme").await,
        }
    });
    let answers = futures_util::future::join_all(spend).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202);
    assert_eq!(accepted.count(), 1);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api7_2023_server_side_request_forgery_no_address_in_a_request_is_called() {
    let world = World::start().await;
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", trap.local_addr().unwrap());
    for field in ["jku", "x5u"] {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": url, field: url});
        let forged = world
            .trader
            .with_token(&forged(world.trader.token(), &header));
        forged.get("/user/me").await.refused(401, "token_invalid");
    }
    world.trader.with("origin", &url).get("/user/me").await;
    // Whoever had called would be waiting by now.
    let called = trap.accept().map_err(|error| error.kind());
    assert_eq!(
        called.unwrap_err(),
        ErrorKind::WouldBlock,
        "{url} was called"
    );
    // Nothing else in a request is an address.
    let document = world.registry.anonymous().get("/openapi.json").await;
    let document = document.expect(200).to_string();
    for word in ["webhook", "callback_url", "\"format\":\"uri\""] {
        assert!(!document.contains(word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api8_2023_security_misconfiguration_errors_tell_nothing_of_the_inside() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    for answer in [
        anonymous.get("/user/me").await,
        anonymous.get("/../../etc/passwd").await,
        anonymous.get("/certificate/'%20OR%201=1").await,
        world
            .trader
            .get("/certificate/9999999999999999999999")
            .await,
        world
            .trader
            .send(world.trader.request("TRACE", "/user/me"))
            .await,
        world
            .trader
            .send(
                world
                    .trader
                    .request("POST", "/account/create")
                    .header("content-type", "application/json")
                    .body("{"),
            )
            .await,
    ] {
        assert!((400..500).contains(&answer.status), "{answer}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(!answer.headers.contains_key("server"));
        assert!(!answer.headers.contains_key("x-powered-by"));
        let text = String::from_utf8_lossy(&answer.body);
        for inside in ["panicked", ".rs:", "SELECT", "postgres", "sqlite"] {
            assert!(!text.contains(inside), "{inside}: {text}");
        }
    }
    let foreign = anonymous.with("origin", "https://attacker.example");
    let answer = foreign.get("/user/me").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api9_2023_improper_inventory_management_what_is_not_in_the_document_is_not_there() {
    let world = World::start().await;
    for path in [
        "/v1/user/me",
        "/admin",
        "/debug",
        "/actuator",
        "/.git/config",
        "/.env",
        "/internal/metrics",
    ] {
        let answer = world.admin.get(path).await;
        assert_eq!(answer.status, 404, "{answer}");
    }
    let document = world.registry.anonymous().get("/openapi.json").await;
    let document = document.expect(200);
    assert!(document["info"]["version"].is_string());
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            documented.insert((method.clone(), path.clone()));
        }
    }
    // What is served, by the source: a route that the document leaves out is in no other test that goes by it.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/src/http");
    let mut served = BTreeSet::new();
    routes(&source, &mut served);
    assert!(served.len() > 100, "{served:?}");
    let hidden: Vec<_> = served.difference(&documented).collect();
    assert_eq!(hidden, Vec::<&(String, String)>::new());
}

/// Method and path of each route in the source files under the folder.
fn routes(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let attributes = text.lines().filter_map(|line| line.strip_prefix("#["));
        for (method, rest) in attributes.filter_map(|line| line.split_once("(\"")) {
            if let ("get" | "post" | "put" | "patch" | "delete", Some((path, _))) =
                (method, rest.split_once('"'))
            {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owasp_api10_2023_unsafe_consumption_of_apis_what_another_registry_sends_is_verified() {
    let mut here = Registry::prepare(Clusters::shared().await).await;
    let mut other = Registry::prepare_as(Clusters::shared().await, "fr").await;
    here.trust(&other);
    other.trust(&here);
    here.up().await;
    other.up().await;
    let (here, other) = (World::on(here).await, World::on(other).await);
    let [bundle] = other.issue([40]).await;
    let offer = json!({"receiving_registry": "gb"});
    let export = other.trader.act("export", other.s, &[bundle], offer).await;
    let path = format!("/certificate/export/{}/file", export.expect(202)["id"]);
    let signed = other.trader.get(&path).await.expect(200);
    let import = async |file: &Value| {
        let part = reqwest::multipart::Part::text(file.to_string()).file_name("export.json");
        let form = reqwest::multipart::Form::new()
            .part("file", part)
            .text("account_id", here.s.to_string());
        here.producer.upload("/certificate/import", form).await
    };
    let mut more = signed.clone();
    let end = "/payload/bundles/0/attributes/certificate_bundle_id_range_end";
    *more.pointer_mut(end).unwrap() = json!(4_000_000);
    import(&more).await.refused(422, "file_altered");
    assert!(here.producer.holdings(here.s).await.is_empty());
    import(&signed).await.expect(201);
    here.registry.audit().await;
}
