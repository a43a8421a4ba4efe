//! Partial cancellations: each splits a bundle that was never touched.

use super::sustained::Sustained;
use super::{Bench, CLIENTS};
use crate::figure::Figure;
use crate::http::{Reply, post};
use crate::load::{Arrival, Client, Crowd};
use anyhow::Result;

/// Bundles per second of a round, beyond which a round ends early: three times the target.
const SUPPLY_PER_SECOND: u64 = 12_000;
/// Wh cancelled of each bundle, which has 10,000 at least.
const WH: i64 = 1_000;

struct Canceller {
    token: String,
    source: i64,
    bundles: Vec<i64>,
}

impl Client for Canceller {
    fn next(&mut self) -> Option<Vec<u8>> {
        let bundle = self.bundles.pop()?;
        let body = format!(
            r#"{{"source_id":{},"granular_certificate_bundle_ids":[{bundle}],"certificate_quantity":{WH},"beneficiary":"Example Data Centre"}}"#,
            self.source
        );
        Some(post("/certificate/cancel", &self.token, &body))
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(202)
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let supply = usize::try_from(SUPPLY_PER_SECOND * bench.options.seconds)?;
    let mut load = Sustained::default();
    let mut bundles = Vec::new();
    for round in 0..=bench.options.rounds {
        // What a round left serves the next one.
        let lacking = supply.saturating_sub(bundles.len());
        bundles.extend(bench.world.take(&bench.databases, lacking).await?);
        let share = bundles.len() / CLIENTS;
        let cancellers = (0..CLIENTS).map(|number| Canceller {
            token: bench.world.trader(number),
            source: bench.world.source,
            bundles: bundles.split_off(bundles.len() - share),
        });
        let cancellers: Vec<_> = cancellers.collect();
        let mut crowd = Crowd::connect(bench.world.address, cancellers).await?;
        if round == 0 {
            crowd.work(bench.round(), Arrival::Closed).await?;
        } else {
            load.round(bench, &mut crowd, Arrival::Closed).await?;
        }
        for canceller in crowd.into_clients() {
            bundles.extend(canceller.bundles);
        }
    }
    let settings = format!("{CLIENTS} clients, {WH} Wh of one bundle each");
    Ok(vec![
        load.rate("cancel_split", "cancels/s")
            .target(4_000.0)
            .settings(settings),
        load.p99("cancel_split_p99"),
        load.cpu("cancel_split_cpu"),
    ])
}
