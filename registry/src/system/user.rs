//! Registering users from within: the first administrator, and the demo users of `dev`.

use std::time::{Duration, Instant};

use ledger::{Code, Command, Event, Stream};
use projections::postgres::Secret;
use schemas::{
    event::{IdentityEvent, identity::UserProfile},
    id::{AccountId, UserId},
    life_cycle::Role,
};

use super::core::Core;
use crate::{
    identity::PasswordError,
    read::{self, ReadError},
    sequencer::{ExecuteError, Receipt, Request},
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

/// A user was not erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the READ database does not show the end of the log yet; try again")]
    Lagging,
    #[error("user {0} is the only member of account {1}; add another or close it first")]
    LastMember(UserId, AccountId),
}

impl Core {
    /// Erases a user, unless they are the last administrator or the last member of an open account; `by` names the
    /// part of the registry that does it, for the event's actor. Returns once READ shows it.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase(&self, user_id: UserId, by: &str) -> Result<(), EraseError> {
        self.read_shows_all().await?;
        let client = self.read.get().await.map_err(ReadError::from)?;
        let user = read::user::by_id(&client, user_id).await?;
        if user.is_some_and(|user| !user.is_deleted)
            && let [account, ..] = &read::account::only_kept_by(&client, user_id).await?[..]
        {
            return Err(EraseError::LastMember(user_id, account.account_id));
        }
        drop(client);
        self.decide(Request::of_system(by, Command::EraseUser(user_id)))
            .await?;
        self.read_shows_all().await
    }

    async fn read_shows_all(&self) -> Result<(), EraseError> {
        for (stream, name) in [
            (Stream::Ledger, &self.ledger_stream),
            (Stream::Identity, &self.identity_stream),
        ] {
            let head = self.store.head(name).await;
            let head = head.map_err(|error| ExecuteError::Unavailable(error.to_string()))?;
            let shown = self
                .read_checkpoints
                .wait_for(stream, head.position, PATIENCE);
            if shown.await.is_err() {
                return Err(EraseError::Lagging);
            }
        }
        Ok(())
    }

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
        let receipt = self.decide(request).await?;
        Ok(receipt.events.iter().find_map(|(_, event)| match event {
            Event::Identity(IdentityEvent::UserRegistered(event)) => Some(event.user_id),
            _ => None,
        }))
    }

    /// Has a command decided, by a registry that may be starting still.
    async fn decide(&self, request: Request) -> Result<Receipt, ExecuteError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.sequencers.execute(request.clone()).await {
                Err(ExecuteError::Unavailable(_) | ExecuteError::Busy)
                    if Instant::now() < deadline =>
                {
                    tokio::time::sleep(RETRY).await;
                }
                decided => return decided,
            }
        }
    }
}
