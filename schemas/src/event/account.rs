//! Events of a certificate account.

use crate::id::{AccountId, OrganisationId, UserId};
use crate::life_cycle::AccountState;
use serde::{Deserialize, Serialize};

/// An account exists from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOpened {
    /// The new account.
    pub account_id: AccountId,
    /// Its name, unique without regard to case.
    pub account_name: String,
    /// Its members, in the order given, each once.
    pub user_ids: Vec<UserId>,
    /// Whether it has to be approved before it is used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_requested: bool,
    /// Whose it is, where it is an organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<OrganisationId>,
}

/// The name or the members of an account changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUpdated {
    /// The account.
    pub account_id: AccountId,
    /// Its name so far, free from here on if it changed.
    pub previous_name: String,
    /// Its name from here on.
    pub account_name: String,
    /// Its members from here on.
    pub user_ids: Vec<UserId>,
}

/// The account accepts transfers from other accounts than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhitelistChanged {
    /// The account that receives.
    pub account_id: AccountId,
    /// Accounts that may send to it from here on.
    pub added: Vec<AccountId>,
    /// Accounts that may no longer.
    pub removed: Vec<AccountId>,
}

/// The account is closed; nothing can enter or leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountClosed {
    /// The account.
    pub account_id: AccountId,
    /// Whose it was, where it was an organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<OrganisationId>,
}

/// The issuing body approved, suspended or reinstated an account, or stopped its transfers or let them go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStandingChanged {
    /// The account.
    pub account_id: AccountId,
    /// Its state from here on; never closed.
    pub state: AccountState,
    /// Whether certificates can neither leave nor enter it by transfer or export from here on.
    pub transfer_disabled: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The account is another organisation's from here on, or none's. Who may act for it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAssigned {
    /// The account.
    pub account_id: AccountId,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<OrganisationId>,
    /// Whose it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_organisation_id: Option<OrganisationId>,
}

/// The organisation, which owns no account that is open, is given none from here on: it is about to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerClosed {
    /// The organisation.
    pub organisation_id: OrganisationId,
}
