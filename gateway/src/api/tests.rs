#![allow(clippy::unwrap_used)]

use super::{Access, Code, MIN_TOKEN_CHARS, Server, TokenError, document, serve};
use crate::config::Wrong;
use crate::control::{self, Control, ControlError, Order, Secret, Trial};
use crate::discover::Discovery;
use crate::profile::Library;
use crate::snapshot::Snapshot;
use crate::snapshot::examples::snapshot;
use reqwest::{Client, RequestBuilder, StatusCode};
use schemas::gateway::{KeyId, MeterIdentity};
use schemas::id::DeviceId;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A served API, and the ends that a running gateway keeps.
struct Api {
    server: Server,
    publish: watch::Sender<Arc<Snapshot>>,
    orders: mpsc::Receiver<Order>,
    client: Client,
}

fn api(access: Access) -> Api {
    let (control, publish, orders) = control::channel(snapshot());
    let library = Arc::new(Library::embedded().unwrap());
    let discovery = Discovery::new(library, control.clone());
    Api {
        server: serve(ANYWHERE, access, control, discovery).unwrap(),
        publish,
        orders,
        client: Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap(),
    }
}

impl Api {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.client.get(self.url(path))).await
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

fn device() -> Value {
    json!({"id": 7, "profile": "eastron_sdm630", "nameplate_w": 10_000,
        "connection": {"kind": "tcp", "host": "10.0.0.7", "port": 502}})
}

#[actix_web::test]
async fn the_status_is_what_the_engine_published_last() {
    let api = api(Access::Loopback);
    let (status, shown) = api.get("/status").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        serde_json::from_value::<Snapshot>(shown).unwrap(),
        snapshot()
    );
    let mut next = snapshot();
    next.queue.readings = 99;
    next.devices.clear();
    api.publish.send_replace(Arc::new(next));
    assert_eq!(api.get("/status").await.1["queue"]["readings"], 99);
    assert_eq!(api.get("/devices").await.1, json!([]));
    assert_eq!(api.get("/health").await.1, json!({"status": "ok"}));
    api.server.stop().await;
}

#[actix_web::test]
async fn a_device_is_shown_with_what_was_read_of_it_last() {
    let api = api(Access::Loopback);
    let (_, devices) = api.get("/devices").await;
    assert_eq!(devices[0]["last_sample"]["energy_mwh"], 123_456_000);
    assert_eq!(api.get("/devices/42").await.1, devices[0]);
    let (status, problem) = api.get("/devices/43").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::NOT_FOUND, &json!("device_not_found"))
    );
}

#[actix_web::test]
async fn devices_and_the_key_are_changed_by_order() {
    let mut api = api(Access::Loopback);
    let mut orders = std::mem::replace(&mut api.orders, mpsc::channel(1).1);
    let engine = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(order) = orders.recv().await {
            match order {
                Order::AddDevice(device, reply) => {
                    seen.push(format!("add {}", device.id));
                    reply.send(Ok(())).unwrap();
                }
                Order::RemoveDevice(device_id, reply) => {
                    seen.push(format!("remove {device_id}"));
                    let outcome = if device_id == DeviceId(7) {
                        Ok(())
                    } else {
                        Err(ControlError::NoSuchDevice { device_id })
                    };
                    reply.send(outcome).unwrap();
                }
                Order::TryDevice(device, reply) => {
                    seen.push(format!("try {}", device.id));
                    let meter = MeterIdentity {
                        maker: "Eastron".into(),
                        model: "SDM630".into(),
                        serial: "1".into(),
                        firmware: None,
                    };
                    let sample = snapshot().devices[0].last_sample.clone().unwrap();
                    reply.send(Ok(Trial { meter, sample })).unwrap();
                }
                Order::ChangeKey(algorithm, reply) => {
                    seen.push(format!("sign with {algorithm}"));
                    reply.send(Ok(KeyId([7; 32]))).unwrap();
                }
                Order::Enrol { .. } => panic!("nobody can enrol over the local API"),
            }
        }
        seen
    });
    let (status, added) = answer(api.client.post(api.url("/devices")).json(&device())).await;
    assert_eq!((status, &added["id"]), (StatusCode::CREATED, &json!(7)));
    let (status, trial) = answer(api.client.post(api.url("/devices/try")).json(&device())).await;
    assert_eq!(
        (status, &trial["meter"]["maker"]),
        (StatusCode::OK, &json!("Eastron"))
    );
    assert_eq!(
        answer(api.client.delete(api.url("/devices/7"))).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        answer(api.client.delete(api.url("/devices/8"))).await.0,
        StatusCode::NOT_FOUND
    );
    let key = |alg| api.client.post(api.url("/key")).json(&json!({"alg": alg}));
    let (status, changed) = answer(key("EdDSA")).await;
    assert_eq!(
        (status, &changed["key_id"]),
        (StatusCode::OK, &json!(KeyId([7; 32])))
    );
    let (status, problem) = answer(key("none")).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("request_invalid"))
    );
    api.server.stop().await;
    assert_eq!(
        engine.await.unwrap(),
        ["add 7", "try 7", "remove 7", "remove 8", "sign with EdDSA"]
    );
}

#[actix_web::test]
async fn each_reason_of_the_gateway_has_its_status_and_code() {
    let device_id = DeviceId(7);
    let text = || "why".to_owned();
    let wrong = vec![Wrong {
        place: "nameplate_w".into(),
        rule: "must be 1 or more".into(),
    }];
    for (error, status, code) in [
        (ControlError::Invalid { wrong }, 422, "request_invalid"),
        (ControlError::DeviceThere { device_id }, 409, "device_there"),
        (
            ControlError::Unreadable { reason: text() },
            502,
            "device_unreadable",
        ),
        (ControlError::NotNow { reason: text() }, 409, "not_now"),
        (ControlError::Failed { reason: text() }, 502, "failed"),
        (ControlError::Busy, 503, "busy"),
        (ControlError::Stopping, 503, "stopping"),
    ] {
        let mut api = api(Access::Loopback);
        let mut orders = std::mem::replace(&mut api.orders, mpsc::channel(1).1);
        tokio::spawn(async move {
            if let Some(Order::AddDevice(_, reply)) = orders.recv().await {
                reply.send(Err(error)).unwrap();
            }
        });
        let (given, problem) = answer(api.client.post(api.url("/devices")).json(&device())).await;
        assert_eq!((given.as_u16(), &problem["code"]), (status, &json!(code)));
        assert_eq!(problem["type"], "about:blank");
        if status == 422 {
            assert_eq!(problem["errors"][0]["pointer"], "/nameplate_w");
        }
        api.server.stop().await;
    }
}

#[actix_web::test]
async fn no_more_orders_wait_than_the_limit() {
    let (control, _publish, mut orders) = control::channel(snapshot());
    let ask = |control: Control| async move { control.remove_device(DeviceId(1)).await };
    let waiting: Vec<_> = (0..control::MAX_ORDERS)
        .map(|_| tokio::spawn(ask(control.clone())))
        .collect();
    while orders.len() < control::MAX_ORDERS {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(control.clone()).await, Err(ControlError::Busy));
    while let Ok(Order::RemoveDevice(_, reply)) = orders.try_recv() {
        reply.send(Ok(())).unwrap();
    }
    for one in waiting {
        assert_eq!(one.await.unwrap(), Ok(()));
    }
    drop(orders);
    assert_eq!(ask(control).await, Err(ControlError::Stopping));
}

#[actix_web::test]
async fn what_can_not_be_read_is_answered_with_the_rule() {
    let api = api(Access::Loopback);
    let post = |path: &str| api.client.post(api.url(path));
    let code = |(status, problem): (StatusCode, Value)| {
        (
            status.as_u16(),
            problem["code"].as_str().unwrap().to_owned(),
        )
    };
    let mut unknown = device();
    unknown["colour"] = json!("red");
    let (_, problem) = answer(post("/devices").json(&unknown)).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("colour"),
        "{problem}"
    );
    for (request, status, word) in [
        (post("/devices").json(&unknown), 422, "request_invalid"),
        (
            post("/devices")
                .header("content-type", "application/json")
                .body("{"),
            422,
            "malformed_body",
        ),
        (post("/devices").body("id=7"), 415, "unsupported_media_type"),
        (
            post("/devices").json(&"x".repeat(20_000)),
            413,
            "body_too_large",
        ),
        (
            post("/discovery").json(&json!({"subnet": "8.8.8.0/24"})),
            422,
            "request_invalid",
        ),
        (api.client.get(api.url("/nowhere")), 404, "route_not_found"),
        (
            api.client.get(api.url("/devices/seven")),
            404,
            "route_not_found",
        ),
        (
            api.client.put(api.url("/devices/7")),
            405,
            "method_not_allowed",
        ),
        (
            api.client.delete(api.url("/status")),
            405,
            "method_not_allowed",
        ),
    ] {
        assert_eq!(code(answer(request).await), (status, word.to_owned()));
    }
    api.server.stop().await;
}

#[actix_web::test]
async fn without_the_token_only_health_is_answered() {
    let api = api(Access::Token(Secret::new(TOKEN.to_owned())));
    assert_eq!(api.get("/health").await.0, StatusCode::OK);
    for path in [
        "/status",
        "/devices",
        "/metrics",
        "/openapi.json",
        "/nowhere",
    ] {
        let (status, problem) = api.get(path).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNAUTHORIZED, &json!("not_authenticated")),
            "{path}"
        );
    }
    for wrong in ["", "0123456789abcdef0123456789abcdeF", &TOKEN[1..], "0"] {
        let request = api.client.get(api.url("/status")).bearer_auth(wrong);
        assert_eq!(
            answer(request).await.0,
            StatusCode::UNAUTHORIZED,
            "{wrong:?}"
        );
    }
    let request = api.client.get(api.url("/status")).bearer_auth(TOKEN);
    assert_eq!(answer(request).await.0, StatusCode::OK);
    api.server.stop().await;
}

#[actix_web::test]
async fn a_page_in_a_browser_can_not_call_under_a_name_of_its_own() {
    let api = api(Access::Loopback);
    let port = api.server.address().port();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        ("[::1]".to_owned(), 200),
        (format!("attacker.example:{port}"), 421),
        ("127.0.0.1.attacker.example".to_owned(), 421),
    ] {
        let request = api.client.get(api.url("/status")).header("host", &host);
        assert_eq!(answer(request).await.0.as_u16(), status, "{host}");
    }
    api.server.stop().await;
}

#[test]
fn a_token_is_needed_beyond_loopback_and_has_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let everywhere = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(
        Access::new(everywhere, None),
        Err(TokenError::Open { .. })
    ));
    assert!(matches!(Access::new(ANYWHERE, None), Ok(Access::Loopback)));
    assert!(matches!(
        Access::new(ANYWHERE, Some(&file)),
        Err(TokenError::Io { .. })
    ));
    fs::write(&file, "x".repeat(MIN_TOKEN_CHARS - 1)).unwrap();
    assert!(matches!(
        Access::new(everywhere, Some(&file)),
        Err(TokenError::Short { .. })
    ));
    fs::write(&file, format!("{}\n", "x".repeat(MIN_TOKEN_CHARS))).unwrap();
    let access = Access::new(everywhere, Some(&file)).unwrap();
    assert!(!format!("{access:?}").contains("xx"));
}

#[actix_web::test]
async fn metrics_are_those_of_the_snapshot_and_name_nobodys_equipment() {
    let api = api(Access::Loopback);
    let text = api
        .client
        .get(api.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "gateway_queue_readings 12",
        "gateway_devices{state=\"sampling\"} 1",
        "gateway_devices{state=\"suspended\"} 0",
        "device_energy_milliwatthours{device=\"42\"} 123456000",
        "device_power_watts{device=\"42\"} 4321",
        "# TYPE gateway_readings_accepted_total counter",
    ] {
        assert!(
            text.lines().any(|given| given == line),
            "{line} is not in\n{text}"
        );
    }
    for secret in ["SN-0815", "10.0.0.7", "Eastron"] {
        assert!(!text.contains(secret), "{secret}");
    }
    api.server.stop().await;
}

/// Writes the document with `UPDATE_OPENAPI=1`.
#[actix_web::test]
async fn the_published_document_is_what_is_served() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../schemas/openapi/gateway.json"
    );
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let text = serde_json::to_string_pretty(&document()).unwrap();
        fs::write(path, text + "\n").unwrap();
    }
    let published: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let api = api(Access::Loopback);
    let (_, served) = api.get("/openapi.json").await;
    assert_eq!(served, published, "write it anew with UPDATE_OPENAPI=1");
    api.server.stop().await;
}

#[test]
fn the_document_says_of_each_code_what_to_do_and_names_no_other() {
    let document = document();
    let code = &document["components"]["schemas"]["Problem"]["properties"]["code"];
    let about = code["description"].as_str().unwrap();
    for one in Code::ALL {
        let line = format!("- `{}`: {}", one.as_str(), one.about());
        assert!(about.contains(&line), "{line}");
    }
    let known: Vec<_> = Code::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(code["enum"], json!(known));
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses
                .iter()
                .filter(|(status, _)| *status >= &"400".to_owned())
            {
                for word in response["description"].as_str().unwrap().split(", ") {
                    let found = Code::ALL.iter().find(|one| one.as_str() == word);
                    let found = found.unwrap_or_else(|| panic!("{path} names {word}"));
                    assert_eq!(found.status().as_str(), status, "{path} names {word}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn every_operation_of_the_document_is_routed() {
    let api = api(Access::Loopback);
    drop(api.orders);
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path.replace("{device_id}", "42");
            let url = format!("http://{}{path}", api.server.address());
            let answer = api
                .client
                .request(method.clone(), url)
                .send()
                .await
                .unwrap();
            let status = answer.status();
            assert!(
                status != StatusCode::NOT_FOUND && status != StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}: {status}"
            );
        }
    }
    api.server.stop().await;
}
