//! What a bundle is at a point of its history.

use ledger::state_machine::{Outcome, transition};
use schemas::id::AccountId;
use schemas::life_cycle::{ActionType, CertificateStatus};

/// Who may claim what was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimant {
    /// The account that cancelled.
    Holder,
    /// The account of the beneficiary.
    Account(AccountId),
    /// The reader may not see who.
    Hidden,
}

/// State and holder of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    pub account_id: AccountId,
    pub status: CertificateStatus,
    locked_from: Option<CertificateStatus>,
    pub claimant: Claimant,
}

impl Life {
    /// As issued to an account.
    pub(super) const fn issued_to(account_id: AccountId) -> Self {
        Self {
            account_id,
            status: CertificateStatus::Active,
            locked_from: None,
            claimant: Claimant::Holder,
        }
    }

    /// Follows an action that is taken as allowed.
    pub(super) fn act(&mut self, action: ActionType, to: Option<AccountId>, claimant: Claimant) {
        let before = self.status;
        match transition(action).outcome {
            Outcome::Stays => {}
            Outcome::Becomes(status) => self.status = status,
            Outcome::Returns => {
                self.status = self.locked_from.take().unwrap_or(CertificateStatus::Active);
            }
        }
        match action {
            ActionType::Lock => self.locked_from = Some(before),
            ActionType::Cancel => self.claimant = claimant,
            _ => {}
        }
        if let Some(to) = to {
            self.account_id = to;
        }
    }
}
