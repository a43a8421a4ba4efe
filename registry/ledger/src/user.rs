//! Rules of users. Who may change whom is decided at the web edge.

use crate::command::{RehashPassword, UpdateUser};
use crate::decide::Decision;
use crate::entry::User;
use crate::key::{Key, name_digest, password_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, NotLoaded, get};
use schemas::capability::{Capability, Duties};
use schemas::event::IdentityEvent;
use schemas::event::identity::{
    UserChanges, UserErased, UserProfile, UserRegistered, UserRemoved, UserUpdated,
};
use schemas::event::session::{SessionEnd, SessionsEnded};
use schemas::id::UserId;
use schemas::life_cycle::Role;

pub(crate) fn existing(entries: &impl Entries, user_id: UserId) -> Result<&User, Refusal> {
    let user = get::user(entries, user_id)?.ok_or_else(|| {
        Refusal::new(
            Code::UserNotFound,
            format!("User with id {user_id} not found"),
        )
    })?;
    if user.is_removed {
        return Err(Refusal::new(
            Code::UserRemoved,
            format!("User {user_id} was removed"),
        ));
    }
    Ok(user)
}

/// Whether the role administrates the registry: who manages users can give every other right.
pub(crate) const fn manages_users(role: Role) -> bool {
    role.capabilities(Duties::Separated)
        .has(Capability::ManageUsers)
}

/// Somebody goes on managing users, whoever is demoted, removed or erased at the same time.
fn check_not_last_administrator(entries: &impl Entries, user_id: UserId) -> Result<(), Refusal> {
    let administrators = get::identity_counters(entries)?.administrators;
    if administrators.len() > 1 || !administrators.contains(&user_id) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::LastAdministrator,
        format!("without user {user_id} nobody could administrate the registry"),
    ))
}

/// Keys that giving the address to somebody needs: also whoever has it, once that is known.
pub(crate) fn needed_for_email(entries: &impl Entries, email: &str, keys: &mut Vec<Key>) {
    keys.push(Key::Email(name_digest(email)));
    if let Ok(Some(holder)) = get::email(entries, email) {
        keys.push(Key::User(*holder));
    }
}

/// Who was erased holds nothing, though an entry of that may be left: the log does not say any more what they held.
pub(crate) fn holds(entries: &impl Entries, user_id: UserId) -> Result<bool, NotLoaded> {
    Ok(get::user(entries, user_id)?.is_none_or(|user| !user.is_erased))
}

fn check_free(entries: &impl Entries, email: &str, holder: Option<UserId>) -> Result<(), Refusal> {
    match get::email(entries, email)? {
        Some(taken) if Some(*taken) != holder && holds(entries, *taken)? => Err(Refusal::new(
            Code::EmailTaken,
            "another user signs in with this e-mail address",
        )
        .at("/email")),
        _ => Ok(()),
    }
}

pub(crate) fn register(
    entries: &impl Entries,
    profile: &UserProfile,
) -> Result<IdentityEvent, Refusal> {
    check_free(entries, &profile.email, None)?;
    let user_id = get::identity_counters(entries)?.user;
    Ok(UserRegistered {
        user_id,
        profile: profile.clone(),
    }
    .into())
}

pub(crate) fn update(entries: &impl Entries, update: &UpdateUser) -> Result<Decision, Refusal> {
    let user = existing(entries, update.user_id)?;
    if let Some(email) = &update.changes.email {
        check_free(entries, email, Some(update.user_id))?;
    }
    if update.changes.role.is_some_and(|role| !manages_users(role)) {
        check_not_last_administrator(entries, update.user_id)?;
    }
    let mut events = vec![IdentityEvent::from(UserUpdated {
        user_id: update.user_id,
        previous_email: user.email,
        changes: update.changes.clone(),
    })];
    let others = user.sessions.iter().copied();
    let session_ids: Vec<_> = others.filter(|id| Some(*id) != update.session).collect();
    if update.changes.password_hash.is_some() && !session_ids.is_empty() {
        events.push(IdentityEvent::from(SessionsEnded {
            user_id: update.user_id,
            session_ids,
            cause: SessionEnd::PasswordChanged,
        }));
    }
    Ok(Decision::of(events))
}

/// Nothing follows where the password has changed meanwhile: the old one must not come back.
pub(crate) fn rehash(entries: &impl Entries, rehash: &RehashPassword) -> Result<Decision, Refusal> {
    let user = existing(entries, rehash.user_id)?;
    if user.password != Some(password_digest(&rehash.before)) {
        return Ok(Decision::default());
    }
    Ok(IdentityEvent::from(UserUpdated {
        user_id: rehash.user_id,
        previous_email: user.email,
        changes: UserChanges {
            password_hash: Some(rehash.after.clone()),
            ..UserChanges::default()
        },
    })
    .into())
}

pub(crate) fn remove(entries: &impl Entries, user_id: UserId) -> Result<IdentityEvent, Refusal> {
    let user = existing(entries, user_id)?;
    check_not_last_administrator(entries, user_id)?;
    Ok(UserRemoved {
        user_id,
        email: user.email,
    }
    .into())
}

/// Removed or not. Who was erased stays so.
pub(crate) fn erase(entries: &impl Entries, user_id: UserId) -> Result<Decision, Refusal> {
    let user = get::user(entries, user_id)?.ok_or_else(|| {
        Refusal::new(
            Code::UserNotFound,
            format!("User with id {user_id} not found"),
        )
    })?;
    if user.is_erased {
        return Ok(Decision::default());
    }
    check_not_last_administrator(entries, user_id)?;
    Ok(IdentityEvent::from(UserErased { user_id }).into())
}
