//! Commands of who has not signed in: gateways by their signatures, guests by their invitation.

use crate::audit;
use crate::http::decide::Asked;
use crate::http::position::Positions;
use crate::http::state::State;
use crate::sequencer::{ExecuteError, Receipt};
use actix_web::{HttpMessage, HttpRequest};
use chrono::{DateTime, SubsecRound, Utc};
use ledger::{Command, Stream};
use schemas::envelope::Actor;
use schemas::log::Position;
use uuid::Uuid;

/// Where such commands come from.
#[derive(Clone)]
pub(in crate::http) struct Origin {
    correlation_id: Uuid,
    requested_at: DateTime<Utc>,
}

impl Origin {
    pub fn of(request: &HttpRequest) -> Self {
        Self {
            correlation_id: crate::http::request_id::of(request),
            // As fine as events and Postgres keep it.
            requested_at: Utc::now().trunc_subsecs(6),
        }
    }

    /// Has a command decided, by whom the audit trail then says asked.
    pub async fn execute(
        &self,
        state: &State,
        actor: Actor,
        command: Command,
    ) -> Result<Receipt, ExecuteError> {
        audit::by(&actor, None);
        self.follow(state, actor, command).await
    }

    /// Has a command decided that follows from another, of whoever is known to ask by then.
    pub async fn follow(
        &self,
        state: &State,
        actor: Actor,
        command: Command,
    ) -> Result<Receipt, ExecuteError> {
        let asked = Asked {
            command,
            actor,
            correlation_id: self.correlation_id,
            requested_at: self.requested_at,
            idempotency: None,
        };
        state.decide(asked).await
    }
}

/// Has the answer say that it reflects the ledger up to here.
pub(super) fn reflects(request: &HttpRequest, state: &State, position: Position) {
    let at = Positions::of(state.read_progress()).max(Positions::at(Stream::Ledger, position));
    request.extensions_mut().insert(at);
}
