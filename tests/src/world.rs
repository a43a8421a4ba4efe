//! A registry with people, accounts and a device: what most tests begin with.

use crate::{Actor, Registry, hour, hours};
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

/// People of every role, three accounts, a wind farm and issuance metadata.
pub struct World {
    /// The issuing body; member of X only.
    pub admin: Actor,
    /// Member of S and T.
    pub producer: Actor,
    /// Member of S and T.
    pub trader: Actor,
    /// Member of S.
    pub auditor: Actor,
    /// Account of producer, trader and auditor.
    pub s: i64,
    /// Account of producer and trader, which accepts transfers from S.
    pub t: i64,
    /// Account of the administrator, which does not.
    pub x: i64,
    /// A wind farm of 10 MW in S.
    pub w: i64,
    next_hour: AtomicI64,
    /// Last: the others go before it stops.
    pub registry: Registry,
}

impl World {
    /// A running registry with all of it.
    pub async fn start() -> Self {
        Self::on(Registry::start().await).await
    }

    /// All of it in a registry that runs.
    pub async fn on(registry: Registry) -> Self {
        let (admin, producer, trader, auditor) = tokio::join!(
            registry.person("admin"),
            registry.person("producer"),
            registry.person("trader"),
            registry.person("auditor"),
        );
        let s = producer.open_account("S", &[trader.id, auditor.id]).await;
        let t = producer.open_account("T", &[trader.id]).await;
        let x = admin.open_account("X", &[]).await;
        producer.update_whitelist(t, &[s], &[]).await.expect(200);
        admin.record_metadata().await;
        let w = producer.register_device(s, json!({})).await;
        Self {
            admin,
            producer,
            trader,
            auditor,
            s,
            t,
            x,
            w,
            next_hour: AtomicI64::new(0),
            registry,
        }
    }

    /// Bundles of these quantities in S, one hour each, later than all others from here; gives their
    /// ids.
    pub async fn issue<const N: usize>(&self, wh: [i64; N]) -> [i64; N] {
        let count = i64::try_from(N).unwrap();
        let from = self.next_hour.fetch_add(count, Ordering::Relaxed);
        self.producer
            .submit(self.w, &hours(from, wh))
            .await
            .expect(200);
        let names: Vec<_> = (from..from + count).map(|n| self.issuance_id(n)).collect();
        let issued = self
            .producer
            .query(self.s, json!({"issuance_ids": names}))
            .await;
        crate::ids(&issued).try_into().unwrap()
    }

    /// Name of what the wind farm made in the `n`-th hour.
    pub fn issuance_id(&self, n: i64) -> String {
        format!("{}-{}", self.w, hour(n).format("%Y-%m-%d %H:%M:%S"))
    }
}
