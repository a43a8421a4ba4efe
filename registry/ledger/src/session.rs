//! Rules of sessions: who may refresh which, and when one ends.

use crate::context::Context;
use crate::decide::Decision;
use crate::entry::{Entry, Session};
use crate::event::Event;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::user;
use chrono::Duration;
use schemas::event::IdentityEvent;
use schemas::event::session::{
    ReplacedKey, SessionEnd, SessionOpened, SessionRefreshed, SessionsEnded, SigningKeyAdded,
    TokenDigest,
};
use schemas::gateway::{KeyId, PublicKey};
use schemas::id::UserId;
use uuid::Uuid;

/// Sessions that a user has at most; the oldest ends when one more is opened.
pub const MAX_SESSIONS: usize = 50;

/// How long a refresh token that was used is answered as the first time: the answer may have been lost,
/// or two windows of one browser may have used it at once.
pub const REFRESH_GRACE: Duration = Duration::seconds(30);

/// See [`crate::Command::OpenSession`].
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session, by an id that is new.
    pub session_id: Uuid,
    /// Whose password, and what else is needed, was proven.
    pub user_id: UserId,
    /// Its first refresh token.
    pub refresh: TokenDigest,
    /// How long it can be refreshed.
    pub lifetime: Duration,
    /// The program that signs in, by its own account.
    pub client: Option<String>,
}

/// See [`crate::Command::RefreshSession`]. That the registry gave the token out is proven before.
#[derive(Debug, Clone, Copy)]
pub struct RefreshSession {
    /// The session.
    pub session_id: Uuid,
    /// The refresh token used.
    pub used: TokenDigest,
    /// The one that shall take its place, which follows from it.
    pub successor: TokenDigest,
}

/// See [`crate::Command::EndSessions`].
#[derive(Debug, Clone, Copy)]
pub struct EndSessions {
    /// The user.
    pub user_id: UserId,
    /// Which of theirs.
    pub which: Which,
    /// Why.
    pub cause: SessionEnd,
}

/// Which sessions of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(Uuid),
    /// All, except perhaps one.
    AllBut(Option<Uuid>),
}

/// See [`crate::Command::AddSigningKey`].
#[derive(Debug, Clone)]
pub struct AddSigningKey {
    /// The public key.
    pub public_key: PublicKey,
    /// The private key, sealed.
    pub sealed: String,
    /// The key that it shall take the place of, if there is one.
    pub replaces: Option<KeyId>,
    /// How long what that one signed still counts.
    pub overlap: Duration,
}

fn open_session(
    entries: &impl Entries,
    session_id: Uuid,
    context: &Context,
) -> Result<Session, Refusal> {
    get::session(entries, session_id)?
        .filter(|session| !session.is_over && context.now < session.expires_at)
        .cloned()
        .ok_or_else(|| not_found(session_id))
}

fn not_found(session_id: Uuid) -> Refusal {
    Refusal::new(
        Code::SessionNotFound,
        format!("Session {session_id} does not exist, or is over"),
    )
}

/// Keys that sessions of a user need: the user's, and when they are known, those of what may end.
pub(crate) fn needed(entries: &impl Entries, user_id: UserId, keys: &mut Vec<Key>) {
    keys.push(Key::User(user_id));
    if let Some(Some(Entry::User(user))) = entries.slot(&Key::User(user_id)).map(|slot| &slot.entry)
    {
        keys.extend(user.sessions.iter().copied().map(Key::Session));
    }
}

pub(crate) fn needed_to_refresh(
    entries: &impl Entries,
    refresh: &RefreshSession,
    keys: &mut Vec<Key>,
) {
    let key = Key::Session(refresh.session_id);
    keys.push(key);
    if let Some(Some(Entry::Session(session))) = entries.slot(&key).map(|slot| &slot.entry) {
        keys.push(Key::User(session.user_id));
    }
}

pub(crate) fn open(
    entries: &impl Entries,
    open: &OpenSession,
    context: &Context,
) -> Result<Decision, Refusal> {
    let user = user::existing(entries, open.user_id)?;
    let mut events: Vec<Event> = Vec::new();
    let too_many = (user.sessions.len() + 1).saturating_sub(MAX_SESSIONS);
    if too_many > 0 {
        let oldest = user.sessions[..too_many].to_vec();
        events.push(ended(open.user_id, oldest, SessionEnd::Displaced).into());
    }
    let opened = SessionOpened {
        session_id: open.session_id,
        user_id: open.user_id,
        refresh: open.refresh,
        at: context.now,
        expires_at: context.now + open.lifetime,
        client: open.client.clone(),
    };
    events.push(IdentityEvent::from(opened).into());
    Ok(Decision::of(events))
}

/// A token that another took the place of longer ago than [`REFRESH_GRACE`] is in two hands, so the session
/// ends; the decision says so by its event.
pub(crate) fn refresh(
    entries: &impl Entries,
    refresh: &RefreshSession,
    context: &Context,
) -> Result<Decision, Refusal> {
    let session = open_session(entries, refresh.session_id, context)?;
    user::existing(entries, session.user_id)?;
    if refresh.used == session.refresh {
        let refreshed = SessionRefreshed {
            session_id: refresh.session_id,
            refresh: refresh.successor,
            at: context.now,
        };
        return Ok(IdentityEvent::from(refreshed).into());
    }
    let is_repeat = session.previous == Some(refresh.used)
        && session.refresh == refresh.successor
        && context.now <= session.refreshed_at + REFRESH_GRACE;
    if is_repeat {
        return Ok(Decision::default());
    }
    let only = vec![refresh.session_id];
    Ok(ended(session.user_id, only, SessionEnd::TokenReused).into())
}

pub(crate) fn end(entries: &impl Entries, end: &EndSessions) -> Result<Decision, Refusal> {
    let user = user::existing(entries, end.user_id)?;
    let session_ids: Vec<_> = match end.which {
        Which::One(id) if user.sessions.contains(&id) => vec![id],
        Which::One(id) => return Err(not_found(id)),
        Which::AllBut(kept) => {
            let all = user.sessions.iter().copied();
            all.filter(|id| Some(*id) != kept).collect()
        }
    };
    if session_ids.is_empty() {
        return Ok(Decision::default());
    }
    Ok(ended(end.user_id, session_ids, end.cause).into())
}

fn ended(user_id: UserId, session_ids: Vec<Uuid>, cause: SessionEnd) -> IdentityEvent {
    SessionsEnded {
        user_id,
        session_ids,
        cause,
    }
    .into()
}

/// Nothing follows where another key has taken the place meanwhile: one of two processes was first.
pub(crate) fn add_key(
    entries: &impl Entries,
    add: &AddSigningKey,
    context: &Context,
) -> Result<Decision, Refusal> {
    if get::identity_counters(entries)?.signing_key != add.replaces {
        return Ok(Decision::default());
    }
    let added = SigningKeyAdded {
        key_id: add.public_key.key_id(),
        public_key: add.public_key.clone(),
        sealed: add.sealed.clone(),
        replaces: add.replaces.map(|key_id| ReplacedKey {
            key_id,
            accepted_until: context.now + add.overlap,
        }),
    };
    Ok(IdentityEvent::from(added).into())
}
