//! How the API behaves whatever is asked: credentials, methods, media types, sizes, paths.

use projections::log::Log;
use serde_json::json;
use std::collections::BTreeSet;
use tests::{Clusters, Registry, World};
use tracing::{Level, enabled};

/// Paths that answer without credentials, or by the signatures of gateways.
const PUBLIC: [&str; 23] = [
    "/",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/registry-keys.json",
    "/auth/login",
    "/auth/oidc/callback",
    "/auth/oidc/login",
    "/auth/oidc/second_factor",
    "/auth/refresh",
    "/csrf-token",
    "/docs",
    "/gateway/enrol",
    "/gateway/events",
    "/gateway/{gateway_id}/keys",
    "/health",
    "/healthz",
    "/invitation/accept",
    "/metrics",
    "/oauth/introspect",
    "/oauth/token",
    "/openapi.json",
    "/problems/{code}",
    "/readyz",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_document_but_the_public_ones_wants_credentials() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let document = anonymous.get("/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if PUBLIC.contains(&path.as_str()) || path.starts_with("/problems") {
                continue;
            }
            let concrete: Vec<_> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect();
            let request = anonymous.request(&method.to_uppercase(), &concrete.join("/"));
            let answer = anonymous.send(request).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{answer}");
            answer.refused(401, "not_authenticated");
            operations += 1;
        }
    }
    assert!(
        operations > 40,
        "only {operations} operations in the document"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_lists_every_route_of_the_contract() {
    let world = World::start().await;
    let document = world
        .registry
        .anonymous()
        .get("/openapi.json")
        .await
        .expect(200);
    let listed: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for route in [
        "/auth/login",
        "/csrf-token",
        "/user/create",
        "/user/me",
        "/user/me/accounts",
        "/account/create",
        "/account/list",
        "/device/create",
        "/measurement/meter_readings_template",
        "/measurement/submit_readings",
        "/measurement/create",
        "/certificate/create",
        "/certificate/create_metadata",
        "/certificate/query",
        "/certificate/transfer",
        "/certificate/cancel",
        "/certificate/claim",
        "/certificate/withdraw",
        "/certificate/reserve",
        "/certificate/release",
        "/certificate/lock",
        "/certificate/unlock",
        "/certificate/actions",
        "/change_log_level",
        "/health",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(listed.contains(route), "{route} is not in the document");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["operationId"].is_string(),
                "{method} {path} has no id"
            );
            assert!(
                operation["responses"]
                    .as_object()
                    .is_some_and(|all| !all.is_empty()),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_pages_that_are_allowed_may_read_answers_and_those_of_others_may_not() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.http.allowed_origins = vec!["https://app.example".to_owned()];
    registry.up().await;
    let world = World::on(registry).await;
    let [bundle] = world.issue([1_000]).await;
    let path = format!("/certificate/{bundle}");
    let preflight = |origin: &str| {
        let asks = world.registry.anonymous().with("origin", origin);
        let asks = asks.with("access-control-request-method", "PATCH");
        asks.with(
            "access-control-request-headers",
            "authorization, idempotency-key",
        )
    };
    let allowed = preflight("https://app.example");
    let answer = allowed
        .send(allowed.request("OPTIONS", "/account/update_whitelist/1"))
        .await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example"
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    let headers = answer.header("access-control-allow-headers");
    assert!(
        headers.contains("authorization") && headers.contains("idempotency-key"),
        "{headers}"
    );
    let other = preflight("https://evil.example");
    let answer = other
        .send(other.request("OPTIONS", "/account/update_whitelist/1"))
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");

    for (origin, seen) in [
        ("https://app.example", "https://app.example"),
        ("https://evil.example", ""),
    ] {
        for (who, status) in [
            (world.auditor.alone(), 200),
            (world.registry.anonymous(), 401),
        ] {
            let answer = who.with("origin", origin).get(&path).await;
            assert_eq!(answer.status, status, "{answer}");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                seen,
                "{answer}"
            );
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                "",
                "{answer}"
            );
            let exposed = answer.header("access-control-expose-headers");
            assert!(
                seen.is_empty() || exposed.contains("x-ledger-position"),
                "{exposed}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_without_its_body() {
    let world = World::start().await;
    let [bundle] = world.issue([1_000]).await;
    for path in [
        "/healthz",
        "/openapi.json",
        &format!("/certificate/{bundle}"),
        "/certificate/9999",
    ] {
        let get = world.auditor.get(path).await;
        let head = world
            .auditor
            .send(world.auditor.request("HEAD", path))
            .await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{head}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert_eq!(
            head.header("content-length"),
            get.body.len().to_string(),
            "{path}"
        );
    }
    let head = world.auditor.request("HEAD", "/certificate/transfer");
    assert_eq!(world.auditor.send(head).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_answered_405_with_those_there_are() {
    let world = World::start().await;
    for (method, path, allowed) in [
        ("GET", "/certificate/transfer", "POST"),
        ("DELETE", "/account/create", "POST"),
        ("PUT", "/user/me", "GET"),
        ("POST", "/account/list", "GET"),
        ("PUT", "/device/1", "GET"),
    ] {
        let answer = world.admin.send(world.admin.request(method, path)).await;
        assert!(
            answer.header("allow").contains(allowed),
            "{}: {answer}",
            answer.header("allow")
        );
        answer.refused(405, "method_not_allowed");
    }
    // Who a route is for need not sign in to be told.
    let anonymous = world.registry.anonymous();
    for path in ["/gateway/enrol", "/gateway/events"] {
        let answer = anonymous.get(path).await;
        answer.refused(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_problem_and_a_trailing_slash_is_none() {
    let world = World::start().await;
    for path in ["/nowhere", "/certificate/1/nowhere", "/api/v9"] {
        world.admin.get(path).await.refused(404, "route_not_found");
    }
    world.admin.get("/user/me/").await.expect(200);
    world
        .trader
        .post("/certificate/query/", json!({"source_id": world.s}))
        .await
        .expect(202);
    world.admin.get("/account/list/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_media_type_is_answered_415() {
    let world = World::start().await;
    let text = |path: &str| {
        let request = world.producer.request("POST", path);
        request.header("content-type", "text/plain").body("{}")
    };
    for path in [
        "/account/create",
        "/certificate/query",
        "/auth/login",
        "/measurement/submit_readings",
    ] {
        let answer = world.producer.send(text(path)).await;
        answer.refused(415, "unsupported_media_type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_at_its_limit_is_read_and_one_byte_more_is_answered_413() {
    let world = World::start().await;
    let body = |size: usize| {
        let start = format!(r#"{{"source_id": {}, "x": ""#, world.s);
        let filler = "x".repeat(size - start.len() - 2);
        format!("{start}{filler}\"}}")
    };
    let send = async |size: usize| {
        let request = world.trader.request("POST", "/certificate/query");
        let request = request
            .header("content-type", "application/json")
            .body(body(size));
        world.trader.send(request).await
    };
    send(1 << 20).await.expect(202);
    send((1 << 20) + 1).await.refused(413, "body_too_large");
    let upload = async |size: usize| {
        let file = "x".repeat(size);
        world.producer.upload_csv(world.w, file).await
    };
    // Read, and found not to have the columns.
    upload(16 << 20).await.refused(422, "malformed_body");
    upload((16 << 20) + 1).await.refused(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_refused_as_such() {
    let world = World::start().await;
    for body in ["", "{", "[1,", "{\"source_id\": 1} x", "\u{0}"] {
        let request = world.trader.request("POST", "/certificate/query");
        let request = request
            .header("content-type", "application/json")
            .body(body);
        world
            .trader
            .send(request)
            .await
            .refused(422, "malformed_body");
    }
    for body in ["[]", "7", "null", "\"x\""] {
        let request = world.trader.request("POST", "/certificate/query");
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let answer = world.trader.send(request).await;
        assert_eq!(answer.status, 422, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_number_is_refused_and_one_too_large_names_nothing() {
    let world = World::start().await;
    for path in ["/account/x", "/device/1.5", "/certificate/-", "/user/0x1"] {
        world.admin.get(path).await.refused(422, "request_invalid");
    }
    let huge = "99999999999999999999";
    world
        .admin
        .get(&format!("/certificate/{huge}"))
        .await
        .refused(422, "request_invalid");
    world
        .admin
        .get(&format!("/certificate/{}", i64::MAX))
        .await
        .refused(404, "bundle_not_found");
    world
        .admin
        .get("/certificate/-1")
        .await
        .refused(404, "bundle_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_problem_is_where_its_type_says() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let problem = anonymous
        .get("/nowhere")
        .await
        .refused(404, "route_not_found");
    let page = anonymous.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{page}");
    anonymous
        .get("/problems/no_such_code")
        .await
        .refused(404, "route_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_kept_and_otherwise_made() {
    let world = World::start().await;
    let id = "0190f5a0-0000-7000-8000-000000000001";
    let answer = world.admin.with("x-request-id", id).get("/user/me").await;
    assert_eq!(answer.header("x-request-id"), id);
    let made = world.registry.anonymous().get("/nowhere").await;
    assert_eq!(made.header("x-request-id").len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_are_shown_to_machines() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    assert_eq!(anonymous.get("/health").await.expect(200)["status"], "ok");
    assert_eq!(anonymous.get("/healthz").await.status, 200);
    let ready = anonymous.get("/readyz").await;
    assert_eq!(ready.status, 200, "{ready}");
    let metrics = anonymous.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let text = String::from_utf8(metrics.body).unwrap();
    for measured in [
        "# TYPE",
        r#"projection_lag_events{database="write",stream="ledger"}"#,
        r#"projection_lag_events{database="read",stream="audit"}"#,
        "disk_free_bytes ",
    ] {
        assert!(text.contains(measured), "{measured} is not in {text}");
    }
    assert!(!text.contains("@registry.test"));
    let docs = anonymous.get("/docs/").await;
    assert_eq!(docs.status, 200, "{docs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_is_changed_by_an_administrator() {
    Log::default().start().unwrap();
    let world = World::start().await;
    let level = |level: &str| json!({"level": level});
    let says = || {
        (
            enabled!(Level::WARN),
            enabled!(Level::INFO),
            enabled!(Level::DEBUG),
        )
    };
    assert_eq!(says(), (true, true, false));
    world
        .registry
        .anonymous()
        .post("/change_log_level", level("DEBUG"))
        .await
        .refused(401, "not_authenticated");
    let answer = world
        .admin
        .post("/change_log_level", level("WARNING"))
        .await
        .expect(200);
    assert!(
        answer["message"].as_str().unwrap().contains("WARNING"),
        "{answer}"
    );
    assert_eq!(says(), (true, false, false));
    world
        .admin
        .post("/change_log_level", level("DEBUG"))
        .await
        .expect(200);
    assert_eq!(says(), (true, true, true));
    world
        .admin
        .post("/change_log_level", level("WHISPER"))
        .await
        .refused_at(422, "request_invalid", "/level");
}
