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
