//! Actions on bundles.

use super::bundle::{decimal, word};
use super::cursor::{Page, decode};
use super::{ReadError, row, rows};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::certificate::{Action, ActionSummary};
use schemas::event::action::{BundleAction, Export, Part};
use schemas::id::{AccountId, ActionId, DeviceId, RuleId, UserId};
use schemas::life_cycle::ActionType;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

/// Columns of an action, in the order [`summary`] takes them.
pub(super) const COLUMNS: &str = "
    action_id, action_type, source_id, target_id, user_id, beneficiary, beneficiary_account_id, reason,
    certificate_quantity, percentage::text, quantity_mode, localise_time, requested_at, completed_at,
    wh, bundles, rule_id, storage_device_id";
/// How many they are.
pub(super) const COUNT: usize = 18;
const LIST: &str = "actions";

/// The action with what became of each bundle.
pub async fn by_id(client: &Client, action_id: ActionId) -> Result<Option<Action>, ReadError> {
    let statement = format!("SELECT {COLUMNS}, parts, export FROM action WHERE action_id = $1");
    let Some(row) = row(client, &statement, &[&action_id.0]).await? else {
        return Ok(None);
    };
    let summary = summary(&row)?;
    let Json(parts): Json<Vec<Part>> = row.try_get(COUNT)?;
    let export: Option<Json<Export>> = row.try_get(COUNT + 1)?;
    let export = export.map(|Json(export)| export);
    let recorded_at = summary.created_at;
    let recorded = BundleAction {
        action_id: summary.id,
        action_type: summary.action_type,
        source_id: summary.source_id,
        user_id: summary.user_id,
        target_id: summary.target_id,
        beneficiary: summary.beneficiary,
        beneficiary_account_id: summary.beneficiary_account_id,
        storage_device_id: summary.storage_device_id,
        reason: summary.reason,
        certificate_quantity: summary.certificate_quantity,
        certificate_bundle_percentage: summary.certificate_bundle_percentage.map(|share| share.0),
        quantity_mode: summary.certificate_quantity_mode,
        export,
        localise_time: summary.localise_time,
        requested_at: summary.action_request_datetime,
        rule_id: summary.rule_id,
        parts,
    };
    Ok(Some(Action::of(recorded, recorded_at)))
}

/// The action in a row of [`COLUMNS`].
pub(super) fn summary(row: &Row) -> Result<ActionSummary, ReadError> {
    let completed_at = row.try_get(13)?;
    Ok(ActionSummary {
        id: ActionId(row.try_get(0)?),
        created_at: completed_at,
        action_type: word(row, 1)?,
        source_id: AccountId(row.try_get(2)?),
        target_id: row.try_get::<_, Option<i64>>(3)?.map(AccountId),
        user_id: row.try_get::<_, Option<i64>>(4)?.map(UserId),
        beneficiary: row.try_get(5)?,
        beneficiary_account_id: row.try_get::<_, Option<i64>>(6)?.map(AccountId),
        reason: row.try_get(7)?,
        rule_id: row.try_get::<_, Option<i64>>(16)?.map(RuleId),
        storage_device_id: row.try_get::<_, Option<i64>>(17)?.map(DeviceId),
        certificate_quantity: row.try_get::<_, Option<i64>>(8)?.map(WattHours),
        certificate_bundle_percentage: decimal(row, 9)?,
        certificate_quantity_mode: word(row, 10)?,
        localise_time: row.try_get(11)?,
        action_request_datetime: row.try_get(12)?,
        action_completed_datetime: completed_at,
        outcome: "completed",
        num_granular_certificate_bundles: row.try_get(15)?,
        total_certificate_volume: WattHours(row.try_get(14)?),
    })
}

/// The key in a cursor of the list.
#[must_use]
pub fn key(cursor: &str) -> Option<i64> {
    decode(LIST, cursor)
}

/// A page of the actions that have one of `accounts` as source or target, newest first; of all actions
/// where `accounts` is `None`.
pub async fn page(
    client: &Client,
    accounts: Option<&[AccountId]>,
    action_type: Option<ActionType>,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<ActionSummary>, ReadError> {
    let before = before.unwrap_or(i64::MAX);
    let kinds: Vec<&str> = match action_type {
        Some(one) => vec![one.as_str()],
        None => ActionType::ALL.iter().map(|kind| kind.as_str()).collect(),
    };
    let fetched = limit + 1;
    let found = match accounts {
        None => {
            let statement = format!(
                "SELECT {COLUMNS} FROM action WHERE action_type = ANY($1) AND action_id < $2
                 ORDER BY action_id DESC LIMIT $3"
            );
            rows(client, &statement, &[&kinds, &before, &fetched]).await?
        }
        Some(accounts) => {
            let ids: Vec<i64> = accounts.iter().map(|id| id.0).collect();
            // One branch per index; UNION drops what has one account on both sides.
            let side = |side: &str| {
                format!(
                    "(SELECT action_id FROM action
                      WHERE {side} = ANY($4) AND action_type = ANY($1) AND action_id < $2
                      ORDER BY action_id DESC LIMIT $3)"
                )
            };
            let statement = format!(
                "SELECT {COLUMNS} FROM action
                 WHERE action_id IN ({} UNION {})
                 ORDER BY action_id DESC LIMIT $3",
                side("source_id"),
                side("target_id")
            );
            rows(client, &statement, &[&kinds, &before, &fetched, &ids]).await?
        }
    };
    let actions = found.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(actions, limit, LIST, |last| last.id.0))
}
