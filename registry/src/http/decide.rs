//! Having a command decided, so that the audit trail can tell of it.

use super::problem::Answer;
use super::state::State;
use crate::audit;
use crate::sequencer::{ExecuteError, Receipt, Request};
use chrono::{DateTime, Utc};
use ledger::Command;
use schemas::envelope::{Actor, Idempotency};
use uuid::Uuid;

/// A command and what is known of who asks for it.
pub(super) struct Asked {
    pub command: Command,
    pub actor: Actor,
    pub correlation_id: Uuid,
    pub requested_at: DateTime<Utc>,
    pub idempotency: Option<Idempotency>,
}

impl State {
    /// Has a command decided.
    ///
    /// # Errors
    /// As [`super::port::Decide::execute`].
    pub(super) async fn decide(&self, asked: Asked) -> Result<Receipt, ExecuteError> {
        let (caller, stream) = (asked.actor.user_id(), asked.command.stream());
        let by_itself = Request::of_system("http", asked.command);
        let request = Request {
            origin: audit::asked_by().unwrap_or(by_itself.origin),
            actor: asked.actor,
            correlation_id: asked.correlation_id,
            requested_at: asked.requested_at,
            idempotency: asked.idempotency,
            ..by_itself
        };
        let command_id = request.command_id;
        audit::asked(command_id);
        let decision = self.commands.execute(request).await;
        if let Ok(receipt) = &decision {
            self.written.note(caller, stream, receipt);
        }
        let has_events = match &decision {
            Ok(receipt) => !receipt.is_repeat && !receipt.events.is_empty(),
            Err(ExecuteError::Refused(_) | ExecuteError::Busy) => false,
            // It may have been decided, and the answer lost.
            Err(ExecuteError::Unavailable(_)) => true,
        };
        if !has_events {
            audit::came_to_nothing(command_id);
        }
        decision
    }

    /// Has a command decided that a part of the registry gives by itself.
    ///
    /// # Errors
    /// The refusal, or 503.
    pub(crate) async fn execute(&self, request: Request) -> Answer<Receipt> {
        let stream = request.command.stream();
        let receipt = self.commands.execute(request).await?;
        self.written.note(None, stream, &receipt);
        Ok(receipt)
    }
}
