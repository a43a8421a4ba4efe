//! Who calls, and what they may act for.

use super::may::May;
use super::state;
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::identity::{Principal, Via, credentials};
use crate::read;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use deadpool_postgres::Client;
use futures_util::future::LocalBoxFuture;
use ledger::refusal::Code;
use schemas::capability::Capability;
use schemas::id::{AccountId, UserId};
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
        let credential = credentials(request, &state).await?;
        let via = credential.via;
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

    /// The account, of which the caller is a member.
    ///
    /// # Errors
    /// 404 if there is none the caller may see, 403 if they may see it only.
    pub async fn member_of(&self, account_id: AccountId) -> Answer<AccountId> {
        if self.accounts.contains(&account_id) {
            return Ok(account_id);
        }
        self.may_view(account_id).await?;
        Err(Problem::new(
            EdgeCode::AccountAccessDenied,
            "User does not have access to the specified source account",
        ))
    }

    /// The account, which the caller may see: as a member, or as who oversees all.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn may_view(&self, account_id: AccountId) -> Answer<AccountId> {
        let visible = self.accounts.contains(&account_id)
            || self.sees(account_id)
                && read::account::exists(&self.state.read_client().await?, account_id).await?;
        if visible {
            Ok(account_id)
        } else {
            Err(not_found(account_id))
        }
    }

    /// The account of whichever holder; that there is one is for the ledger to say.
    ///
    /// # Errors
    /// 404 if the caller may not see it.
    pub fn supervises(&self, account_id: AccountId) -> Answer<AccountId> {
        if self.sees(account_id) {
            return Ok(account_id);
        }
        Err(not_found(account_id))
    }

    /// Checks the `user_id` of a body, which must be the caller's own unless they manage users.
    ///
    /// # Errors
    /// `user_id_not_yours`.
    pub fn acts_as(&self, user_id: Option<UserId>) -> Answer<()> {
        match user_id {
            Some(other) if other != self.user_id && !self.may(Capability::ManageUsers) => {
                Err(Problem::new(
                    EdgeCode::UserIdNotYours,
                    format!(
                        "user_id {other} is not yours; leave it out or send {}",
                        self.user_id
                    ),
                )
                .at("/user_id"))
            }
            _ => Ok(()),
        }
    }
}

fn not_found(account_id: AccountId) -> Problem {
    Problem::not_found(Code::AccountNotFound, "Account", account_id)
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
