//! Recurring rules and their runs.

use super::entity::{Entities, Entity};
use crate::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::WattHours;
use schemas::event::recurring::{
    RecurringRuleCreated, RecurringRuleEnded, RecurringRulePaused, RecurringRuleRan,
    RecurringRuleResumed, RuleTerms,
};
use schemas::id::{AccountId, ActionId, RuleId, UserId};
use schemas::log::Position;
use schemas::recurring::{EndReason, RuleStatus, RunOutcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio_postgres::types::Json;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    rule_id: RuleId,
    source_id: AccountId,
    user_id: Option<UserId>,
    terms: RuleTerms,
    status: RuleStatus,
    end_reason: Option<EndReason>,
    next_run: Option<DateTime<Utc>>,
    periods_done: i64,
    last_outcome: Option<RunOutcome>,
    created_at: DateTime<Utc>,
    position: Position,
}

impl Entity for Rule {
    const TABLE: &'static str = "recurring_rule";
    const COLUMNS: &'static [&'static str] = &[
        "rule_id",
        "source_id",
        "user_id",
        "terms",
        "status",
        "end_reason",
        "next_run",
        "periods_done",
        "last_outcome",
        "created_at",
        "position",
    ];

    fn id(&self) -> i64 {
        self.rule_id.0
    }
}

impl Entities<Rule> {
    pub(super) fn created(
        &mut self,
        event: &RecurringRuleCreated,
        at: DateTime<Utc>,
        position: Position,
    ) {
        self.insert(Rule {
            rule_id: event.rule_id,
            source_id: event.terms.source_id,
            user_id: event.user_id,
            terms: event.terms.clone(),
            status: RuleStatus::Active,
            end_reason: None,
            next_run: Some(event.next_run),
            periods_done: 0,
            last_outcome: None,
            created_at: at,
            position,
        });
    }

    pub(super) fn paused(&mut self, event: &RecurringRulePaused, position: Position) {
        self.now_is(event.rule_id, RuleStatus::Paused, None, position);
    }

    pub(super) fn resumed(&mut self, event: &RecurringRuleResumed, position: Position) {
        let next_run = Some(event.next_run);
        self.now_is(event.rule_id, RuleStatus::Active, next_run, position);
    }

    pub(super) fn ended(&mut self, event: &RecurringRuleEnded, position: Position) {
        self.now_is(event.rule_id, RuleStatus::Ended, None, position);
        if let Some(rule) = self.edit(event.rule_id.0) {
            rule.end_reason = Some(event.reason);
        }
    }

    fn now_is(
        &mut self,
        rule_id: RuleId,
        status: RuleStatus,
        next_run: Option<DateTime<Utc>>,
        position: Position,
    ) {
        if let Some(rule) = self.edit(rule_id.0) {
            rule.status = status;
            rule.next_run = next_run;
            rule.position = position;
        }
    }

    pub(super) fn ran(&mut self, event: &RecurringRuleRan, position: Position) {
        let Some(rule) = self.edit(event.rule_id.0) else {
            return;
        };
        rule.next_run = event.next_run;
        rule.last_outcome = Some(event.outcome);
        rule.position = position;
        if event.open.is_none() {
            rule.periods_done = event.period + event.periods;
        }
        if let Some(reason) = event.ended {
            rule.status = RuleStatus::Ended;
            rule.end_reason = Some(reason);
        }
    }
}

#[derive(Debug, Serialize)]
struct Run {
    rule_id: RuleId,
    period: i64,
    periods: i64,
    due_at: DateTime<Utc>,
    outcome: RunOutcome,
    reason: Option<String>,
    wanted_wh: WattHours,
    moved_wh: WattHours,
    action_ids: Vec<ActionId>,
    ran_at: DateTime<Utc>,
    position: Position,
}

/// Runs as the last event of each tells them.
#[derive(Default)]
pub(super) struct Runs(BTreeMap<(RuleId, i64), Run>);

impl Runs {
    pub(super) fn ran(&mut self, event: &RecurringRuleRan, at: DateTime<Utc>, position: Position) {
        let run = Run {
            rule_id: event.rule_id,
            period: event.period,
            periods: event.periods,
            due_at: event.due_at,
            outcome: event.outcome,
            reason: event.reason.clone(),
            wanted_wh: event.wanted_wh,
            moved_wh: event.moved_wh,
            action_ids: event.action_ids.clone(),
            ran_at: at,
            position,
        };
        self.0.insert((event.rule_id, event.period), run);
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.0.values().collect();
        let upsert = client.prepare_cached(UPSERT).await?;
        client.execute(&upsert, &[&Json(rows)]).await?;
        Ok(())
    }
}

const UPSERT: &str = "INSERT INTO recurring_run
     SELECT * FROM jsonb_populate_recordset(NULL::recurring_run, $1)
     ON CONFLICT (rule_id, period) DO UPDATE SET periods = EXCLUDED.periods,
         due_at = EXCLUDED.due_at, outcome = EXCLUDED.outcome, reason = EXCLUDED.reason,
         wanted_wh = EXCLUDED.wanted_wh, moved_wh = EXCLUDED.moved_wh,
         action_ids = EXCLUDED.action_ids, ran_at = EXCLUDED.ran_at, position = EXCLUDED.position";
