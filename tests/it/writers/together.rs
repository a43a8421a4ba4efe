//! All of them decide at once.

use super::{another, first};
use crate::double::Double;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Instant;
use tests::{World, volume};

const CLIENTS: usize = 32;
/// Actions of each.
const ACTIONS: usize = 12;
/// Wh of the bundle of each.
const WH: i64 = 1_000;

/// Moves 1 Wh of its bundle as often as it is to, each time by the next process.
async fn client(
    client: &Client,
    token: &str,
    urls: &[String],
    accounts: (i64, i64),
    mut bundle: i64,
) {
    for action in 0..ACTIONS {
        let url = format!("{}/certificate/transfer", urls[action % urls.len()]);
        let body = json!({"source_id": accounts.0, "target_id": accounts.1, "certificate_quantity": 1,
                          "granular_certificate_bundle_ids": [bundle]});
        let sent = client.post(url).bearer_auth(token).json(&body).send().await;
        let answer = sent.unwrap();
        let (status, answer) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(status.as_u16(), 202, "{answer}");
        bundle = answer["bundles"][0]["remainder"]["bundle_id"]
            .as_i64()
            .unwrap();
    }
}

/// Prints what they did in a second, for whoever asks: `--nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_one_two_and_four_writers_decides_on_what_the_others_did() {
    for writers in [1, 2, 4] {
        let double = Double::start().await;
        let mut registry = first(&double).await;
        registry.up().await;
        let world = World::on(registry).await;
        let bundles = world.issue([WH; CLIENTS]).await;
        let mut urls = vec![world.registry.url()];
        let mut others = Vec::new();
        for _ in 1..writers {
            let mut config = world.registry.config.clone();
            config.http.port = 0;
            let other = another(&config).await;
            urls.push(format!("http://{}", other.address()));
            others.push(other);
        }
        let (http, accounts) = (Client::new(), (world.s, world.t));
        let clients =
            bundles.map(|bundle| client(&http, world.trader.token(), &urls, accounts, bundle));
        let began = Instant::now();
        join_all(clients).await;
        let rate = (CLIENTS * ACTIONS) as u128 * 1_000 / began.elapsed().as_millis().max(1);
        println!("{writers} writers: {rate} actions/s");
        world.registry.audit().await;
        let moved = volume(&world.trader.holdings(world.t).await);
        assert_eq!(moved, i64::try_from(CLIENTS * ACTIONS).unwrap());
        for other in others {
            other.shutdown().await;
        }
    }
}
