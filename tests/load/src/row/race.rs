//! Many clients want the same bundle at the same time; one gets it.

use super::Bench;
use crate::figure::Figure;
use crate::http::{Connection, post};
use crate::load::per_second;
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::time::Instant;

const CLIENTS: usize = 256;
/// Bundles that are raced for in a round, one after the other.
const RACES: usize = 20;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(Connection::open(bench.world.address).await?);
    }
    let (source, target) = (bench.world.source, bench.world.target);
    let mut rates = Vec::new();
    for round in 0..=bench.options.rounds {
        let bundles = bench.world.take(&bench.databases, RACES).await?;
        let began = Instant::now();
        for bundle in bundles {
            let body = format!(
                r#"{{"source_id":{source},"target_id":{target},"granular_certificate_bundle_ids":[{bundle}]}}"#
            );
            let requests: Vec<_> = (0..CLIENTS)
                .map(|number| post("/certificate/transfer", &bench.world.trader(number), &body))
                .collect();
            let sent = connections.iter_mut().zip(&requests);
            let statuses = try_join_all(sent.map(|(connection, request)| async {
                anyhow::Ok(connection.send(request).await?.status)
            }));
            let statuses = statuses.await?;
            let winners = statuses.iter().filter(|status| **status == 202).count();
            let losers = statuses
                .iter()
                .filter(|status| matches!(status, 404 | 409))
                .count();
            ensure!(
                winners == 1 && losers == CLIENTS - 1,
                "of {CLIENTS} clients {winners} got the bundle and {losers} were told that it is gone"
            );
        }
        if round > 0 {
            rates.push(per_second(u64::try_from(CLIENTS * RACES)?, began.elapsed()));
        }
    }
    let settings =
        format!("{CLIENTS} clients per bundle, {RACES} bundles per round; exactly one winner each");
    Ok(vec![
        Figure::higher("race", "decisions/s", rates)
            .target(500.0)
            .settings(settings),
    ])
}
