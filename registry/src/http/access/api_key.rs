//! Keys for machines.

use super::open;
use crate::http::Caller;
use crate::http::problem::{Answer, Problem};
use crate::read::api_key::by_id;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::api_key::ApiKeyRead;
use schemas::capability::Capability;
use schemas::id::UserId;
use uuid::Uuid;

impl<C> Caller<C> {
    /// Whose keys are meant: the caller's own unless they manage users.
    ///
    /// # Errors
    /// 403 for those of others.
    pub fn keeper(&self, named: Option<Named<UserId>>) -> Answer<UserId> {
        let user_id = named.map_or(self.user_id, open);
        if user_id != self.user_id {
            self.check(Capability::ManageUsers)?;
        }
        Ok(user_id)
    }

    /// The key, the caller's own unless they manage users.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn api_key(&self, named: Named<Uuid>) -> Answer<ApiKeyRead> {
        let key_id = open(named);
        by_id(&self.client().await?, key_id)
            .await?
            .filter(|key| key.user_id == self.user_id || self.may(Capability::ManageUsers))
            .ok_or_else(|| Problem::not_found(Code::ApiKeyNotFound, "API key", key_id))
    }
}
