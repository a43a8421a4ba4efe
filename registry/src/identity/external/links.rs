//! Which users the subjects of other servers are.

use super::refused;
use crate::http::position::{Positions, reached};
use crate::http::problem::Answer;
use crate::http::state::State;
use crate::read;
use ledger::key::identity_digest;
use moka::future::Cache;
use schemas::event::link::ExternalIdentity;
use schemas::id::UserId;
use std::time::Duration;
use uuid::Uuid;

/// How long what is known of a subject is taken for granted. What changes through this process counts at once,
/// what changes through another after this long.
const TRUSTED: Duration = Duration::from_secs(1);
/// Subjects remembered at most.
const MAX_LINKS: u64 = 100_000;

/// The links seen lately, by digest; the positions that decide who may do what are part of the key.
pub struct Links(Cache<(Uuid, Positions), Option<UserId>>);

impl Default for Links {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_LINKS)
                .time_to_live(TRUSTED)
                .build(),
        )
    }
}

impl Links {
    /// The digest of an identity, and the user it is linked to.
    ///
    /// # Errors
    /// 401 if there is none, 503 if that can not be found out.
    pub async fn user_of(
        &self,
        identity: &ExternalIdentity,
        state: &State,
    ) -> Answer<(Uuid, UserId)> {
        let id = identity_digest(identity);
        let authority = state.authority();
        let load = load(id, authority, state);
        let found = self.0.try_get_with((id, authority), load).await;
        let found = found.map_err(|problem| (*problem).clone())?;
        found.map(|user_id| (id, user_id)).ok_or_else(refused)
    }
}

async fn load(id: Uuid, authority: Positions, state: &State) -> Answer<Option<UserId>> {
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    Ok(read::identity::user_of(&client, id).await?)
}
