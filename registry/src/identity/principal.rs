//! What a caller may act for, as READ shows it.

use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read;
use moka::future::Cache;
use schemas::id::UserId;
use std::sync::Arc;
use std::time::Duration;

/// A signed-in user: id, role, accounts.
pub type Principal = read::principal::PrincipalRow;

/// How long a principal is taken for granted. A change made through this process counts at once, one
/// made through another after this long.
const TRUSTED: Duration = Duration::from_secs(1);
const MAX_PRINCIPALS: u64 = 100_000;

/// The principals seen lately.
///
/// The key holds the positions that decide who may do what, so a change of users or members leaves all
/// that was known before behind.
pub struct Principals {
    known: Cache<(UserId, Positions), Arc<Principal>>,
}

impl Default for Principals {
    fn default() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(MAX_PRINCIPALS)
                .time_to_live(TRUSTED)
                .build(),
        }
    }
}

impl Principals {
    /// The user a token was made for.
    ///
    /// # Errors
    /// 401 if they were removed, 503 if it can not be found out.
    pub async fn get(&self, user_id: UserId, state: &State) -> Answer<Arc<Principal>> {
        let authority = state.authority();
        self.known
            .try_get_with((user_id, authority), load(user_id, authority, state))
            .await
            .map_err(|problem| (*problem).clone())
    }
}

async fn load(user_id: UserId, authority: Positions, state: &State) -> Answer<Arc<Principal>> {
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    read::principal::by_id(&client, user_id)
        .await?
        .map(Arc::new)
        .ok_or_else(|| Problem::new(EdgeCode::TokenInvalid, "Could not validate credentials"))
}
