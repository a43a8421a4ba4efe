//! What goes into the sequencer and what comes out.

use chrono::{DateTime, Utc};
use ledger::reading::Submission;
use ledger::{Command, Event, Refusal};
use schemas::envelope::{Actor, Idempotency, Origin};
use schemas::log::Position;
use uuid::Uuid;

/// A command with who asks for it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names the command in its events.
    pub command_id: Uuid,
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub actor: Actor,
    /// The HTTP request, or what else carried the command.
    pub correlation_id: Uuid,
    /// When it arrived.
    pub requested_at: DateTime<Utc>,
    /// The client's idempotency key, if it sent one.
    pub idempotency: Option<Idempotency>,
    /// What it is asked by.
    pub origin: Origin,
}

impl Request {
    /// A command that a part of the registry, by name, gives by itself.
    #[must_use]
    pub fn of_system(part: &str, command: Command) -> Self {
        Self {
            command_id: Uuid::now_v7(),
            origin: Origin {
                operation: command.name().to_owned(),
                via: None,
                account_id: None,
            },
            command,
            actor: Actor::System(part.to_owned()),
            correlation_id: Uuid::now_v7(),
            requested_at: Utc::now(),
            idempotency: None,
        }
    }
}

/// What became of an accepted command. Everything in it is durable.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Position of the command's last event; where nothing had to change, of the head it was decided on.
    pub position: Position,
    /// The instant of the decision.
    pub recorded_at: DateTime<Utc>,
    /// Whether it is that of an earlier request under the same idempotency key.
    pub is_repeat: bool,
    /// The events, with their positions; none where nothing had to change.
    pub events: Vec<(Position, Event)>,
    /// Events that would follow, where the command only asked for them.
    pub proposed: Vec<Event>,
    /// What became of the rows of a submission; absent when the receipt is that of an earlier request
    /// under the same idempotency key.
    pub submission: Option<Submission>,
    /// What became of an envelope.
    pub envelope: Option<ledger::gateway::Accepted>,
}

/// A command was not accepted; nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExecuteError {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The queue is full.
    #[error("the registry has as many commands waiting as it takes; try again")]
    Busy,
    /// The event store or the WRITE database can not be used at the moment.
    #[error("the registry can not decide at the moment: {0}")]
    Unavailable(String),
}
