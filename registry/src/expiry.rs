//! Expiry as a scheduled decision: the registry looks for bundles past their expiry and asks the
//! sequencer to expire them, account by account. Actions check the expiry by themselves as well, so it
//! does not matter how soon this comes round.

use crate::sequencer::{ExecuteError, Request, Sequencers};
use chrono::Utc;
use ledger::Command;
use ledger::command::{ActOnBundles, Amount};
use projections::postgres::Pool;
use schemas::id::{AccountId, BundleId};
use schemas::life_cycle::ActionType;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time between two looks when the last one found nothing more to do.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// Most bundles one look expires.
const LOOK_BUNDLES: i64 = 10_000;

/// Expires what is to be expired, for ever.
pub async fn run(write: Pool, sequencers: Sequencers) {
    loop {
        match expire_due(&write, &sequencers).await {
            Ok(found) if found > 0 => {
                tracing::info!(bundles = found, "bundles expired");
                // The WRITE database is to see these before it is asked again.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(_) => tokio::time::sleep(INTERVAL).await,
            Err(error) => {
                tracing::warn!(%error, "looking for expired bundles failed");
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }
}

/// One look: how many bundles were expired by it.
///
/// # Errors
/// When the WRITE database or the sequencer can not answer.
pub async fn expire_due(write: &Pool, sequencers: &Sequencers) -> anyhow::Result<usize> {
    let client = write.get().await?;
    let select = client
        .prepare_cached(
            "SELECT account_id, bundle_id FROM bundle
             WHERE status IN ('Active', 'Reserved') AND expiry <= $1 ORDER BY expiry LIMIT $2",
        )
        .await?;
    let mut due: BTreeMap<AccountId, Vec<BundleId>> = BTreeMap::new();
    for row in client.query(&select, &[&Utc::now(), &LOOK_BUNDLES]).await? {
        due.entry(AccountId(row.try_get(0)?))
            .or_default()
            .push(BundleId(row.try_get(1)?));
    }
    drop(client);
    let mut expired = 0;
    for (account_id, bundle_ids) in due {
        let request = expire(account_id, bundle_ids);
        match sequencers.execute(request).await {
            Ok(receipt) => {
                for (_, event) in receipt.events {
                    if let ledger::Event::Ledger(schemas::event::LedgerEvent::BundlesActed(
                        action,
                    )) = event
                    {
                        expired += action.parts.len();
                    }
                }
            }
            // Everything of this account changed hands since it was looked up; the next look sees it.
            Err(ExecuteError::Refused(refusal)) => {
                tracing::info!(%account_id, code = %refusal.code, "bundles were not expired");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(expired)
}

/// That bundles of an account be expired; those that are not due yet are let be.
#[must_use]
pub fn expire(account_id: AccountId, bundle_ids: Vec<BundleId>) -> Request {
    let command = Command::ActOnBundles(ActOnBundles {
        action_type: ActionType::Expire,
        source_id: account_id,
        bundle_ids,
        amount: Amount::Whole,
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: None,
        reason: None,
        receiving_registry: None,
        here: String::new(),
        localise_time: true,
    });
    Request::of_system("expiry", command)
}
