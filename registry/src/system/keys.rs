//! Replacing the key that signs access tokens, from within.

use super::core::Core;
use crate::identity::{Master, NewKey, SealError};
use crate::read::{ReadError, signing_key};
use crate::sequencer::{ExecuteError, Request};
use chrono::Duration;
use ledger::{Command, command};
use projections::postgres::Secret;
use schemas::gateway::KeyId;

/// The key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceKeyError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error("another key has just taken its place; try again if it shall not sign either")]
    Outrun,
}

impl Core {
    /// Has a new key sign access tokens. What the one before signed counts for `overlap` more; running
    /// processes notice within seconds.
    ///
    /// # Errors
    /// [`ReplaceKeyError`].
    pub async fn replace_signing_key(
        &self,
        master: &Secret,
        overlap: Duration,
    ) -> Result<KeyId, ReplaceKeyError> {
        let vault = Master::new(master.expose().as_bytes()).vault()?;
        let client = self.read.get().await.map_err(ReadError::from)?;
        let known = signing_key::accepted(&client).await?;
        let newest = known.iter().rfind(|key| key.accepted_until.is_none());
        let new = NewKey::random(&vault)?;
        let key_id = new.public_key.key_id();
        let add = command::AddSigningKey {
            public_key: new.public_key,
            sealed: new.sealed,
            replaces: newest.map(|key| key.key_id),
            overlap,
        };
        let request = Request::of_system("cli", Command::AddSigningKey(Box::new(add)));
        let receipt = self.sequencers.execute(request).await?;
        if receipt.events.is_empty() {
            return Err(ReplaceKeyError::Outrun);
        }
        Ok(key_id)
    }
}
