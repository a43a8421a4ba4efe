//! What is known of the request that is being answered, gathered while it is: who asks, for which account,
//! and what became of the commands it led to.
//!
//! It belongs to the task that answers the request, so that whatever part finds something out can note it.

use super::trail::Trail;
use chrono::{DateTime, SubsecRound, Utc};
use schemas::envelope::{Actor, Origin, Via};
use schemas::event::audit::{Attempt, Client, Target};
use schemas::id::AccountId;
use std::cell::RefCell;
use std::net::IpAddr;
use uuid::Uuid;

tokio::task_local! {
    static NOTE: RefCell<Option<Note>>;
}

/// Code of what was tried by somebody who went away before the answer.
const UNANSWERED: &str = "unanswered";

/// What is known of a request. Where the request is given up before it is answered, that is recorded, and
/// so is where its commands came from.
pub struct Note {
    trail: Trail,
    operation: String,
    request_id: Uuid,
    address: Option<IpAddr>,
    actor: Option<Actor>,
    via: Option<Via>,
    account_id: Option<AccountId>,
    target: Option<Target>,
    idempotency_key: Option<Uuid>,
    /// Commands that were asked for, without those that came to nothing.
    commands: Vec<Uuid>,
    /// What was refused in a request that as a whole was not.
    refused: Vec<Refused>,
    is_answered: bool,
}

struct Refused {
    actor: Option<Actor>,
    code: String,
    count: i64,
}

impl Note {
    /// Of a request to an operation.
    #[must_use]
    pub fn new(trail: Trail, operation: &str, request_id: Uuid, address: Option<IpAddr>) -> Self {
        Self {
            trail,
            operation: operation.to_owned(),
            request_id,
            address,
            actor: None,
            via: None,
            account_id: None,
            target: None,
            idempotency_key: None,
            commands: Vec::new(),
            refused: Vec::new(),
            is_answered: false,
        }
    }

    /// Where the request comes from.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether nobody has proven who they are.
    #[must_use]
    pub const fn is_anonymous(&self) -> bool {
        self.actor.is_none()
    }

    /// Notes who asks, once that is proven.
    pub fn by(&mut self, actor: &Actor, via: Option<Via>) {
        self.actor = Some(actor.clone());
        self.via = via;
    }

    /// How many refusals it met before anybody had proven who they are, in parts or, where it `is_refused`,
    /// as a whole.
    #[must_use]
    pub fn unproven(&self, is_refused: bool) -> i64 {
        let is_unproven = |actor: Option<&Actor>| matches!(actor, None | Some(Actor::System(_)));
        let parts = self.refused.iter();
        let parts = parts.filter(|part| is_unproven(part.actor.as_ref()));
        let whole = is_refused && is_unproven(self.actor.as_ref());
        parts.map(|part| part.count).sum::<i64>() + i64::from(whole)
    }

    /// Records what leaves no event of its own, and waits until it is durable: the whole request where it
    /// was refused with `code`, what was refused of it, or that it was accepted without one.
    pub async fn answered(mut self, code: Option<&str>) {
        self.is_answered = true;
        let now = now();
        let mut attempts: Vec<_> = self.refused.iter().map(|one| self.part(one, now)).collect();
        if code.is_some() || attempts.is_empty() && self.commands.is_empty() {
            attempts.push(self.attempt(code, now));
        }
        if !attempts.is_empty() {
            self.trail.record(attempts).await;
        }
    }

    fn attempt(&self, code: Option<&str>, at: DateTime<Utc>) -> Attempt {
        Attempt {
            at,
            last_at: None,
            count: 1,
            actor: self.actor.clone(),
            via: self.via,
            address: self.address,
            operation: self.operation.clone(),
            account_id: self.account_id,
            idempotency_key: self.idempotency_key,
            target: self.target,
            code: code.map(str::to_owned),
            request_id: self.request_id,
        }
    }

    fn part(&self, refused: &Refused, at: DateTime<Utc>) -> Attempt {
        Attempt {
            actor: refused.actor.clone(),
            count: refused.count,
            last_at: (refused.count > 1).then_some(at),
            ..self.attempt(Some(&refused.code), at)
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.address.is_some() && !self.commands.is_empty() {
            self.trail.came_from(Client {
                address: self.address,
                user_id: self.actor.as_ref().and_then(Actor::user_id),
                command_ids: std::mem::take(&mut self.commands),
            });
        }
        if !self.is_answered {
            self.trail.leave(self.attempt(Some(UNANSWERED), now()));
        }
    }
}

/// As fine as events and Postgres keep it.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Does the work of answering a request; gives back what was noted meanwhile.
pub async fn watched<T>(note: Note, work: impl Future<Output = T>) -> (T, Option<Note>) {
    let work = async {
        let done = work.await;
        (done, NOTE.with(|note| note.borrow_mut().take()))
    };
    NOTE.scope(RefCell::new(Some(note)), work).await
}

/// Does something with the note of the request that is being answered; nothing where it has none because
/// it changes nothing.
fn with(act: impl FnOnce(&mut Note)) {
    // An error means that no request is being answered.
    let _ = NOTE.try_with(|note| {
        if let Some(note) = note.borrow_mut().as_mut() {
            act(note);
        }
    });
}

/// Notes who asks, once that is proven.
pub fn by(actor: &Actor, via: Option<Via>) {
    with(|note| note.by(actor, via));
}

/// Notes for which account something is asked; of several the first.
pub fn for_account(account_id: AccountId) {
    with(|note| {
        note.account_id.get_or_insert(account_id);
    });
}

/// Notes whom somebody tries to sign in as.
pub fn aimed_at(target: Target) {
    with(|note| note.target = Some(target));
}

/// Notes the digest of the idempotency key.
pub fn for_key(idempotency_key: Uuid) {
    with(|note| note.idempotency_key = Some(idempotency_key));
}

/// Notes that a part of a request was refused that is answered part by part.
pub fn refused(actor: Option<&Actor>, code: &str) {
    with(|note| {
        let alike = |one: &&mut Refused| one.code == code && one.actor.as_ref() == actor;
        match note.refused.iter_mut().find(alike) {
            Some(one) => one.count += 1,
            None => note.refused.push(Refused {
                actor: actor.cloned(),
                code: code.to_owned(),
                count: 1,
            }),
        }
    });
}

/// Notes a command that is asked for.
pub(crate) fn asked(command_id: Uuid) {
    with(|note| note.commands.push(command_id));
}

/// Notes that a command has no events: it was refused, or there was nothing to change.
pub(crate) fn came_to_nothing(command_id: Uuid) {
    with(|note| note.commands.retain(|one| *one != command_id));
}

/// What the request that is being answered asks by, for the events that follow from it.
#[must_use]
pub fn asked_by() -> Option<Origin> {
    let mut origin = None;
    with(|note| {
        origin = Some(Origin {
            operation: note.operation.clone(),
            via: note.via,
            account_id: note.account_id,
        });
    });
    origin
}
