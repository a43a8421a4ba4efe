//! Events of organisations, of who belongs to them and of invitations into them. They are in the identity
//! stream, because who is to be written to is a person.

use crate::id::{AccountId, OrganisationId, UserId};
use crate::life_cycle::Role;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An organisation exists from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationFounded {
    /// The new organisation.
    pub organisation_id: OrganisationId,
    /// What is known of it.
    pub details: OrganisationDetails,
}

/// What is known of an organisation changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationUpdated {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Digest of the business id it had; that is free if the id changed.
    pub previous_business_id: Uuid,
    /// What is different from here on.
    pub changes: OrganisationChanges,
}

/// Nobody acts for the organisation any more; who belonged to it may join another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationClosed {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Digest of its business id, free from here on.
    pub business_id: Uuid,
}

/// A user belongs to the organisation no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationLeft {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Who left.
    pub user_id: UserId,
}

/// A user of the organisation manages it from here on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationManagerChanged {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Who.
    pub user_id: UserId,
    /// Whether they manage it.
    pub manages: bool,
}

/// Who knows the code may join the organisation from here on. The event does not tell the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationIssued {
    /// The invitation.
    pub invitation_id: Uuid,
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Digest of the code, which is shown once.
    pub code: Uuid,
    /// Role of a user who is registered by accepting.
    pub role: Role,
    /// Whether they manage the organisation from then on.
    pub manages: bool,
    /// Accounts of the organisation that they become a member of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_ids: Vec<AccountId>,
    /// Who invites. The invitation is good for as long as they might invite so.
    pub inviter_id: UserId,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// The invitation is good no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRevoked {
    /// The invitation.
    pub invitation_id: Uuid,
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Digest of the code.
    pub code: Uuid,
}

/// A user belongs to the organisation from here on, and the invitation is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationAccepted {
    /// The invitation.
    pub invitation_id: Uuid,
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Digest of the code.
    pub code: Uuid,
    /// Who joins.
    pub user_id: UserId,
    /// Whether they manage the organisation.
    pub manages: bool,
}

/// What is known of an organisation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationDetails {
    /// Name.
    pub name: String,
    /// Its number in the register of companies or the like, unique without regard to case.
    pub business_id: String,
    /// Postal address.
    pub address: String,
    /// Whom to write to: a person, or an office.
    pub contact: String,
}

/// What of an organisation changed; what is `None` stayed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrganisationChanges {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New business id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<String>,
    /// New address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// New contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Shows nothing of whom to write to: it may end up in a log line.
impl std::fmt::Debug for OrganisationDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrganisationDetails")
            .finish_non_exhaustive()
    }
}

/// As little.
impl std::fmt::Debug for OrganisationChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrganisationChanges")
            .finish_non_exhaustive()
    }
}
