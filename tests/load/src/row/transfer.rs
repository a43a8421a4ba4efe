//! Transfers of one bundle each.

use super::sustained::{sustain, sustain_as};
use super::{Bench, CLIENTS};
use crate::figure::Figure;
use crate::http::{Reply, post};
use crate::load::{Arrival, Client, Crowd};
use anyhow::Result;

/// Bundles that move: more than the sequencer keeps in memory by itself, so most have to be loaded.
const BUNDLES: usize = 128_000;
/// Transfers per second where they arrive by themselves: half of what the target asks for, since a machine that is
/// full has no latency to speak of.
const OPEN_PER_SECOND: u64 = 2_500;

/// Moves each of its bundles from one account to the other, then all of them back, and so on.
struct Trader {
    token: String,
    accounts: (i64, i64),
    bundles: Vec<i64>,
    at: usize,
}

impl Client for Trader {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.at == self.bundles.len() {
            self.at = 0;
            self.accounts = (self.accounts.1, self.accounts.0);
        }
        let (source, target) = self.accounts;
        let bundle = self.bundles.get(self.at)?;
        self.at += 1;
        let body = format!(
            r#"{{"source_id":{source},"target_id":{target},"granular_certificate_bundle_ids":[{bundle}]}}"#
        );
        Some(post("/certificate/transfer", &self.token, &body))
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(202)
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bundles = bench.world.take(&bench.databases, BUNDLES).await?;
    let accounts = (bench.world.source, bench.world.target);
    let traders = bundles
        .chunks(BUNDLES / CLIENTS)
        .enumerate()
        .map(|(number, bundles)| Trader {
            token: bench.world.trader(number),
            accounts,
            bundles: bundles.to_vec(),
            at: 0,
        });
    let mut crowd = Crowd::connect(bench.world.address, traders).await?;
    let load = sustain(bench, &mut crowd).await?;
    let open = sustain_as(bench, &mut crowd, Arrival::Open(OPEN_PER_SECOND)).await?;
    Ok(vec![
        load.rate("transfer", "transfers/s")
            .target(5_000.0)
            .settings(format!("{CLIENTS} clients, {BUNDLES} bundles in turn")),
        load.p99("transfer_p99").target(50.0),
        load.cpu("transfer_cpu"),
        open.p99("transfer_open_p99").settings(format!(
            "from when it was due, {OPEN_PER_SECOND} arriving per second whatever is answered"
        )),
    ])
}
