//! Who calls, and what they may act for.

use super::may::May;
use super::parameter::other_method;
use super::state;
use crate::audit;
use crate::http::position::reached;
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::identity::{Principal, Via, credentials};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use deadpool_postgres::Client;
use futures_util::future::LocalBoxFuture;
use schemas::envelope::Actor;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// A signed-in user who may do `C`.
pub struct Caller<C> {
    principal: Arc<Principal>,
    via: Via,
    state: Arc<State>,
    capability: PhantomData<C>,
}

impl<C: May> Caller<C> {
    /// Finds out who sent the request.
    ///
    /// # Errors
    /// 401 without valid credentials, 403 without the capability or the CSRF token, 503 if it can not be
    /// found out.
    pub async fn of(request: &HttpRequest) -> Answer<Self> {
        let state = state(request)?;
        let credential = credentials(request, &state).await;
        let credential = credential.map_err(|refusal| other_method(request).unwrap_or(refusal))?;
        let via = credential.via;
        audit::by(&Actor::User(credential.user_id), Some(via));
        state.limits.of_principal(credential.user_id, via)?;
        let principal = state.principals.get(credential, &state).await?;
        principal.check(C::CAPABILITY)?;
        Ok(Self {
            principal,
            via,
            state,
            capability: PhantomData,
        })
    }
}

impl<C> Caller<C> {
    /// The state of the process.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// What they proved who they are with.
    #[must_use]
    pub const fn via(&self) -> Via {
        self.via
    }

    /// A connection to the READ database, once that shows what the caller has written.
    ///
    /// # Errors
    /// 503 if there is none or it lags.
    pub async fn client(&self) -> Answer<Client> {
        let written = self.state.written.by(self.user_id);
        reached(self.state.read_progress(), written, self.state.read_wait()).await?;
        self.state.read_client().await
    }
}

impl<C> Deref for Caller<C> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<C: May> FromRequest for Caller<C> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}
