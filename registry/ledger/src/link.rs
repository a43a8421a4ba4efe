//! Rules of users whom other servers sign in. That somebody is whom the server says is proven before.

use crate::decide::Decision;
use crate::key::{Key, identity_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::user;
use schemas::event::IdentityEvent;
use schemas::event::identity::UserProfile;
use schemas::event::link::{ExternalIdentity, IdentityLinked, IdentityUnlinked};
use schemas::id::UserId;

/// Identities of one user.
pub const MAX_IDENTITIES: usize = 10;

/// See [`crate::Command::AdmitUser`].
#[derive(Debug, Clone)]
pub struct AdmitUser {
    /// What is known of them.
    pub profile: UserProfile,
    /// Who they are to the other server.
    pub identity: ExternalIdentity,
}

/// See [`crate::Command::LinkIdentity`] and [`crate::Command::UnlinkIdentity`].
#[derive(Debug, Clone)]
pub struct Link {
    /// The user.
    pub user_id: UserId,
    /// Who they are to the other server.
    pub identity: ExternalIdentity,
}

pub(crate) fn needed_to_admit(entries: &impl Entries, admit: &AdmitUser, keys: &mut Vec<Key>) {
    user::needed_for_email(entries, &admit.profile.email, keys);
    needed_for(entries, &admit.identity, keys);
}

pub(crate) fn needed(entries: &impl Entries, link: &Link, keys: &mut Vec<Key>) {
    keys.push(Key::User(link.user_id));
    needed_for(entries, &link.identity, keys);
}

fn needed_for(entries: &impl Entries, identity: &ExternalIdentity, keys: &mut Vec<Key>) {
    keys.push(Key::Identity(identity_digest(identity)));
    if let Ok(Some(holder)) = get::identity(entries, identity) {
        keys.push(Key::User(*holder));
    }
}

fn check_free(entries: &impl Entries, identity: &ExternalIdentity) -> Result<(), Refusal> {
    match get::identity(entries, identity)? {
        Some(holder) if user::holds(entries, *holder)? => Err(Refusal::new(
            Code::IdentityTaken,
            "another user is linked to this identity",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn admit(entries: &impl Entries, admit: &AdmitUser) -> Result<Decision, Refusal> {
    check_free(entries, &admit.identity)?;
    let registered = user::register(entries, &admit.profile)?;
    let linked = IdentityLinked {
        user_id: get::identity_counters(entries)?.user,
        identity: admit.identity.clone(),
    };
    Ok(Decision::of(vec![registered, linked.into()]))
}

/// Nothing follows where it is linked to the user already.
pub(crate) fn link(entries: &impl Entries, link: &Link) -> Result<Decision, Refusal> {
    let user = user::existing(entries, link.user_id)?;
    if get::identity(entries, &link.identity)? == Some(&link.user_id) {
        return Ok(Decision::default());
    }
    check_free(entries, &link.identity)?;
    if user.identities.len() >= MAX_IDENTITIES {
        return Err(Refusal::new(
            Code::TooManyIdentities,
            format!("a user is linked to at most {MAX_IDENTITIES} identities; unlink one first"),
        ));
    }
    let linked = IdentityLinked {
        user_id: link.user_id,
        identity: link.identity.clone(),
    };
    Ok(IdentityEvent::from(linked).into())
}

pub(crate) fn unlink(entries: &impl Entries, link: &Link) -> Result<Decision, Refusal> {
    if get::identity(entries, &link.identity)? != Some(&link.user_id) {
        return Err(Refusal::new(
            Code::IdentityNotFound,
            format!("User {} is not linked to this identity", link.user_id),
        ));
    }
    let unlinked = IdentityUnlinked {
        user_id: link.user_id,
        identity: link.identity.clone(),
    };
    Ok(IdentityEvent::from(unlinked).into())
}
