//! Recurring rules.

use super::open;
use crate::http::Caller;
use crate::http::problem::{Answer, Problem};
use crate::read::recurring;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::certificate::RecurringRule;
use schemas::id::RuleId;

impl<C> Caller<C> {
    /// The rule, of an account that the caller sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn rule(&self, client: &Client, named: Named<RuleId>) -> Answer<RecurringRule> {
        let id = open(named);
        recurring::by_id(client, id)
            .await?
            .filter(|rule| self.sees(rule.source_id))
            .ok_or_else(|| Problem::not_found(Code::RecurringRuleNotFound, "RecurringRule", id))
    }
}
