//! Who calls, and what they may act for.

use super::state;
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::identity::{Principal, credentials};
use crate::read;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use deadpool_postgres::Client;
use futures_util::future::LocalBoxFuture;
use ledger::refusal::Code;
use schemas::id::{AccountId, UserId};
use schemas::life_cycle::Role;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// A lowest role.
pub trait AtLeast: 'static {
    /// The role.
    const ROLE: Role;
}

macro_rules! at_least {
    ($($(#[$doc:meta])* $name:ident),+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl AtLeast for $name {
            const ROLE: Role = Role::$name;
        }
    )+};
}

at_least! {
    /// Whoever validates storage: its validator, and the issuing body.
    StorageValidator,
    /// Anyone who is signed in.
    Audit,
    /// Whoever may move and retire certificates.
    Trading,
    /// Whoever may keep accounts and devices.
    Production,
    /// The issuing body.
    Admin
}

/// A signed-in user whose role is at least `R`.
pub struct Caller<R> {
    principal: Arc<Principal>,
    state: Arc<State>,
    role: PhantomData<R>,
}

impl<R: AtLeast> Caller<R> {
    /// Finds out who sent the request.
    ///
    /// # Errors
    /// 401 without valid credentials, 403 below the role or without the CSRF token, 503 if it can not be
    /// found out.
    pub async fn of(request: &HttpRequest) -> Answer<Self> {
        let state = state(request)?;
        let user_id = credentials(request, &state.tokens)?;
        let principal = state.principals.get(user_id, &state).await?;
        if !principal.role.reaches(R::ROLE) {
            return Err(Problem::new(
                EdgeCode::RoleRequired,
                format!(
                    "User does not have the required role: {}",
                    R::ROLE.as_str().to_ascii_lowercase()
                ),
            ));
        }
        Ok(Self {
            principal,
            state,
            role: PhantomData,
        })
    }
}

impl<R> Caller<R> {
    /// The state of the process.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
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

    /// Whether the caller may see what belongs to the account: as a member, or as the issuing body.
    #[must_use]
    pub fn sees(&self, account_id: AccountId) -> bool {
        self.is_admin() || self.accounts.contains(&account_id)
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

    /// The account, which the caller may see: as a member, or as the issuing body.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn may_view(&self, account_id: AccountId) -> Answer<AccountId> {
        let visible = self.accounts.contains(&account_id)
            || self.is_admin()
                && read::account::exists(&self.state.read_client().await?, account_id).await?;
        if visible {
            Ok(account_id)
        } else {
            Err(Problem::not_found(
                Code::AccountNotFound,
                "Account",
                account_id,
            ))
        }
    }

    /// Whether the caller is the issuing body, which sees everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.principal.role == Role::Admin
    }

    /// Checks the `user_id` of a body, which must be the caller's own unless they administer users.
    ///
    /// # Errors
    /// `user_id_not_yours`.
    pub fn acts_as(&self, user_id: Option<UserId>) -> Answer<()> {
        match user_id {
            Some(other) if other != self.user_id && !self.is_admin() => Err(Problem::new(
                EdgeCode::UserIdNotYours,
                format!(
                    "user_id {other} is not yours; leave it out or send {}",
                    self.user_id
                ),
            )
            .at("/user_id")),
            _ => Ok(()),
        }
    }
}

impl<R> Deref for Caller<R> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<R: AtLeast> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}
