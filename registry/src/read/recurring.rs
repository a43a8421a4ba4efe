//! Recurring rules and their runs.

use super::cursor::{Page, decode};
use super::{ReadError, optional_word, row, rows, word};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::certificate::{RecurringRule, RecurringRun, RuleProgress};
use schemas::event::recurring::RuleTerms;
use schemas::id::{AccountId, ActionId, RuleId, UserId};
use schemas::recurring::RuleStatus;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

const COLUMNS: &str =
    "rule_id, user_id, created_at, terms, status, end_reason, next_run, periods_done,
    last_outcome";
const LIST: &str = "recurring_rules";
const RUNS: &str = "recurring_runs";

fn rule(row: &Row) -> Result<RecurringRule, ReadError> {
    let Json(terms): Json<RuleTerms> = row.try_get(3)?;
    let progress = RuleProgress {
        status: word(row, 4)?,
        end_reason: optional_word(row, 5)?,
        next_run: row.try_get(6)?,
        periods_done: row.try_get(7)?,
        last_outcome: optional_word(row, 8)?,
    };
    let user_id = row.try_get::<_, Option<i64>>(1)?.map(UserId);
    let of = (RuleId(row.try_get(0)?), user_id, row.try_get(2)?);
    Ok(RecurringRule::of(of, terms, progress))
}

/// The rule.
pub async fn by_id(client: &Client, rule_id: RuleId) -> Result<Option<RecurringRule>, ReadError> {
    let statement = format!("SELECT {COLUMNS} FROM recurring_rule WHERE rule_id = $1");
    let found = row(client, &statement, &[&rule_id.0]).await?;
    found.as_ref().map(rule).transpose()
}

/// The key in a cursor of the list of rules.
#[must_use]
pub fn key(cursor: &str) -> Option<i64> {
    decode(LIST, cursor)
}

/// A page of the rules of `accounts`, newest first; of all rules where `accounts` is `None`.
pub async fn page(
    client: &Client,
    accounts: Option<&[AccountId]>,
    status: Option<RuleStatus>,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<RecurringRule>, ReadError> {
    let before = before.unwrap_or(i64::MAX);
    let states: Vec<&str> = match status {
        Some(one) => vec![one.as_str()],
        None => RuleStatus::ALL.iter().map(|state| state.as_str()).collect(),
    };
    let fetched = limit + 1;
    let select = |of: &str| {
        format!(
            "SELECT {COLUMNS} FROM recurring_rule
             WHERE status = ANY($1) AND rule_id < $2 {of} ORDER BY rule_id DESC LIMIT $3"
        )
    };
    let found = match accounts {
        None => rows(client, &select(""), &[&states, &before, &fetched]).await?,
        Some(accounts) => {
            let ids: Vec<i64> = accounts.iter().map(|id| id.0).collect();
            let statement = select("AND source_id = ANY($4)");
            rows(client, &statement, &[&states, &before, &fetched, &ids]).await?
        }
    };
    let rules = found.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(rules, limit, LIST, |last| last.id.0))
}

/// The key in a cursor of the list of this rule's runs.
#[must_use]
pub fn run_key(rule_id: RuleId, cursor: &str) -> Option<i64> {
    let (of, period): (i64, i64) = decode(RUNS, cursor)?;
    (of == rule_id.0).then_some(period)
}

/// A page of the runs of a rule, newest first.
pub async fn runs(
    client: &Client,
    rule_id: RuleId,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<RecurringRun>, ReadError> {
    let before = before.unwrap_or(i64::MAX);
    let found = rows(
        client,
        "SELECT period, periods, due_at, ran_at, outcome, reason, wanted_wh, moved_wh, action_ids
         FROM recurring_run WHERE rule_id = $1 AND period < $2 ORDER BY period DESC LIMIT $3",
        &[&rule_id.0, &before, &(limit + 1)],
    )
    .await?;
    let runs = found.iter().map(run).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(runs, limit, RUNS, |last| (rule_id.0, last.period)))
}

fn run(row: &Row) -> Result<RecurringRun, ReadError> {
    let actions: Vec<i64> = row.try_get(8)?;
    Ok(RecurringRun {
        period: row.try_get(0)?,
        periods: row.try_get(1)?,
        due_at: row.try_get(2)?,
        ran_at: row.try_get(3)?,
        outcome: word(row, 4)?,
        reason: row.try_get(5)?,
        wanted_wh: WattHours(row.try_get(6)?),
        moved_wh: WattHours(row.try_get(7)?),
        action_ids: actions.into_iter().map(ActionId).collect(),
    })
}
