//! Rules of certificate accounts.

use crate::command::{
    AccountStep, AssignAccount, ChangeMembers, OpenAccount, UpdateAccount, UpdateWhitelist,
};
use crate::decide::Decision;
use crate::entry::Account;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::standing;
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::account::{
    AccountAssigned, AccountClosed, AccountOpened, AccountUpdated, OwnerClosed, WhitelistChanged,
};
use schemas::id::{AccountId, OrganisationId, UserId};
use std::collections::BTreeSet;

/// Longest name of an account, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Most members an account may have.
pub const MAX_USERS: usize = 1_000;
/// Most accounts one whitelist may hold.
pub const MAX_WHITELIST: usize = 10_000;

/// The account, and what whoever owns it owns: that changes with it.
pub(crate) fn needed(entries: &impl Entries, account_id: AccountId, keys: &mut Vec<Key>) {
    keys.push(Key::Account(account_id));
    if let Ok(Some(account)) = get::account(entries, account_id) {
        keys.extend(account.organisation_id.map(Key::Owner));
    }
}

/// The account, open or closed.
pub(crate) fn existing(entries: &impl Entries, account_id: AccountId) -> Result<&Account, Refusal> {
    get::account(entries, account_id)?.ok_or_else(|| {
        Refusal::new(
            Code::AccountNotFound,
            format!("Account with id {account_id} not found"),
        )
    })
}

/// The account, which must be open and in use.
pub(crate) fn open_account(
    entries: &impl Entries,
    account_id: AccountId,
) -> Result<&Account, Refusal> {
    let account = existing(entries, account_id)?;
    if account.is_closed {
        return Err(Refusal::new(
            Code::AccountClosed,
            format!("Cannot update deleted accounts. Account {account_id} is closed."),
        ));
    }
    standing::check(account_id, account)?;
    Ok(account)
}

fn checked_name(
    entries: &impl Entries,
    name: &str,
    holder: Option<AccountId>,
) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("account_name must have 1 to {MAX_NAME_CHARS} characters"),
        )
        .at("/account_name"));
    }
    match get::account_name(entries, name)? {
        Some(taken) if Some(*taken) != holder => Err(Refusal::new(
            Code::AccountNameTaken,
            "Account name already exists in the database.",
        )
        .at("/account_name")),
        _ => Ok(name.to_owned()),
    }
}

fn checked_users(user_ids: &[UserId]) -> Result<Vec<UserId>, Refusal> {
    let mut seen = BTreeSet::new();
    let users: Vec<_> = user_ids
        .iter()
        .copied()
        .filter(|user| seen.insert(*user))
        .collect();
    if users.is_empty() {
        return Err(Refusal::new(
            Code::AccountWithoutUsers,
            "an account needs at least one user, or nobody could ever act for it",
        )
        .at("/user_ids"));
    }
    if users.len() > MAX_USERS {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("an account has at most {MAX_USERS} users"),
        )
        .at("/user_ids"));
    }
    Ok(users)
}

/// Checks that the organisation can be given an account.
fn check_owner(entries: &impl Entries, owner: Option<OrganisationId>) -> Result<(), Refusal> {
    let Some(organisation_id) = owner else {
        return Ok(());
    };
    if get::owner(entries, organisation_id)?.is_some_and(|owner| owner.is_closed) {
        return Err(Refusal::new(
            Code::OrganisationClosed,
            format!("organisation {organisation_id} is closed"),
        )
        .at("/organisation_id"));
    }
    Ok(())
}

/// The organisation is given no account from here on. What is so already is no event.
pub(crate) fn close_owner(
    entries: &impl Entries,
    organisation_id: OrganisationId,
) -> Result<Decision, Refusal> {
    let owner = get::owner(entries, organisation_id)?.copied();
    let owner = owner.unwrap_or_default();
    if owner.accounts > 0 {
        return Err(Refusal::new(
            Code::OrganisationHasAccounts,
            format!(
                "organisation {organisation_id} owns {} open accounts; close or assign them first",
                owner.accounts
            ),
        ));
    }
    if owner.is_closed {
        return Ok(Decision::default());
    }
    Ok(LedgerEvent::from(OwnerClosed { organisation_id }).into())
}

pub(crate) fn open(entries: &impl Entries, open: &OpenAccount) -> Result<LedgerEvent, Refusal> {
    check_owner(entries, open.organisation_id)?;
    Ok(AccountOpened {
        account_id: get::counters(entries)?.account,
        account_name: checked_name(entries, &open.account_name, None)?,
        user_ids: checked_users(&open.user_ids)?,
        is_requested: open.is_requested,
        organisation_id: open.organisation_id,
    }
    .into())
}

pub(crate) fn update(
    entries: &impl Entries,
    update: &UpdateAccount,
) -> Result<LedgerEvent, Refusal> {
    let account = open_account(entries, update.account_id)?;
    let account_name = match &update.account_name {
        Some(name) => checked_name(entries, name, Some(update.account_id))?,
        None => account.account_name.clone(),
    };
    let user_ids = match &update.user_ids {
        Some(users) => checked_users(users)?,
        None => account.user_ids.clone(),
    };
    Ok(AccountUpdated {
        account_id: update.account_id,
        previous_name: account.account_name.clone(),
        account_name,
        user_ids,
    }
    .into())
}

/// What is so already is no event.
pub(crate) fn assign(entries: &impl Entries, assign: &AssignAccount) -> Result<Decision, Refusal> {
    let account = standing::not_closed(entries, assign.account_id)?;
    if account.organisation_id == assign.organisation_id {
        return Ok(Decision::default());
    }
    check_owner(entries, assign.organisation_id)?;
    let event = AccountAssigned {
        account_id: assign.account_id,
        organisation_id: assign.organisation_id,
        previous_organisation_id: account.organisation_id,
    };
    Ok(LedgerEvent::from(event).into())
}

/// The organisation's members of an account change. What is so already is no event.
pub(crate) fn change_members(
    entries: &impl Entries,
    change: &ChangeMembers,
) -> Result<Decision, Refusal> {
    let account = existing(entries, change.account_id)?;
    if account.organisation_id != Some(change.organisation_id) {
        return Err(Refusal::new(
            Code::AccountNotFound,
            format!(
                "organisation {} has no account with id {}",
                change.organisation_id, change.account_id
            ),
        ));
    }
    let account = open_account(entries, change.account_id)?;
    let mut members = account.user_ids.clone();
    members.retain(|user_id| !change.remove.contains(user_id));
    members.extend(&change.add);
    let members = checked_users(&members)?;
    if members == account.user_ids {
        return Ok(Decision::default());
    }
    let event = AccountUpdated {
        account_id: change.account_id,
        previous_name: account.account_name.clone(),
        account_name: account.account_name.clone(),
        user_ids: members,
    };
    Ok(LedgerEvent::from(event).into())
}

pub(crate) fn update_whitelist(
    entries: &impl Entries,
    update: &UpdateWhitelist,
) -> Result<LedgerEvent, Refusal> {
    let account = open_account(entries, update.account_id)?;
    let mut listed: BTreeSet<_> = account.whitelist.iter().copied().collect();
    for (index, removed) in update.remove.iter().enumerate() {
        if !listed.remove(removed) {
            return Err(Refusal::new(
                Code::WhitelistMissing,
                format!("Account ID to remove not found: {removed}"),
            )
            .at(format!("/remove_from_whitelist/{index}")));
        }
    }
    for (index, added) in update.add.iter().enumerate() {
        let at = format!("/add_to_whitelist/{index}");
        if *added == update.account_id {
            return Err(Refusal::new(
                Code::WhitelistSelf,
                "Cannot add an account to its own whitelist.",
            )
            .at(at));
        }
        if get::account(entries, *added)?.is_none_or(|account| account.is_closed) {
            return Err(Refusal::new(
                Code::AccountNotFound,
                format!("Account ID to add not found: {added}"),
            )
            .at(at));
        }
        if !listed.insert(*added) {
            return Err(Refusal::new(
                Code::WhitelistRepeated,
                format!("Account ID {added} is already in the whitelist."),
            )
            .at(at));
        }
    }
    if listed.len() > MAX_WHITELIST {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a whitelist holds at most {MAX_WHITELIST} accounts"),
        )
        .at("/add_to_whitelist"));
    }
    Ok(WhitelistChanged {
        account_id: update.account_id,
        added: update.add.clone(),
        removed: update.remove.clone(),
    }
    .into())
}

pub(crate) fn close(entries: &impl Entries, account_id: AccountId) -> Result<LedgerEvent, Refusal> {
    let account = existing(entries, account_id)?;
    standing::step(account_id, account, AccountStep::Close)?;
    if account.live_wh.0 != 0 || account.devices != 0 {
        return Err(Refusal::new(
            Code::AccountNotEmpty,
            format!(
                "Account {account_id} still holds {} in live certificates and {} devices; move or retire them first",
                account.live_wh, account.devices
            ),
        ));
    }
    Ok(AccountClosed {
        account_id,
        organisation_id: account.organisation_id,
    }
    .into())
}
