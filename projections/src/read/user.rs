//! People.

use super::entity::{Entities, Entity};
use chrono::{DateTime, Utc};
use schemas::event::IdentityEvent;
use schemas::event::identity::UserChanges;
use schemas::id::{OrganisationId, UserId};
use schemas::life_cycle::Role;
use schemas::log::Position;
use schemas::person::{erased_email, erased_name};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Serialize, Deserialize)]
pub(super) struct User {
    user_id: UserId,
    name: String,
    email: String,
    role: i64,
    organisation: Option<String>,
    password_hash: Option<String>,
    second_factor: Option<String>,
    is_deleted: bool,
    created_at: DateTime<Utc>,
    position: Position,
    organisation_id: Option<OrganisationId>,
    manages_organisation: bool,
    is_erased: bool,
}

/// Shows neither e-mail nor hash: it may end up in a log line.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl Entity for User {
    const TABLE: &'static str = "registry_user";
    const COLUMNS: &'static [&'static str] = &[
        "user_id",
        "name",
        "email",
        "role",
        "organisation",
        "password_hash",
        "second_factor",
        "is_deleted",
        "created_at",
        "position",
        "organisation_id",
        "manages_organisation",
        "is_erased",
    ];

    fn id(&self) -> i64 {
        self.user_id.0
    }
}

impl User {
    fn change(&mut self, changes: &UserChanges) {
        fn set<T: Clone>(field: &mut T, change: &Option<T>) {
            if let Some(change) = change {
                field.clone_from(change);
            }
        }
        set(&mut self.name, &changes.name);
        set(&mut self.email, &changes.email);
        set(&mut self.role, &changes.role.map(Role::number));
        if changes.organisation.is_some() {
            self.organisation.clone_from(&changes.organisation);
        }
        if changes.password_hash.is_some() {
            self.password_hash.clone_from(&changes.password_hash);
        }
    }
}

impl Entities<User> {
    /// The organisation they belong to from here on, and whether they manage it.
    fn belongs(
        &mut self,
        user_id: UserId,
        (organisation_id, manages): (Option<OrganisationId>, bool),
        position: Position,
    ) {
        if let Some(user) = self.edit(user_id.0) {
            user.organisation_id = organisation_id;
            user.manages_organisation = manages;
            user.position = position;
        }
    }

    pub(super) fn fold(&mut self, event: &IdentityEvent, at: DateTime<Utc>, position: Position) {
        match event {
            IdentityEvent::UserRegistered(event) => {
                let profile = event.profile.clone();
                self.insert(User {
                    user_id: event.user_id,
                    name: profile.name,
                    email: profile.email,
                    role: profile.role.number(),
                    organisation: profile.organisation,
                    password_hash: profile.password_hash,
                    second_factor: None,
                    is_deleted: false,
                    created_at: at,
                    position,
                    organisation_id: None,
                    manages_organisation: false,
                    is_erased: false,
                });
            }
            IdentityEvent::UserUpdated(event) => {
                if let Some(user) = self.edit(event.user_id.0) {
                    user.change(&event.changes);
                    user.position = position;
                }
            }
            // Rows of their own.
            IdentityEvent::ApiKeyIssued(_)
            | IdentityEvent::ApiKeyRevoked(_)
            | IdentityEvent::OrganisationFounded(_)
            | IdentityEvent::OrganisationUpdated(_)
            | IdentityEvent::OrganisationClosed(_)
            | IdentityEvent::InvitationIssued(_)
            | IdentityEvent::InvitationRevoked(_) => {}
            IdentityEvent::InvitationAccepted(event) => {
                let of = (Some(event.organisation_id), event.manages);
                self.belongs(event.user_id, of, position);
            }
            IdentityEvent::OrganisationManagerChanged(event) => {
                let of = (Some(event.organisation_id), event.manages);
                self.belongs(event.user_id, of, position);
            }
            IdentityEvent::OrganisationLeft(event) => {
                self.belongs(event.user_id, (None, false), position);
            }
            IdentityEvent::UserErased(event) => {
                if let Some(user) = self.edit(event.user_id.0) {
                    user.name = erased_name(event.user_id);
                    user.email = erased_email(event.user_id);
                    user.organisation = None;
                    user.password_hash = None;
                    user.second_factor = None;
                    user.is_deleted = true;
                    user.is_erased = true;
                    user.position = position;
                }
            }
            IdentityEvent::UserRemoved(event) => {
                if let Some(user) = self.edit(event.user_id.0) {
                    user.is_deleted = true;
                    user.position = position;
                }
            }
            IdentityEvent::SecondFactorAdded(event) => {
                if let Some(user) = self.edit(event.user_id.0) {
                    user.second_factor = Some(event.sealed.clone());
                    user.position = position;
                }
            }
            IdentityEvent::SecondFactorRemoved(event) => {
                if let Some(user) = self.edit(event.user_id.0) {
                    user.second_factor = None;
                    user.position = position;
                }
            }
            // Which codes are used up is for the ledger to know.
            IdentityEvent::SecondFactorUsed(_) => {}
            // Written straight from the events.
            IdentityEvent::SessionOpened(_)
            | IdentityEvent::SessionRefreshed(_)
            | IdentityEvent::SessionsEnded(_)
            | IdentityEvent::SigningKeyAdded(_)
            | IdentityEvent::IdentityLinked(_)
            | IdentityEvent::IdentityUnlinked(_) => {}
        }
    }
}
