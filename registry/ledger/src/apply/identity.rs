//! Folding the events of people.

use super::Fold;
use crate::entry::{Entry, SecondFactor, User};
use crate::key::{Key, name_digest, password_digest};
use crate::state::NotLoaded;
use crate::user::manages_users;
use schemas::event::IdentityEvent;
use schemas::id::UserId;
use schemas::life_cycle::Role;
use uuid::Uuid;

impl Fold<'_, '_> {
    pub(super) fn identity(&mut self, event: &IdentityEvent) -> Result<(), NotLoaded> {
        match event {
            IdentityEvent::UserRegistered(event) => {
                let email = name_digest(&event.profile.email);
                self.create(
                    Key::User(event.user_id),
                    Entry::User(User {
                        role: event.profile.role,
                        email,
                        is_removed: false,
                        is_erased: false,
                        api_keys: Vec::new(),
                        sessions: Vec::new(),
                        password: event.profile.password_hash.as_deref().map(password_digest),
                        second_factor: None,
                        second_factor_removed: None,
                        organisation: None,
                        identities: Vec::new(),
                    }),
                );
                self.create(Key::Email(email), Entry::Email(event.user_id));
                let next = event.user_id.plus(1);
                self.identity_counters(|counters| counters.user = next)?;
                self.administrates(event.user_id, event.profile.role)
            }
            IdentityEvent::UserUpdated(event) => {
                let email = event.changes.email.as_deref().map(name_digest);
                if let Some(email) = email.filter(|email| *email != event.previous_email) {
                    self.changes
                        .forget(Key::Email(event.previous_email), self.position);
                    self.create(Key::Email(email), Entry::Email(event.user_id));
                }
                let mut held = None;
                self.user(event.user_id, |user| {
                    user.role = event.changes.role.unwrap_or(user.role);
                    if let Some(email) = email.filter(|email| *email != user.email) {
                        held = Some(std::mem::replace(&mut user.email, email));
                    }
                    if let Some(hash) = &event.changes.password_hash {
                        user.password = Some(password_digest(hash));
                    }
                })?;
                // As the event says, unless that can not be read any more.
                self.give_up(held.map(Key::Email))?;
                match event.changes.role {
                    Some(role) => self.administrates(event.user_id, role),
                    None => Ok(()),
                }
            }
            IdentityEvent::ApiKeyIssued(event) => {
                if let Some(Some(Entry::User(user))) =
                    self.changes.edit(Key::User(event.user_id), self.position)?
                {
                    user.api_keys.push(event.key_id);
                }
                Ok(())
            }
            IdentityEvent::ApiKeyRevoked(event) => {
                if let Some(Some(Entry::User(user))) =
                    self.changes.edit(Key::User(event.user_id), self.position)?
                {
                    user.api_keys.retain(|key_id| *key_id != event.key_id);
                }
                Ok(())
            }
            IdentityEvent::OrganisationFounded(event) => self.organisation_founded(event),
            IdentityEvent::OrganisationUpdated(event) => self.organisation_updated(event),
            IdentityEvent::OrganisationClosed(event) => self.organisation_closed(event),
            IdentityEvent::OrganisationLeft(event) => self.organisation_left(event),
            IdentityEvent::OrganisationManagerChanged(event) => self.manager_changed(event),
            IdentityEvent::InvitationIssued(event) => self.invitation_issued(event),
            IdentityEvent::InvitationRevoked(event) => self.invitation_revoked(event),
            IdentityEvent::InvitationAccepted(event) => self.invitation_accepted(event),
            IdentityEvent::UserRemoved(event) => {
                self.changes.forget(Key::Email(event.email), self.position);
                let mut held = None;
                self.user(event.user_id, |user| {
                    user.is_removed = true;
                    held = Some(user.email);
                })?;
                self.give_up(held.map(Key::Email))?;
                self.administrates_no_longer(event.user_id)
            }
            IdentityEvent::UserErased(event) => self.user_erased(event.user_id),
            IdentityEvent::SessionOpened(event) => self.session_opened(event),
            IdentityEvent::SessionRefreshed(event) => self.session_refreshed(event),
            IdentityEvent::SessionsEnded(event) => self.sessions_ended(event),
            IdentityEvent::SecondFactorAdded(event) => self.user(event.user_id, |user| {
                user.second_factor = Some(Box::new(SecondFactor {
                    last_step: event.step,
                    recovery: event.recovery.clone(),
                    offered: event.offered,
                }));
            }),
            IdentityEvent::SecondFactorUsed(event) => self.user(event.user_id, |user| {
                if let Some(factor) = &mut user.second_factor {
                    factor.spend(event.proof);
                }
            }),
            IdentityEvent::SecondFactorRemoved(event) => {
                let removed = self.position;
                self.user(event.user_id, |user| {
                    let factor = user.second_factor.take();
                    if factor.is_some_and(|factor| factor.offered.is_some()) {
                        user.second_factor_removed = Some(removed);
                    }
                })
            }
            IdentityEvent::IdentityLinked(event) => self.identity_linked(event),
            IdentityEvent::IdentityUnlinked(event) => self.identity_unlinked(event),
            IdentityEvent::SigningKeyAdded(event) => {
                self.identity_counters(|counters| counters.signing_key = Some(event.key_id))
            }
        }
    }

    /// The entries are nobody's from here on.
    pub(super) fn give_up(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), NotLoaded> {
        for key in keys {
            self.changes.forget(key, self.position);
        }
        Ok(())
    }

    /// Whether the user is among who manages users from here on.
    fn administrates(&mut self, user_id: UserId, role: Role) -> Result<(), NotLoaded> {
        if !manages_users(role) {
            return self.administrates_no_longer(user_id);
        }
        self.identity_counters(|counters| {
            counters.administrators.insert(user_id);
        })
    }

    fn administrates_no_longer(&mut self, user_id: UserId) -> Result<(), NotLoaded> {
        self.identity_counters(|counters| {
            counters.administrators.remove(&user_id);
        })
    }

    /// What they held is known from their own entry: the log does not say it any more.
    fn user_erased(&mut self, user_id: UserId) -> Result<(), NotLoaded> {
        let mut held = Vec::new();
        self.user(user_id, |user| {
            // The address of who was removed may be somebody else's by now.
            if !user.is_removed {
                held.push(Key::Email(user.email));
            }
            held.extend(user.identities.drain(..).map(Key::Identity));
            user.is_removed = true;
            user.is_erased = true;
            user.password = None;
            user.second_factor = None;
            user.email = Uuid::nil();
        })?;
        self.give_up(held)?;
        self.administrates_no_longer(user_id)
    }
}
