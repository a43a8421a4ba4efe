//! Commands about accounts.

use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::AccountStep;

/// See [`crate::Command::OpenAccount`].
#[derive(Debug, Clone)]
pub struct OpenAccount {
    /// Name, unique without regard to case.
    pub account_name: String,
    /// Members; the caller has checked that they exist.
    pub user_ids: Vec<UserId>,
    /// Whether the issuing body has to approve it before it is used.
    pub is_requested: bool,
    /// The organisation that owns it; the caller has checked that it is there.
    pub organisation_id: Option<OrganisationId>,
}

/// See [`crate::Command::ChangeStanding`].
#[derive(Debug, Clone)]
pub struct ChangeStanding {
    /// The account.
    pub account_id: AccountId,
    /// What becomes of it.
    pub step: AccountStep,
    /// Why; needed to suspend.
    pub reason: Option<String>,
}

/// See [`crate::Command::ChangeTransfers`].
#[derive(Debug, Clone)]
pub struct ChangeTransfers {
    /// The account.
    pub account_id: AccountId,
    /// Whether certificates can neither leave nor enter it by transfer or export.
    pub disabled: bool,
    /// Why.
    pub reason: Option<String>,
}

/// See [`crate::Command::UpdateAccount`]; what is `None` stays.
#[derive(Debug, Clone)]
pub struct UpdateAccount {
    /// The account.
    pub account_id: AccountId,
    /// New name.
    pub account_name: Option<String>,
    /// New members, replacing all.
    pub user_ids: Option<Vec<UserId>>,
}

/// See [`crate::Command::UpdateWhitelist`]; all or nothing.
#[derive(Debug, Clone)]
pub struct UpdateWhitelist {
    /// The receiving account.
    pub account_id: AccountId,
    /// Accounts that may send from here on.
    pub add: Vec<AccountId>,
    /// Accounts that may no longer.
    pub remove: Vec<AccountId>,
}
