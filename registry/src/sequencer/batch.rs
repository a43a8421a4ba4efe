//! Deciding a batch of commands, each on the state as the one before left it.

use super::{ExecuteError, Job, Receipt};
use chrono::{DateTime, Utc};
use event_store::{EventStore, NewEvent};
use ledger::refusal::Refusal;
use ledger::state::get;
use ledger::{Changes, Code, Context, Entries, Event, Key, NotLoaded, Policy, Recorded, Slot};
use schemas::envelope::Envelope;
use schemas::log::Position;
use std::borrow::Cow;
use std::collections::HashMap;
use uuid::Uuid;

/// What an envelope has at most, about twice what it has where nothing is left out of it.
const MAX_ENVELOPE_BYTES: usize = 1_024;

/// A batch that has been decided and is to be appended.
pub(super) struct Decided {
    /// Events of all accepted commands, in order.
    pub events: Vec<NewEvent>,
    /// Entries as they are once the events are durable.
    pub changed: HashMap<Key, Slot>,
    /// Whom to answer once the events are durable.
    pub accepted: Vec<(Job, Receipt)>,
    /// Commands answered without events of their own, and refused ones.
    pub answered: Vec<(Job, Answer)>,
    /// Commands that did not fit into the append, or repeat one that is in it.
    pub left: Vec<Job>,
}

impl Decided {
    /// Whether an answer goes by what the writer knows, which no append proves: others may know better.
    pub fn is_unproven(&self) -> bool {
        let unproven =
            |(job, answer): &(Job, Answer)| !job.is_current && matches!(answer, Answer::Now(_));
        self.answered.iter().any(unproven)
    }

    /// The commands, to be decided again.
    pub fn into_jobs(self) -> impl Iterator<Item = Job> {
        let accepted = self.accepted.into_iter().map(|(job, _)| job);
        let answered = self.answered.into_iter().map(|(job, _)| job);
        accepted.chain(answered).chain(self.left)
    }
}

/// The answer to a command that appends nothing.
pub(super) enum Answer {
    /// Final.
    Now(Box<Result<Receipt, ExecuteError>>),
    /// That of an earlier command, whose events stand at these positions.
    Earlier(Position, Position),
}

/// Circumstances of a batch.
pub(super) struct Circumstances<'a> {
    /// Position of the last event before the batch.
    pub head: Position,
    /// The one time of all its decisions.
    pub now: DateTime<Utc>,
    /// The issuing body's settings.
    pub policy: Policy,
    /// Where events go: it says what one append takes, and what they count.
    pub store: &'a dyn EventStore,
}

/// Keys that the job looks at and that are not in memory.
pub(super) fn missing(entries: &impl Entries, job: &Job) -> Vec<Key> {
    let mut keys = ledger::needed(entries, &job.request.command);
    keys.extend(
        job.request
            .idempotency
            .map(|idempotency| Key::Command(idempotency.key)),
    );
    keys.retain(|key| entries.slot(key).is_none());
    keys
}

/// Decides jobs in order.
pub(super) fn decide(
    entries: &impl Entries,
    jobs: Vec<Job>,
    at: &Circumstances<'_>,
) -> Result<Decided, NotLoaded> {
    let mut changes = Changes::on(entries);
    let mut batch = Decided {
        events: Vec::new(),
        changed: HashMap::new(),
        accepted: Vec::new(),
        answered: Vec::new(),
        left: Vec::new(),
    };
    let limits = at.store.limits();
    let mut bytes = 0;
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        if let Some(idempotency) = job.request.idempotency
            && let Some(done) = get::command(&changes, idempotency.key)?
        {
            if done.request != idempotency.request {
                let refusal = Refusal::new(
                    Code::IdempotencyKeyReused,
                    "another request was sent under this Idempotency-Key before",
                );
                batch
                    .answered
                    .push((job, Answer::Now(Box::new(Err(refusal.into())))));
            } else if done.last > at.head {
                batch.left.push(job);
            } else {
                let (first, last) = (done.first, done.last);
                batch.answered.push((job, Answer::Earlier(first, last)));
            }
            continue;
        }
        let context = Context {
            now: at.now,
            requested_at: job.request.requested_at.min(at.now),
            actor: job.request.actor.clone(),
            policy: at.policy,
        };
        let decision = match ledger::decide(&changes, &job.request.command, &context) {
            Ok(decision) => decision,
            Err(refusal) => {
                batch
                    .answered
                    .push((job, Answer::Now(Box::new(Err(refusal.into())))));
                continue;
            }
        };
        let mut position = at
            .head
            .plus(i64::try_from(batch.events.len()).unwrap_or(i64::MAX));
        if decision.events.is_empty() {
            let receipt = Receipt {
                position,
                recorded_at: at.now,
                is_repeat: false,
                events: Vec::new(),
                proposed: decision.proposed,
                submission: decision.submission,
                envelope: decision.envelope,
            };
            // It may rest on events of this batch, so it is answered with them.
            batch.accepted.push((job, receipt));
            continue;
        }
        let new = encode(&job, &decision.events, at.now);
        let sizes: Vec<_> = new.iter().map(|event| at.store.size(event)).collect();
        let size: usize = sizes.iter().sum();
        let admitted = limits.admit(&sizes).and_then(|()| {
            let mut reserved = decision.reserved.iter().map(size_of_reserved);
            reserved.try_for_each(|size| limits.admit(&[size]))
        });
        if let Err(too_large) = admitted {
            let refusal = Refusal::new(
                Code::ListTooLong,
                format!("the request is too large for one decision: {too_large}"),
            );
            batch
                .answered
                .push((job, Answer::Now(Box::new(Err(refusal.into())))));
            continue;
        }
        if bytes + size > limits.append_bytes
            || batch.events.len() + new.len() > limits.append_events
        {
            batch.left.push(job);
            batch.left.extend(jobs);
            break;
        }
        bytes += size;
        let mut events = Vec::with_capacity(new.len());
        for event in decision.events {
            position = position.plus(1);
            let recorded = Recorded {
                position,
                idempotency: job.request.idempotency,
                event: &event,
            };
            ledger::apply(&mut changes, &recorded)?;
            events.push((position, event));
        }
        batch.events.extend(new);
        let receipt = Receipt {
            position,
            recorded_at: at.now,
            is_repeat: false,
            events,
            proposed: Vec::new(),
            submission: decision.submission,
            envelope: decision.envelope,
        };
        batch.accepted.push((job, receipt));
    }
    batch.changed = changes.into_changed();
    Ok(batch)
}

/// Bytes that an event may have which is recorded some time later.
fn size_of_reserved(event: &Event) -> usize {
    event.event_type().len() + event.encode().len() + MAX_ENVELOPE_BYTES
}

fn encode(job: &Job, events: &[Event], now: DateTime<Utc>) -> Vec<NewEvent> {
    let first = Envelope {
        recorded_at: now,
        actor: job.request.actor.clone(),
        command_id: job.request.command_id,
        correlation_id: job.request.correlation_id,
        causation_id: None,
        idempotency: job.request.idempotency,
        origin: Some(job.request.origin.clone()),
    };
    let further = Envelope {
        origin: None,
        ..first.clone()
    };
    let encode = |envelope: &Envelope| {
        serde_json::to_vec(envelope)
            .expect("an envelope holds only strings and ids, which always serialise")
    };
    let metadata = std::iter::once(encode(&first)).chain(std::iter::repeat(encode(&further)));
    events
        .iter()
        .zip(metadata)
        .map(|(event, metadata)| NewEvent {
            event_id: Uuid::now_v7(),
            event_type: Cow::Borrowed(event.event_type()),
            version: event.version(),
            data: event.encode(),
            metadata,
        })
        .collect()
}
