//! Registering users from within: the first administrator, and the demo users of `dev`.

use std::time::{Duration, Instant};

use ledger::{Code, Command, Event};
use projections::postgres::Secret;
use schemas::{
    event::{IdentityEvent, identity::UserProfile},
    id::UserId,
    life_cycle::Role,
};

use super::core::Core;
use crate::{
    identity::PasswordError,
    sequencer::{ExecuteError, Request},
};

/// How long a registry that has just been started may take until it decides.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is asked meanwhile.
const RETRY: Duration = Duration::from_millis(100);

/// Somebody who shall be able to sign in.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub organisation: Option<String>,
    pub password: Secret,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

impl RegisterError {
    /// Whether somebody signs in with this e-mail address already.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Execute(ExecuteError::Refused(refusal)) if refusal.code == Code::EmailTaken
        )
    }
}

impl Core {
    /// Registers a user, however weak their password; `by` names the part of the registry that does it, for the
    /// event's actor. Waits for a registry that is still starting.
    ///
    /// # Errors
    /// [`RegisterError`]; see [`RegisterError::is_taken`].
    pub async fn register(&self, user: NewUser, by: &str) -> Result<Option<UserId>, RegisterError> {
        let hash = self
            .passwords
            .hash(user.password.expose().to_owned())
            .await?;
        let profile = UserProfile {
            name: user.name,
            email: user.email,
            role: user.role,
            organisation: user.organisation,
            password_hash: Some(hash),
        };
        let request = Request::of_system(by, Command::RegisterUser(profile));
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.sequencers.execute(request.clone()).await {
                Ok(receipt) => {
                    return Ok(receipt.events.iter().find_map(|(_, event)| match event {
                        Event::Identity(IdentityEvent::UserRegistered(event)) => {
                            Some(event.user_id)
                        }
                        _ => None,
                    }));
                }
                Err(ExecuteError::Unavailable(_) | ExecuteError::Busy)
                    if Instant::now() < deadline =>
                {
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
