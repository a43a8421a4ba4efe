//! Takes the steps of the demo, each once.

use schemas::{bundle::issuance_id, id::BundleId, life_cycle::ActionType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    account::Accounts,
    device::Devices,
    error::{SeedError, While},
    people::People,
    step::{Amount, Step},
};
use crate::client::Client;

/// The step was taken before, on bundles that have other ids since.
const TAKEN_BEFORE: &str = "idempotency_key_reused";

#[derive(Deserialize)]
struct Found {
    granular_certificate_bundles: Vec<FoundBundle>,
}

#[derive(Deserialize)]
struct FoundBundle {
    id: BundleId,
}

/// Takes the step unless it was taken before. Then its bundles have moved on, so that none is found; or
/// what is left of them is, and the registry knows the step's idempotency key.
pub(super) async fn take(
    people: &People,
    accounts: &Accounts,
    devices: &Devices,
    step: &Step,
) -> Result<(), SeedError> {
    let client = match step.action {
        ActionType::Lock | ActionType::Withdraw => &people.admin,
        _ => &people.trading,
    };
    let bundles = found(client, accounts, devices, step).await?;
    if bundles.is_empty() {
        return Ok(());
    }
    let path = format!("/certificate/{}", step.action);
    let key = format!("seed-1:{}", step.name);
    let taken: Result<Value, _> = client
        .post_as(&path, &key, &body(accounts, step, &bundles))
        .await;
    match taken {
        Err(error) if error.code() == Some(TAKEN_BEFORE) => Ok(()),
        taken => taken.map(drop).during(format!("step {:?}", step.name)),
    }
}

async fn found(
    client: &Client,
    accounts: &Accounts,
    devices: &Devices,
    step: &Step,
) -> Result<Vec<BundleId>, SeedError> {
    let device_id = devices.id(step.generator);
    let issuances: Vec<_> = step
        .starts
        .iter()
        .map(|start| issuance_id(device_id, *start))
        .collect();
    let question = json!({
        "source_id": accounts.id(step.holder),
        "issuance_ids": issuances,
        "certificate_bundle_status": step.status,
    });
    let found: Found = client
        .ask("/certificate/query", &question)
        .await
        .during(format!("bundles for step {:?}", step.name))?;
    let bundles = found.granular_certificate_bundles.into_iter();
    Ok(bundles.map(|bundle| bundle.id).collect())
}

fn body(accounts: &Accounts, step: &Step, bundles: &[BundleId]) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("source_id".into(), json!(accounts.id(step.source)));
    body.insert("granular_certificate_bundle_ids".into(), json!(bundles));
    if let Some(target) = step.target {
        body.insert("target_id".into(), json!(accounts.id(target)));
    }
    match step.amount {
        Amount::Whole => {}
        Amount::Quantity(wh) => {
            body.insert("certificate_quantity".into(), json!(wh));
        }
        Amount::Share(share) => {
            body.insert("certificate_bundle_percentage".into(), json!(share));
        }
    }
    if step.action == ActionType::Cancel {
        body.insert("beneficiary".into(), json!(step.beneficiary));
        let account = step.beneficiary_account.map(|party| accounts.id(party));
        body.insert("beneficiary_account_id".into(), json!(account));
    }
    if let Some(reason) = step.reason {
        body.insert("reason".into(), json!(reason));
    }
    body
}
