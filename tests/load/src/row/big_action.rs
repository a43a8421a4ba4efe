//! One action over as many bundles as an action may have.

use super::Bench;
use crate::figure::Figure;
use crate::http::{Connection, post};
use anyhow::Result;
use serde_json::json;
use std::time::Instant;

/// The most one action takes.
const BUNDLES: usize = 10_000;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bundles = bench.world.take(&bench.databases, BUNDLES).await?;
    let mut connection = Connection::open(bench.world.address).await?;
    let mut accounts = (bench.world.source, bench.world.target);
    let (mut answered, mut visible) = (Vec::new(), Vec::new());
    for round in 0..=bench.options.rounds {
        let body = json!({
            "source_id": accounts.0, "target_id": accounts.1,
            "granular_certificate_bundle_ids": bundles,
        });
        accounts = (accounts.1, accounts.0);
        let request = post(
            "/certificate/transfer",
            &bench.world.trader(0),
            &body.to_string(),
        );
        let began = Instant::now();
        let reply = connection.send(&request).await?;
        let took = began.elapsed();
        reply.expect(202)?;
        bench.databases.caught_up(reply.position).await?;
        if round > 0 {
            answered.push(took.as_secs_f64());
            visible.push(began.elapsed().as_secs_f64());
        }
    }
    Ok(vec![
        Figure::lower("big_action", "s", answered)
            .target(1.0)
            .settings(format!(
                "one transfer of {BUNDLES} bundles, until it is answered"
            )),
        Figure::lower("big_action_visible", "s", visible)
            .settings("the same until both databases show it"),
    ])
}
