//! Recurring transfers and cancellations.

mod change;
mod create;
mod read;

pub use change::*;
pub use create::*;
pub use read::*;

use crate::http::Caller;
use crate::http::problem::{Answer, Problem};
use crate::read as questions;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::certificate::RecurringRule;
use schemas::id::RuleId;

/// The rule, if the caller may see it: those of accounts of which they are a member, and the issuing body
/// all.
async fn visible<C>(caller: &Caller<C>, client: &Client, rule_id: RuleId) -> Answer<RecurringRule> {
    questions::recurring::by_id(client, rule_id)
        .await?
        .filter(|rule| caller.sees(rule.source_id))
        .ok_or_else(|| Problem::not_found(Code::RecurringRuleNotFound, "RecurringRule", rule_id))
}
