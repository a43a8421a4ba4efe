//! Organisations and invitations into them.

use chrono::{DateTime, Utc};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An organisation, without what is known of it: that is known to the READ database only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Digest of its business id.
    pub business_id: Uuid,
    /// Whether it is closed.
    pub is_closed: bool,
    /// Digests of the codes of its invitations that were neither accepted nor revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invitations: Vec<Uuid>,
    /// Who manages it, in the order they began. Some may have been removed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<UserId>,
}

/// What an organisation is to the ledger, under `Key::Owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Owner {
    /// Open accounts that it owns.
    pub accounts: u64,
    /// Whether it is given none any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_closed: bool,
}

impl Owner {
    pub(crate) const fn gain(&mut self) {
        self.accounts += 1;
    }

    pub(crate) const fn lose(&mut self) {
        self.accounts = self.accounts.saturating_sub(1);
    }
}

/// What a user is to an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Whether they manage it.
    pub manages: bool,
}

/// An invitation, under the digest of its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The invitation.
    pub invitation_id: Uuid,
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Role of a user who is registered by accepting.
    pub role: Role,
    /// Whether they manage the organisation from then on.
    pub manages: bool,
    /// Accounts that they become a member of.
    pub account_ids: Vec<AccountId>,
    /// Who invites.
    pub inviter_id: UserId,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// What ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<InvitationEnd>,
}

/// What ended an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitationEnd {
    /// Somebody joined with it.
    Accepted,
    /// It was taken back.
    Revoked,
}
