//! Passwords, as argon2id hashes.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Passwords hashed at once: each takes 19 MiB and a core (OWASP's parameters for argon2id, which are
/// the crate's defaults); more would keep the sequencer from its core.
const AT_ONCE: usize = 2;

/// Verified against when there is no user, so that the answer takes as long as with one. Its password
/// is known to nobody: the hash part is arbitrary.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$\
                      RdescudvJCsgt3ub+b1dWRWJTmaaJObG3dvbYxZ6LqQ";

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct PasswordError(String);

/// Hashes and verifies passwords off the threads that answer requests, a few at a time.
pub struct Passwords {
    permits: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Semaphore::new(AT_ONCE),
        }
    }
}

impl Passwords {
    /// The PHC string of a new password.
    ///
    /// # Errors
    /// [`PasswordError`] if the operating system has no randomness for the salt.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.off_thread(move || hash(&password)).await?
    }

    /// Whether `password` is the one `stored` was made from. Takes the same time if there is none.
    ///
    /// # Errors
    /// [`PasswordError`] if the process is stopping.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.off_thread(move || verify(&password, stored.as_deref()))
            .await
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let stopping = |_| PasswordError("the process is stopping".to_owned());
        let _permit = self.permits.acquire().await.map_err(stopping)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| PasswordError(error.to_string()))
    }
}

/// The PHC string of a new password; takes tens of milliseconds.
///
/// # Errors
/// As [`Passwords::hash`].
pub fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordError(error.to_string()))
}

fn verify(password: &str, stored: Option<&str>) -> bool {
    let matches = PasswordHash::new(stored.unwrap_or(NOBODY)).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    matches && stored.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_right_password_verifies_and_a_wrong_one_does_not() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&stored)));
        assert!(!verify("correct horsf", Some(&stored)));
        assert!(!verify("correct horse", None));
    }

    #[test]
    fn nobodys_hash_costs_what_a_users_costs() {
        let parameters = |phc: &str| phc.rsplitn(3, '$').last().unwrap().to_owned();
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert_eq!(parameters(NOBODY), parameters(&hash("x").unwrap()));
    }
}
