//! Sign-in.

use super::external::{Introspection, Oidc};
use crate::identity::{BreachedError, BreachedList};
use std::path::{Path, PathBuf};
use std::{fs, io};

use projections::postgres::Secret;
use schemas::capability::Duties;
use serde::{Deserialize, Serialize};

/// HMAC-SHA-256 keys shorter than their hash are weaker than the algorithm (RFC 2104, section 3).
pub const MIN_MASTER_SECRET_BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// What seals the secrets in the event store, such as the keys that sign access tokens, and what other
    /// secrets follow from; at least 32 bytes. Has no default: `serve` does not start without one, `dev`
    /// makes one and keeps it. All processes of a registry have the same. Another one ends all sessions.
    pub master_secret: Secret,
    /// A file whose first line is the secret; used when `master_secret` is empty.
    pub master_secret_file: Option<PathBuf>,
    /// How long an access token is good, in minutes.
    pub token_minutes: u32,
    /// How long a session can be refreshed, in days from signing in.
    pub session_days: u32,
    /// After how many days another key signs access tokens.
    pub signing_key_days: u32,
    /// What a password hash costs. A user's password is hashed anew at the next sign-in when it changes; until the last
    /// is, every look at a password hashes at each cost in use, so that the time tells nothing of whose it is. Beside
    /// this one that is at most eight; who has a hash of another needs a new password.
    pub password_cost: PasswordCost,
    /// A file of passwords that were stolen elsewhere, which nobody can choose: lines of SHA-1, colon and count,
    /// ordered by hash, as Have I Been Pwned's offline list has them. It is searched where it lies. Without one,
    /// passwords that would be guessed are refused alone.
    pub breached_passwords: Option<PathBuf>,
    /// Whether the demo users with their published passwords exist. Only for `dev`.
    pub dev_users: bool,
    /// Whether the issuing body (ADMIN) neither trades nor submits readings. `dev` sets it to false, so
    /// that the administrator of the contract may do everything.
    pub separation_of_duties: bool,
    /// An OpenID provider that signs people in besides.
    pub oidc: Oidc,
    /// A server that is asked about bearer tokens besides.
    pub introspection: Introspection,
}

/// Costs of argon2id (RFC 9106, section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl PasswordCost {
    /// The most lanes that are taken.
    pub const MAX_LANES: u32 = 16;
    /// The most memory that is taken, in KiB.
    pub const MAX_MEMORY_KIB: u32 = 4_194_304;
    /// The most passes that are taken.
    pub const MAX_PASSES: u32 = 100;
}

/// What OWASP's Password Storage Cheat Sheet asks of argon2id at least.
impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            master_secret: Secret::default(),
            master_secret_file: None,
            token_minutes: 15,
            session_days: 30,
            signing_key_days: 90,
            password_cost: PasswordCost::default(),
            breached_passwords: None,
            dev_users: false,
            separation_of_duties: true,
            oidc: Oidc::default(),
            introspection: Introspection::default(),
        }
    }
}

/// What is wrong with the settings of sign-in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(
        "no master secret: set auth.master_secret_file (GCR_AUTH__MASTER_SECRET_FILE) or \
         auth.master_secret (GCR_AUTH__MASTER_SECRET) to at least {MIN_MASTER_SECRET_BYTES} random bytes, \
         for example from `openssl rand -hex 32`"
    )]
    NoSecret,
    #[error(
        "the master secret has {len} bytes; auth.master_secret must have at least \
         {MIN_MASTER_SECRET_BYTES}, for example from `openssl rand -hex 32`"
    )]
    ShortSecret { len: usize },
    #[error("{key} {path} can not be read: {source}")]
    SecretFile {
        key: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    Breached(#[from] BreachedError),
}

impl Auth {
    /// The master secret, from the setting or its file.
    ///
    /// # Errors
    /// [`AuthError`] when there is none, it is shorter than [`MIN_MASTER_SECRET_BYTES`], or its file
    /// can not be read.
    pub fn master(&self) -> Result<Secret, AuthError> {
        let file = self.master_secret_file.as_deref();
        let key = secret("auth.master_secret_file", &self.master_secret, file)?;
        match key.expose().len() {
            0 => Err(AuthError::NoSecret),
            len if len < MIN_MASTER_SECRET_BYTES => Err(AuthError::ShortSecret { len }),
            _ => Ok(key),
        }
    }

    /// The passwords that were stolen elsewhere, where there is a list of them.
    ///
    /// # Errors
    /// [`AuthError::Breached`] if it can not be read or is none.
    pub fn breached(&self) -> Result<Option<BreachedList>, AuthError> {
        let file = self.breached_passwords.as_deref();
        Ok(file.map(BreachedList::open).transpose()?)
    }

    /// Whether the duties of the issuing body and of the market are separated.
    #[must_use]
    pub const fn duties(&self) -> Duties {
        if self.separation_of_duties {
            Duties::Separated
        } else {
            Duties::Together
        }
    }

    /// What a production process needs to sign people in: a master secret, and every file that is named.
    ///
    /// # Errors
    /// [`AuthError`], the first rule that does not hold.
    pub fn check_production(&self) -> Result<(), AuthError> {
        self.master()?;
        self.breached()?;
        self.oidc.secret()?;
        self.introspection.secret()?;
        Ok(())
    }
}

/// A secret: the setting, else the first line of its file, which the setting `key` names.
///
/// # Errors
/// [`AuthError::SecretFile`].
pub(super) fn secret(
    key: &'static str,
    set: &Secret,
    file: Option<&Path>,
) -> Result<Secret, AuthError> {
    let Some(path) = file.filter(|_| set.is_empty()) else {
        return Ok(set.clone());
    };
    let text = fs::read_to_string(path).map_err(|source| AuthError::SecretFile {
        key,
        path: path.to_owned(),
        source,
    })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(master_secret: &str) -> Auth {
        Auth {
            master_secret: Secret::new(master_secret),
            ..Auth::default()
        }
    }

    #[test]
    fn production_without_a_key_is_refused_and_says_how_to_make_one() {
        let error = Auth::default().check_production().unwrap_err().to_string();
        assert!(
            error.contains("GCR_AUTH__MASTER_SECRET") && error.contains("openssl"),
            "{error}"
        );
    }

    #[test]
    fn a_key_of_31_bytes_is_refused_and_one_of_32_is_taken() {
        assert!(matches!(
            with(&"k".repeat(31)).check_production(),
            Err(AuthError::ShortSecret { len: 31 })
        ));
        assert!(with(&"k".repeat(32)).check_production().is_ok());
    }

    #[test]
    fn duties_are_separated_unless_somebody_says_otherwise() {
        assert_eq!(Auth::default().duties(), Duties::Separated);
    }

    #[test]
    fn the_key_can_come_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, format!("{}\n", "k".repeat(40))).unwrap();
        let auth = Auth {
            master_secret_file: Some(path),
            ..Auth::default()
        };
        assert_eq!(auth.master().unwrap().expose().len(), 40);
    }
}
