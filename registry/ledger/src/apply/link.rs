//! Folding the events of identities elsewhere.

use super::Fold;
use crate::entry::Entry;
use crate::key::{Key, identity_digest};
use crate::state::NotLoaded;
use schemas::event::link::{IdentityLinked, IdentityUnlinked};
use schemas::id::UserId;

impl Fold<'_, '_> {
    pub(super) fn identity_linked(&mut self, event: &IdentityLinked) -> Result<(), NotLoaded> {
        if event.identity.is_erased() {
            return self.user(event.user_id, |_| {});
        }
        let digest = identity_digest(&event.identity);
        self.create(Key::Identity(digest), Entry::Identity(event.user_id));
        self.user(event.user_id, |user| user.identities.push(digest))
    }

    pub(super) fn identity_unlinked(&mut self, event: &IdentityUnlinked) -> Result<(), NotLoaded> {
        if event.identity.is_erased() {
            return self.unlinked_from_all(event.user_id);
        }
        let digest = identity_digest(&event.identity);
        self.changes.forget(Key::Identity(digest), self.position);
        self.user(event.user_id, |user| {
            user.identities.retain(|one| *one != digest);
        })
    }

    /// Which one it was is not known any more. Whose it was is erased by a later event, and somebody else may have it
    /// until then.
    fn unlinked_from_all(&mut self, user_id: UserId) -> Result<(), NotLoaded> {
        let mut held = Vec::new();
        self.user(user_id, |user| held.append(&mut user.identities))?;
        self.give_up(held.into_iter().map(Key::Identity))
    }
}
