//! Requests that change nothing.

use super::caller::Caller;
use super::may::{self, May};
use super::parameter::Id;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use deadpool_postgres::Client;
use futures_util::future::LocalBoxFuture;
use schemas::id::AccountId;
use std::ops::Deref;

/// A caller with a READ database that shows what they have written.
pub struct Read<C = may::Read> {
    caller: Caller<C>,
}

impl<C: May> Read<C> {
    async fn of(request: &HttpRequest) -> Answer<Self> {
        let caller = Caller::of(request).await?;
        let state = caller.state();
        let asked = Positions::asked(request)?;
        let wanted = state.written.by(caller.user_id).max(asked);
        let progress = state.read_progress.as_ref();
        if let Err(lagging) = reached(progress, wanted, state.read_wait).await {
            // Only whoever has waited in vain pays for this look at the event store.
            asked.within(state.heads().await?)?;
            return Err(lagging);
        }
        request.extensions_mut().insert(Positions::of(progress));
        Ok(Self { caller })
    }
}

impl<C> Read<C> {
    /// A connection to the READ database.
    ///
    /// # Errors
    /// 503 if there is none.
    pub async fn client(&self) -> Answer<Client> {
        self.caller.state().read_client().await
    }
}

impl<C> Deref for Read<C> {
    type Target = Caller<C>;
    fn deref(&self) -> &Caller<C> {
        &self.caller
    }
}

impl<C: May> FromRequest for Read<C> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

macro_rules! of_account {
    ($(#[$doc:meta])* $name:ident by $check:ident) => {
        $(#[$doc])*
        pub struct $name<C = may::Read> {
            /// The account.
            pub account_id: AccountId,
            read: Read<C>,
        }

        impl<C> Deref for $name<C> {
            type Target = Read<C>;
            fn deref(&self) -> &Read<C> {
                &self.read
            }
        }

        impl<C: May> FromRequest for $name<C> {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Answer<Self>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move {
                    let read = Read::of(&request).await?;
                    let account_id = read.$check(Id::of(&request)?.0).await?;
                    Ok(Self { account_id, read })
                })
            }
        }
    };
}

of_account! {
    /// A read of the account in the path by one of its members.
    Member by member_of
}

of_account! {
    /// A read of the account in the path by who may see it: its members and the issuing body.
    Viewer by may_view
}
