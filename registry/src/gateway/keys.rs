//! Who holds which key.

use super::signature::VerifyingKey;
use crate::read::{ReadError, gateway};
use deadpool_postgres::Client;
use moka::sync::Cache;
use schemas::gateway::KeyId;
use schemas::id::GatewayId;
use std::collections::HashMap;
use std::sync::Arc;

/// Keys remembered at most.
const MAX_KEYS: u64 = 100_000;

/// A key that a gateway has, or had: whether it still counts is decided with each command.
pub struct KnownKey {
    /// Whose it is.
    pub gateway_id: GatewayId,
    /// The key.
    pub key: VerifyingKey,
}

/// Keys of gateways by id. A key's id is its thumbprint and its gateway never changes, so what is
/// remembered here never gets out of date.
pub struct KeyDirectory(Cache<KeyId, Arc<KnownKey>>);

impl Default for KeyDirectory {
    fn default() -> Self {
        Self(Cache::new(MAX_KEYS))
    }
}

impl KeyDirectory {
    /// Those of the keys that are remembered.
    #[must_use]
    pub fn remembered(&self, ids: &[KeyId]) -> HashMap<KeyId, Arc<KnownKey>> {
        let known = ids.iter().map(|id| (*id, self.0.get(id)));
        known.filter_map(|(id, key)| Some((id, key?))).collect()
    }

    /// Those of the keys that the READ database shows; they are remembered from here on.
    ///
    /// # Errors
    /// If it can not be asked.
    pub async fn look_up(
        &self,
        client: &Client,
        ids: &[KeyId],
    ) -> Result<HashMap<KeyId, Arc<KnownKey>>, ReadError> {
        let mut found = HashMap::new();
        for (id, gateway_id, public) in gateway::keys(client, ids).await? {
            let Ok(key) = VerifyingKey::new(&public) else {
                tracing::error!(key_id = %id, "a key was enrolled that is none");
                continue;
            };
            let known = Arc::new(KnownKey { gateway_id, key });
            self.0.insert(id, Arc::clone(&known));
            found.insert(id, known);
        }
        Ok(found)
    }
}
