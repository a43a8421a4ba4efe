//! What can be asked about organisations.

use chrono::{DateTime, Utc};
use schemas::event::identity::UserProfile;
use schemas::event::organisation::OrganisationChanges;
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;

/// See [`super::Command::UpdateOrganisation`].
#[derive(Debug, Clone)]
pub struct UpdateOrganisation {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// What is different from here on.
    pub changes: OrganisationChanges,
}

/// See [`super::Command::LeaveOrganisation`].
#[derive(Debug, Clone, Copy)]
pub struct LeaveOrganisation {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Who leaves.
    pub user_id: UserId,
}

/// See [`super::Command::ChangeManager`].
#[derive(Debug, Clone, Copy)]
pub struct ChangeManager {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Who.
    pub user_id: UserId,
    /// Whether they manage it from here on.
    pub manages: bool,
}

/// See [`super::Command::IssueInvitation`].
#[derive(Debug, Clone)]
pub struct IssueInvitation {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// Id of the invitation.
    pub invitation_id: Uuid,
    /// Digest of its code.
    pub code: Uuid,
    /// Role of a user who is registered by accepting.
    pub role: Role,
    /// Whether they manage the organisation from then on.
    pub manages: bool,
    /// Accounts that they become a member of; the caller has checked that they are the organisation's.
    pub account_ids: Vec<AccountId>,
    /// Who invites.
    pub inviter_id: UserId,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// See [`super::Command::RevokeInvitation`].
#[derive(Debug, Clone, Copy)]
pub struct RevokeInvitation {
    /// Digest of its code.
    pub code: Uuid,
}

/// See [`super::Command::AcceptInvitation`].
#[derive(Debug, Clone)]
pub struct AcceptInvitation {
    /// Digest of its code.
    pub code: Uuid,
    /// Who accepts.
    pub guest: Guest,
}

/// Who accepts an invitation.
#[derive(Debug, Clone)]
pub enum Guest {
    /// Somebody who is registered by accepting, in the invitation's role whatever the profile says.
    New(UserProfile),
    /// A user, who keeps their role.
    Known(UserId),
}

/// See [`super::Command::AssignAccount`].
#[derive(Debug, Clone, Copy)]
pub struct AssignAccount {
    /// The account.
    pub account_id: AccountId,
    /// Whose it is from here on; the caller has checked that the organisation is there.
    pub organisation_id: Option<OrganisationId>,
}

/// See [`super::Command::ChangeMembers`].
#[derive(Debug, Clone)]
pub struct ChangeMembers {
    /// The account.
    pub account_id: AccountId,
    /// Whose it must be.
    pub organisation_id: OrganisationId,
    /// Who may act for it from here on; the caller has checked that they belong to the organisation.
    pub add: Vec<UserId>,
    /// Who may no longer.
    pub remove: Vec<UserId>,
}
