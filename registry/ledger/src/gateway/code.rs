//! Rules of one-time codes.

use super::check_devices;
use super::command::IssueGatewayCode;
use crate::account::open_account;
use crate::context::Context;
use crate::decide::Decision;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::TimeDelta;
use schemas::event::LedgerEvent;
use schemas::event::gateway::GatewayCodeIssued;
use schemas::gateway::limit::MAX_CODE_VALID_S;

pub(crate) fn needed(issue: &IssueGatewayCode, keys: &mut Vec<Key>) {
    keys.push(Key::Account(issue.account_id));
    keys.push(Key::GatewayCode(issue.code));
    keys.extend(issue.device_ids.iter().copied().map(Key::Device));
}

/// Issues a code.
pub(crate) fn issue(
    entries: &impl Entries,
    issue: &IssueGatewayCode,
    context: &Context,
) -> Result<Decision, Refusal> {
    open_account(entries, issue.account_id)?;
    if issue.device_ids.is_empty() {
        return Err(
            Refusal::new(Code::ListEmpty, "a gateway meters at least one device").at("/device_ids"),
        );
    }
    check_devices(entries, issue.account_id, &issue.device_ids, "device_ids")?;
    if !(1..=MAX_CODE_VALID_S).contains(&issue.valid_for_s) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("valid_for_s must be 1 to {MAX_CODE_VALID_S}"),
        )
        .at("/valid_for_s"));
    }
    if get::gateway_code(entries, issue.code)?.is_some() {
        return Err(Refusal::new(
            Code::GatewayCodeUsed,
            "the code was issued before; ask for another",
        ));
    }
    Ok(LedgerEvent::from(GatewayCodeIssued {
        code: issue.code,
        account_id: issue.account_id,
        device_ids: issue.device_ids.clone(),
        expires_at: context.now + TimeDelta::seconds(issue.valid_for_s),
    })
    .into())
}
