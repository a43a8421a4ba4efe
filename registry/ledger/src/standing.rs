//! The states of an account, as one table, and what a suspended one may not do.

use crate::account::{close, existing};
use crate::command::{ChangeStanding, ChangeTransfers, Command};
use crate::decide::Decision;
use crate::entry::Account;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use AccountState as State;
use schemas::event::LedgerEvent;
use schemas::event::account::AccountStandingChanged;
use schemas::id::{AccountId, DeviceId};
use schemas::life_cycle::{AccountState, AccountStep};

/// Longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// One row: from which states a step is allowed, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The step.
    pub step: AccountStep,
    /// States it is allowed from.
    pub from: &'static [State],
    /// The state from then on.
    pub to: State,
}

/// Every step there is. Opening makes an account approved, or requested where the registry is set so.
pub const TABLE: [Row; 4] = [
    Row {
        step: AccountStep::Approve,
        from: &[State::Requested],
        to: State::Approved,
    },
    Row {
        step: AccountStep::Suspend,
        from: &[State::Approved],
        to: State::Suspended,
    },
    Row {
        step: AccountStep::Reinstate,
        from: &[State::Suspended],
        to: State::Approved,
    },
    Row {
        step: AccountStep::Close,
        from: &[State::Requested, State::Approved, State::Suspended],
        to: State::Closed,
    },
];

/// The table as Markdown, as README prints it.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| step | allowed from | becomes |\n|---|---|---|\n");
    for row in TABLE {
        let from: Vec<_> = row.from.iter().map(|state| state.as_str()).collect();
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            row.step,
            from.join(", "),
            row.to
        ));
    }
    text
}

/// The state that a step leads to.
pub(crate) fn step(
    account_id: AccountId,
    account: &Account,
    step: AccountStep,
) -> Result<State, Refusal> {
    let state = account.state();
    let row = TABLE[step as usize];
    if row.from.contains(&state) {
        return Ok(row.to);
    }
    if state == State::Closed {
        return Err(closed(account_id));
    }
    Err(Refusal::new(
        Code::AccountState,
        format!("account {account_id} is {state}; `{step}` is not for it"),
    ))
}

fn closed(account_id: AccountId) -> Refusal {
    Refusal::new(
        Code::AccountClosed,
        format!("Cannot update deleted accounts. Account {account_id} is closed."),
    )
}

/// The account, suspended or not, unless it is closed.
pub(crate) fn not_closed(
    entries: &impl Entries,
    account_id: AccountId,
) -> Result<&Account, Refusal> {
    let account = existing(entries, account_id)?;
    if account.is_closed {
        return Err(closed(account_id));
    }
    Ok(account)
}

/// Checks that an account that is not closed is in use.
pub(crate) fn check(account_id: AccountId, account: &Account) -> Result<(), Refusal> {
    match account.state() {
        State::Suspended => Err(Refusal::new(
            Code::AccountSuspended,
            format!("account {account_id} is suspended by the issuing body; it can only be read"),
        )),
        State::Requested => Err(Refusal::new(
            Code::AccountNotApproved,
            format!("account {account_id} waits for the approval of the issuing body"),
        )),
        State::Approved | State::Closed => Ok(()),
    }
}

/// Checks that an account may send and receive.
pub(crate) fn check_transfers(account_id: AccountId, account: &Account) -> Result<(), Refusal> {
    if account.transfer_disabled {
        return Err(Refusal::new(
            Code::TransferDisabled,
            format!("the issuing body has stopped the transfers of account {account_id}"),
        ));
    }
    Ok(())
}

/// The device that a command acts for; its account must be in use. Commands that name an account look at that
/// one themselves, and what the issuing body alone asks is not stopped by its own suspension.
pub(crate) fn device_of(command: &Command) -> Option<DeviceId> {
    match command {
        Command::UpdateDevice(update) => Some(update.device_id),
        Command::RemoveDevice(device_id) => Some(*device_id),
        Command::RegisterMeter(register) => Some(register.device_id),
        Command::UpdateMeter(update) => Some(update.device_id),
        Command::SubmitReadings(submit) => Some(submit.device_id),
        Command::CorrectReading(correct) => Some(correct.measurement.device_id),
        Command::IssueReadings(issue) => Some(issue.device_id),
        Command::IssueBundle(issue) => Some(issue.device_id),
        Command::SubmitStorageRecords(submit) => Some(submit.device_id),
        Command::WithdrawStorageRecords(withdraw) => Some(withdraw.device_id),
        Command::FixStorageEfficiency(fix) => Some(fix.device_id),
        Command::AllocateStorage(allocate) => Some(allocate.device_id),
        Command::AllocateRows(allocate) => Some(allocate.device_id),
        Command::IssueForStorage(issue) => Some(issue.device_id),
        Command::AcceptEnvelope(accept) => Some(accept.payload.device_id),
        _ => None,
    }
}

/// Checks that the account of the device that a command acts for is in use.
pub(crate) fn check_device(entries: &impl Entries, command: &Command) -> Result<(), Refusal> {
    let Some(device_id) = device_of(command) else {
        return Ok(());
    };
    let Some(device) = get::device(entries, device_id)? else {
        return Ok(());
    };
    match get::account(entries, device.account_id)? {
        Some(account) => check(device.account_id, account),
        None => Ok(()),
    }
}

fn checked_reason(reason: Option<&str>, is_needed: bool) -> Result<Option<String>, Refusal> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let length = reason.map_or(0, |reason| reason.chars().count());
    if length > MAX_REASON_CHARS || is_needed && length == 0 {
        let least = usize::from(is_needed);
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("reason must have {least} to {MAX_REASON_CHARS} characters"),
        )
        .at("/reason"));
    }
    Ok(reason.map(str::to_owned))
}

pub(crate) fn change(
    entries: &impl Entries,
    change: &ChangeStanding,
) -> Result<LedgerEvent, Refusal> {
    if change.step == AccountStep::Close {
        return close(entries, change.account_id);
    }
    let account = existing(entries, change.account_id)?;
    let reason = checked_reason(
        change.reason.as_deref(),
        change.step == AccountStep::Suspend,
    )?;
    Ok(AccountStandingChanged {
        account_id: change.account_id,
        state: step(change.account_id, account, change.step)?,
        transfer_disabled: account.transfer_disabled,
        reason,
    }
    .into())
}

pub(crate) fn change_transfers(
    entries: &impl Entries,
    change: &ChangeTransfers,
) -> Result<Decision, Refusal> {
    let account = not_closed(entries, change.account_id)?;
    let reason = checked_reason(change.reason.as_deref(), false)?;
    if account.transfer_disabled == change.disabled {
        return Ok(Decision::default());
    }
    let event = AccountStandingChanged {
        account_id: change.account_id,
        state: account.state(),
        transfer_disabled: change.disabled,
        reason,
    };
    Ok(LedgerEvent::from(event).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_row_and_closed_is_final() {
        for step in AccountStep::ALL {
            let row = TABLE[*step as usize];
            assert_eq!(row.step, *step);
            assert!(!row.from.contains(&State::Closed), "{step}");
        }
    }
}
