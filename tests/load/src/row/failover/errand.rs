//! What shows that answers are right again: a transfer, and then the bundle as the receiver's.

use super::steadfast::Steadfast;
use crate::http::{get, post_once};
use crate::row::Bench;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::net::SocketAddr;

pub struct Errand {
    registry: SocketAddr,
    token: String,
    source: i64,
    target: i64,
    bundle: i64,
}

impl Errand {
    pub async fn prepare(bench: &mut Bench) -> Result<Self> {
        let bundles = bench.world.take(&bench.databases, 1).await?;
        Ok(Self {
            registry: bench.registry.address,
            token: bench.world.trader(0),
            source: bench.world.source,
            target: bench.world.target,
            bundle: bundles.into_iter().next().context("no bundle")?,
        })
    }

    /// Returns when both are answered so.
    pub async fn run(&self) -> Result<()> {
        let mut client = Steadfast::new(vec![self.registry]);
        let Self {
            token,
            source,
            target,
            bundle,
            ..
        } = self;
        let body = format!(
            r#"{{"source_id":{source},"target_id":{target},"granular_certificate_bundle_ids":[{bundle}]}}"#
        );
        // A new key, so WRITE has to be asked whether there is one.
        let key = format!("errand-{bundle}");
        let transfer = post_once("/certificate/transfer", token, &key, &body);
        client.insist(&transfer, 202).await?;
        let answer = client
            .insist(&get(&format!("/certificate/{bundle}"), token), 200)
            .await?;
        let found: Value = serde_json::from_slice(&answer.body)?;
        ensure!(
            found["account_id"] == *target,
            "bundle {bundle} was transferred to {target}, and is shown as {found}"
        );
        Ok(())
    }
}
