//! Requests that change something.

use super::body::{BODY_LIMIT, collect, read_json};
use super::caller::Caller;
use super::may::May;
use crate::audit;
use crate::http::decide::Asked;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::identity::Principal;
use crate::sequencer::Receipt;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, SubsecRound, Utc};
use deadpool_postgres::Client;
use futures_util::future::LocalBoxFuture;
use ledger::Command;
use schemas::api::field::FromFields;
use schemas::envelope::{Actor, Idempotency};
use uuid::Uuid;

/// A request to change something: the caller, what they ask, and what makes a command of it.
pub struct Write<C, T = ()> {
    /// Who asks.
    pub caller: Caller<C>,
    /// What they ask.
    pub body: T,
    /// Where the command comes from.
    pub origin: Origin,
}

impl<C, T> Write<C, T> {
    /// Has a command decided. What it led to is visible to the caller's next read.
    ///
    /// # Errors
    /// The refusal, or 503.
    pub async fn execute(&self, command: Command) -> Answer<Receipt> {
        self.origin.execute(self.caller.state(), command).await
    }
}

/// Body of a mutation: fields of a JSON object, or none at all.
pub trait Submission: Sized {
    /// Reads it.
    fn read(request: &HttpRequest, body: &[u8]) -> Answer<Self>;
}

impl<T: FromFields> Submission for T {
    fn read(request: &HttpRequest, body: &[u8]) -> Answer<Self> {
        if T::HAS_FIELDS {
            return read_json(request, body);
        }
        schemas::api::Fields::from_json(b"{}")?
            .read()
            .map_err(Problem::fields)
    }
}

impl<C: May, T: FromFields + 'static> FromRequest for Write<C, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::of(&request).await?;
            let bytes = collect(&request, payload, BODY_LIMIT).await?;
            let origin = Origin::of(&request, caller.state(), &caller, &bytes)?;
            let body = T::read(&request, &bytes)?;
            Ok(Self {
                caller,
                body,
                origin,
            })
        })
    }
}

/// Where a command comes from.
pub struct Origin {
    request: HttpRequest,
    actor: Actor,
    correlation_id: Uuid,
    requested_at: DateTime<Utc>,
    idempotency: Option<Idempotency>,
}

impl Origin {
    /// The origin of a request whose body is, or is digested to, `body`.
    ///
    /// # Errors
    /// `request_invalid` if the idempotency key is malformed.
    pub fn of(
        request: &HttpRequest,
        state: &State,
        caller: &Principal,
        body: &[u8],
    ) -> Answer<Self> {
        let actor = Actor::User(caller.user_id);
        let idempotency = state.digester.of(request, &actor, body)?;
        if let Some(idempotency) = idempotency {
            audit::for_key(idempotency.key);
        }
        // A refusal rests on at least what the caller has written.
        let known = Positions::of(state.read_progress()).max(state.written.by(caller.user_id));
        request.extensions_mut().insert(known);
        Ok(Self {
            correlation_id: crate::http::request_id::of(request),
            // As fine as events and Postgres keep it.
            requested_at: Utc::now().trunc_subsecs(6),
            request: request.clone(),
            actor,
            idempotency,
        })
    }

    /// Digest of the idempotency key, if the request has one.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<Uuid> {
        self.idempotency.map(|idempotency| idempotency.key)
    }

    /// A connection to the READ database, once that shows what the caller has written and the position
    /// sent with the request: for commands about what has to be looked up there.
    ///
    /// # Errors
    /// 503 if there is none or it lags.
    pub async fn client(&self, state: &State) -> Answer<Client> {
        let written = self.actor.user_id().map(|user| state.written.by(user));
        let asked = Positions::asked(&self.request)?;
        let wanted = asked.max(written.unwrap_or_default());
        if let Err(lagging) = reached(state.read_progress(), wanted, state.read_wait()).await {
            asked.within(state.heads().await?)?;
            return Err(lagging);
        }
        state.read_client().await
    }

    /// Has a command decided.
    ///
    /// # Errors
    /// The refusal, or 503.
    pub async fn execute(&self, state: &State, command: Command) -> Answer<Receipt> {
        self.decided(state, command, self.idempotency).await
    }

    /// Has a command decided that comes before the one that is asked for. It is decided anew where the request is
    /// repeated, so it must be one that changes nothing then.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn prepare(&self, state: &State, command: Command) -> Answer<Receipt> {
        self.decided(state, command, None).await
    }

    async fn decided(
        &self,
        state: &State,
        command: Command,
        idempotency: Option<Idempotency>,
    ) -> Answer<Receipt> {
        let stream = command.stream();
        let receipt = state
            .decide(Asked {
                command,
                actor: self.actor.clone(),
                correlation_id: self.correlation_id,
                requested_at: self.requested_at,
                idempotency,
            })
            .await?;
        let mut extensions = self.request.extensions_mut();
        let reflected = extensions
            .get::<Positions>()
            .copied()
            .unwrap_or_else(|| Positions::of(state.read_progress()))
            .max(Positions::at(stream, receipt.position));
        extensions.insert(reflected);
        Ok(receipt)
    }
}
