//! The whole API without anything behind it: what is answered before a database or the ledger is asked.
#![allow(clippy::unwrap_used)]

use super::audit::watch;
use super::limit::guard;
use super::port::{Decide, Progress};
use super::*;
use crate::audit::Trail;
use crate::config::{Config, Connection, Secret};
use crate::identity::ring_of;
use crate::sequencer::{ExecuteError, Receipt, Request};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use ledger::Stream;
use schemas::api::problem::ProblemDocument;
use schemas::id::UserId;
use schemas::log::Position;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

struct Nothing;

impl Decide for Nothing {
    fn execute(&self, _: Request) -> BoxFuture<'_, Result<Receipt, ExecuteError>> {
        ready(Err(ExecuteError::Busy)).boxed()
    }
}

impl Progress for Nothing {
    fn position(&self, _: Stream) -> Position {
        Position(7)
    }

    fn wait_for(&self, _: Stream, _: Position, _: Duration) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

async fn state(folder: &TempDir) -> Arc<State> {
    let mut config = Config::default();
    config.auth.master_secret = Secret::new("k".repeat(32));
    config.data_dir = folder.path().to_owned();
    // Nothing listens on port 1.
    let away = projections::postgres::pool(&Connection::local(1)).unwrap();
    let path = folder.path().join("events.db");
    let open = move || event_store::SqliteStore::open(&path);
    let store = tokio::task::spawn_blocking(open).await.unwrap().unwrap();
    let store = Arc::new(store);
    let stream = schemas::log::StreamName::audit(&config.domain).unwrap();
    let (trail, writer) = Trail::new(store.clone(), stream, std::future::pending());
    tokio::spawn(writer);
    let parts = Parts {
        trail,
        commands: Arc::new(Nothing),
        read: away.clone(),
        read_progress: Arc::new(Nothing),
        write: away,
        store,
    };
    State::new(&config, parts).unwrap()
}

/// Sends each request to one application and hands over the answers.
async fn answers(state: Arc<State>, requests: Vec<TestRequest>) -> Vec<ServiceResponse> {
    let app = actix_web::App::new()
        .app_data(Data::from(state))
        .app_data(Data::new(openapi::Routes::new()))
        .configure(routes::routes)
        .wrap(from_fn(guard))
        .wrap(from_fn(watch))
        .wrap(NormalizePath::trim())
        .wrap(from_fn(observe::observe));
    let app = init_service(app).await;
    let mut answers = Vec::new();
    for request in requests {
        let answer = call_service(&app, request.to_request()).await;
        answers.push(answer.map_into_boxed_body());
    }
    answers
}

fn header<'a>(answer: &'a ServiceResponse, name: &str) -> &'a str {
    answer.headers().get(name).unwrap().to_str().unwrap()
}

async fn problem(answer: ServiceResponse) -> ProblemDocument {
    assert_eq!(
        header(&answer, "content-type"),
        schemas::api::problem::MEDIA_TYPE
    );
    assert!(answer.headers().contains_key("x-request-id"));
    serde_json::from_slice(&read_body(answer).await).unwrap()
}

#[actix_web::test]
async fn every_route_that_is_not_open_answers_an_anonymous_caller_401() {
    let folder = TempDir::new().unwrap();
    let document = openapi::document();
    let mut places = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"]
                .as_array()
                .is_none_or(|all| !all.is_empty())
            {
                places.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(places.len() > 40);
    let requests = places
        .iter()
        .map(|(method, path)| {
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part });
            TestRequest::default()
                .method(method.parse::<Method>().unwrap())
                .uri(&path.collect::<Vec<_>>().join("/"))
        })
        .collect();
    for (answer, place) in answers(state(&folder).await, requests)
        .await
        .into_iter()
        .zip(places)
    {
        assert_eq!(problem(answer).await.code, "not_authenticated", "{place:?}");
    }
}

#[actix_web::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405_with_those_allowed() {
    let folder = TempDir::new().unwrap();
    let requests = vec![
        TestRequest::get().uri("/no/such/path"),
        TestRequest::put().uri("/account/create/"),
    ];
    let mut answers = answers(state(&folder).await, requests).await;
    let wrong_method = answers.pop().unwrap();
    assert_eq!(header(&wrong_method, "allow"), "POST");
    assert_eq!(problem(wrong_method).await.code, "method_not_allowed");
    assert_eq!(
        problem(answers.pop().unwrap()).await.code,
        "route_not_found"
    );
}

#[actix_web::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_413() {
    let folder = TempDir::new().unwrap();
    let login = |length: usize| {
        TestRequest::post()
            .uri("/auth/login")
            .insert_header(("content-type", "application/json"))
            .set_payload(" ".repeat(length))
    };
    let requests = vec![login(extract::BODY_LIMIT), login(extract::BODY_LIMIT + 1)];
    let mut answers = answers(state(&folder).await, requests).await;
    assert_eq!(problem(answers.pop().unwrap()).await.code, "body_too_large");
    assert_eq!(problem(answers.pop().unwrap()).await.code, "malformed_body");
}

#[actix_web::test]
async fn a_database_that_is_away_is_503_and_the_process_still_lives() {
    let folder = TempDir::new().unwrap();
    let state = state(&folder).await;
    let ring = ring_of([3; 32]);
    let token = state.tokens.access(&ring, UserId(1), Uuid::nil());
    let token = token.unwrap();
    state.signing_keys.assume(ring);
    let requests = vec![
        TestRequest::get()
            .uri("/user/me")
            .insert_header(("authorization", format!("Bearer {token}"))),
        TestRequest::get().uri("/readyz"),
        TestRequest::get().uri("/healthz"),
    ];
    let mut answers = answers(state, requests).await;
    let lives = answers.pop().unwrap();
    assert_eq!(lives.status(), 200);
    assert_eq!(header(&lives, "x-ledger-position"), "7");
    assert_eq!(answers.pop().unwrap().status(), 503);
    let away = answers.pop().unwrap();
    assert_eq!(header(&away, "retry-after"), "1");
    assert_eq!(problem(away).await.code, "unavailable");
}
