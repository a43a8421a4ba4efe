#![allow(clippy::unwrap_used)]
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, Bytes},
};
use serde_json::{Value, json};

use super::{Client, ClientError};
use crate::config::Secret;

/// What the double was asked, and how often.
#[derive(Default)]
struct Seen {
    logins: AtomicUsize,
    posts: AtomicUsize,
    keys: std::sync::Mutex<Vec<String>>,
}

async fn login(seen: web::Data<Seen>, body: Bytes) -> HttpResponse {
    let count = seen.logins.fetch_add(1, Ordering::SeqCst) + 1;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["username"], "a@b.c");
    HttpResponse::Ok().json(json!({
        "access_token": format!("token-{count}"), "token_type": "bearer", "user_id": 7, "expires_in": 60,
        "refresh_token": null, "session_id": "00000000-0000-0000-0000-000000000001"
    }))
}

/// Busy the first time.
async fn busy_once(seen: web::Data<Seen>, request: HttpRequest) -> HttpResponse {
    seen.keys
        .lock()
        .unwrap()
        .push(header(&request, "Idempotency-Key").unwrap());
    if seen.posts.fetch_add(1, Ordering::SeqCst) == 0 {
        return HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "0"))
            .json(problem(503, "queue_full", &[]));
    }
    HttpResponse::Ok()
        .insert_header(("X-Ledger-Position", "41"))
        .json(json!({"done": true}))
}

async fn expired_once(seen: web::Data<Seen>, request: HttpRequest) -> HttpResponse {
    if header(&request, "Authorization").unwrap() == "Bearer token-1" {
        return HttpResponse::Unauthorized().json(problem(401, "token_expired", &[]));
    }
    HttpResponse::Ok().json(seen.logins.load(Ordering::SeqCst))
}

async fn refused() -> HttpResponse {
    let errors = [
        json!({"row": 3, "column": "interval_usage", "code": "negative_amount", "detail": "-1 Wh is negative"}),
        json!({"pointer": "/device_id", "code": "missing", "detail": "`device_id` is missing"}),
    ];
    HttpResponse::UnprocessableEntity().json(problem(422, "readings_refused", &errors))
}

async fn position(request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().json(header(&request, "X-Ledger-Position"))
}

fn header(request: &HttpRequest, name: &str) -> Option<String> {
    let value = request.headers().get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

fn problem(status: u16, code: &str, errors: &[Value]) -> Value {
    json!({"type": format!("/problems/{code}"), "title": "The title", "status": status,
           "detail": "The sentence.", "code": code, "errors": errors})
}

/// A client signed in to a double of the registry.
async fn client() -> (Client, web::Data<Seen>) {
    let seen = web::Data::from(Arc::new(Seen::default()));
    let state = seen.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/auth/login", web::post().to(login))
            .route("/busy", web::post().to(busy_once))
            .route("/expired", web::get().to(expired_once))
            .route("/refused", web::post().to(refused))
            .route("/position", web::get().to(position))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let url = format!("http://{}/", server.addrs()[0]);
    tokio::spawn(server.run());
    let client = Client::sign_in(&url, "a@b.c", Secret::new("secret"))
        .await
        .unwrap();
    (client, seen)
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_under_the_same_key() {
    let (client, seen) = client().await;
    let answer: Value = client.post("/busy", &json!({})).await.unwrap();
    assert_eq!(answer, json!({"done": true}));
    let keys = seen.keys.lock().unwrap().clone();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn what_was_written_is_asked_for_by_later_reads() {
    let (client, _) = client().await;
    assert_eq!(
        client.get::<Option<String>>("/position").await.unwrap(),
        None
    );
    let _: Value = client.post("/busy", &json!({})).await.unwrap();
    assert_eq!(
        client.get::<Option<String>>("/position").await.unwrap(),
        Some("41".to_owned())
    );
    let other = client
        .sign_in_as("a@b.c", Secret::new("secret"))
        .await
        .unwrap();
    assert_eq!(other.position(), 41);
}

#[tokio::test]
async fn a_token_that_expired_is_renewed_once() {
    let (client, _) = client().await;
    assert_eq!(client.get::<usize>("/expired").await.unwrap(), 2);
}

#[tokio::test]
async fn a_refusal_names_title_detail_and_every_field_and_row() {
    let (client, _) = client().await;
    let error = client
        .post::<Value>("/refused", &json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("readings_refused"));
    let text = error.to_string();
    for part in [
        "/refused: 422 The title",
        "The sentence.",
        "- row 3 interval_usage: -1 Wh is negative (negative_amount)",
        "- /device_id: `device_id` is missing (missing)",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn nobody_listening_is_said_within_a_second_or_two() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let error = Client::sign_in(&url, "a@b.c", Secret::new("secret"))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error}");
    assert!(error.to_string().contains(&url), "{error}");
}
