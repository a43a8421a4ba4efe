//! Folding the events of identities elsewhere.

use super::Fold;
use crate::entry::Entry;
use crate::key::{Key, identity_digest};
use crate::state::NotLoaded;
use schemas::event::link::{IdentityLinked, IdentityUnlinked};

impl Fold<'_, '_> {
    pub(super) fn identity_linked(&mut self, event: &IdentityLinked) -> Result<(), NotLoaded> {
        let digest = identity_digest(&event.identity);
        self.create(Key::Identity(digest), Entry::Identity(event.user_id));
        self.user(event.user_id, |user| user.identities.push(digest))
    }

    pub(super) fn identity_unlinked(&mut self, event: &IdentityUnlinked) -> Result<(), NotLoaded> {
        let digest = identity_digest(&event.identity);
        self.changes.forget(Key::Identity(digest), self.position);
        self.user(event.user_id, |user| {
            user.identities.retain(|one| *one != digest);
        })
    }
}
