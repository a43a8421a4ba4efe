#![allow(clippy::unwrap_used)]
use std::sync::Mutex;

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{self, Bytes},
};
use schemas::{WattHours, id::DeviceId};
use serde_json::{Value, json};

use super::{
    mapping::Reading,
    submission::{Sent, Target, send},
};
use crate::{client::Client, config::Secret};

/// A double of the registry: refuses readings of 13 Wh, and everything for device 404.
async fn submit(seen: web::Data<Mutex<Vec<usize>>>, body: Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let readings = body["readings"].as_array().unwrap();
    seen.lock().unwrap().push(readings.len());
    let problem = |status: u16, code: &str, errors: &[Value]| {
        json!({"type": "/problems/x", "title": "Refused", "status": status, "detail": "Why.",
               "code": code, "errors": errors})
    };
    if body["device_id"] == 404 {
        return HttpResponse::NotFound().json(problem(404, "device_not_found", &[]));
    }
    let bad: Vec<_> = (1..)
        .zip(readings)
        .filter(|(_, reading)| reading["interval_usage"] == 13)
        .map(|(row, _)| json!({"row": row, "column": "interval_usage", "code": "over_capacity", "detail": "13 is too much"}))
        .collect();
    if !bad.is_empty() && (body["partial"] == false || bad.len() == readings.len()) {
        // A refused body is pointed into; a body taken in part has rows.
        let pointed: Vec<_> = bad
            .iter()
            .map(|error| {
                let index = error["row"].as_i64().unwrap() - 1;
                json!({"pointer": format!("/readings/{index}/interval_usage"), "code": error["code"], "detail": error["detail"]})
            })
            .collect();
        return HttpResponse::UnprocessableEntity().json(problem(
            422,
            "readings_refused",
            &pointed,
        ));
    }
    let usage = |reading: &Value| reading["interval_usage"].as_i64().unwrap();
    let good: i64 = readings.iter().map(usage).filter(|wh| *wh != 13).sum();
    HttpResponse::Ok().json(json!({
        "message": "Readings submitted successfully.", "first_reading_datetime": null, "last_reading_datetime": null,
        "total_device_usage": good, "accepted": readings.len() - bad.len(), "repeated": 0, "refused": bad
    }))
}

async fn login() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "access_token": "t", "token_type": "bearer", "user_id": 1, "expires_in": 60,
        "refresh_token": null, "session_id": "00000000-0000-0000-0000-000000000001",
    }))
}

/// Sends readings of these amounts, numbered as rows from 101 on, in batches of three.
async fn sent(device_id: i64, amounts: &[i64], partial: bool) -> (Sent, Vec<usize>) {
    let seen = web::Data::new(Mutex::new(Vec::new()));
    let state = seen.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/auth/login", web::post().to(login))
            .route("/measurement/submit_readings", web::post().to(submit))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    let client = Client::sign_in(&url, "a@b.c", Secret::new("p"))
        .await
        .unwrap();
    let start = |index: i64| chrono::DateTime::from_timestamp(index * 1_800, 0).unwrap();
    let readings = (0..)
        .zip(amounts)
        .map(|(index, wh)| Reading {
            row: 101 + u32::try_from(index).unwrap(),
            start: start(index),
            wh: WattHours(*wh),
        })
        .collect();
    let target = Target {
        client: &client,
        device_id: DeviceId(device_id),
        interval: "30m".parse().unwrap(),
        gross_net_indicator: "NET",
        batch: 3,
        partial,
        meter_identifier: None,
        issue: true,
    };
    let done = Mutex::new(0);
    let sent = send(&target, readings, |more| *done.lock().unwrap() += more).await;
    assert_eq!(*done.lock().unwrap(), amounts.len() as u64);
    let batches = seen.lock().unwrap().clone();
    (sent, batches)
}

fn refused_rows(sent: &Sent) -> Vec<u32> {
    let tallies = sent.refused.iter().flat_map(|(_, tally)| &tally.first);
    tallies.map(|(row, _)| *row).collect()
}

#[tokio::test]
async fn readings_go_in_batches_and_all_are_counted() {
    let (sent, mut batches) = sent(1, &[1, 2, 3, 4, 5, 6, 7], false).await;
    batches.sort_unstable();
    assert_eq!(batches, [1, 3, 3]);
    assert_eq!(
        (sent.accepted, sent.total, sent.left),
        (7, WattHours(28), 0)
    );
    assert!(sent.failure.is_none());
}

#[tokio::test]
async fn a_refused_reading_is_named_by_its_row_in_the_table() {
    let (partial, _) = sent(1, &[1, 2, 3, 4, 13, 6], true).await;
    assert_eq!(refused_rows(&partial), [105]);
    assert_eq!(
        (partial.accepted, partial.total, partial.left),
        (5, WattHours(16), 0)
    );
    let (whole, _) = sent(1, &[1, 2, 3, 4, 13, 6], false).await;
    assert_eq!(refused_rows(&whole), [105]);
    assert_eq!((whole.accepted, whole.left), (3, 2));
}

#[tokio::test]
async fn a_batch_of_nothing_but_refused_readings_does_not_stop_a_partial_import() {
    let (sent, _) = sent(1, &[13, 13, 13, 4], true).await;
    assert_eq!(refused_rows(&sent), [101, 102, 103]);
    assert_eq!((sent.accepted, sent.left), (1, 0));
}

#[tokio::test]
async fn what_concerns_the_device_stops_the_import_and_is_no_refused_row() {
    let amounts: Vec<_> = (0..60).collect();
    let (sent, batches) = sent(404, &amounts, false).await;
    assert_eq!((sent.refused.count(), sent.left), (0, 60));
    assert_eq!(sent.failure.unwrap().code(), Some("device_not_found"));
    assert!(batches.len() < 20, "{} batches were sent", batches.len());
}
