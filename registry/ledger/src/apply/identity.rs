//! Folding the events of people.

use super::Fold;
use crate::entry::{Entry, IdentityCounters, User};
use crate::key::{Key, name_digest};
use crate::state::NotLoaded;
use schemas::event::IdentityEvent;

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
                        api_keys: Vec::new(),
                    }),
                );
                self.create(Key::Email(email), Entry::Email(event.user_id));
                let next = event.user_id.plus(1);
                if let Some(slot) = self.changes.edit(Key::IdentityCounters, self.position)? {
                    *slot = Some(Entry::IdentityCounters(IdentityCounters { user: next }));
                }
                Ok(())
            }
            IdentityEvent::UserUpdated(event) => {
                let email = event.changes.email.as_deref().map(name_digest);
                if let Some(email) = email.filter(|email| *email != event.previous_email) {
                    self.changes
                        .forget(Key::Email(event.previous_email), self.position);
                    self.create(Key::Email(email), Entry::Email(event.user_id));
                }
                if let Some(Some(Entry::User(user))) =
                    self.changes.edit(Key::User(event.user_id), self.position)?
                {
                    user.role = event.changes.role.unwrap_or(user.role);
                    user.email = email.unwrap_or(user.email);
                }
                Ok(())
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
            IdentityEvent::UserRemoved(event) => {
                self.changes.forget(Key::Email(event.email), self.position);
                if let Some(Some(Entry::User(user))) =
                    self.changes.edit(Key::User(event.user_id), self.position)?
                {
                    user.is_removed = true;
                }
                Ok(())
            }
        }
    }
}
