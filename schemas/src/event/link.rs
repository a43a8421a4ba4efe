//! Events of users whom other servers sign in.

use crate::id::UserId;
use crate::person::ERASED;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who somebody is to another server (OpenID Connect Core 1.0, section 2): what it calls them is unique within
/// it and never given to somebody else.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExternalIdentity {
    /// The server (`iss`).
    pub issuer: String,
    /// What it calls them (`sub`).
    pub subject: String,
}

impl ExternalIdentity {
    /// What is left of one once its user is erased. No server has such a name: theirs are URLs.
    #[must_use]
    pub fn erased() -> Self {
        Self {
            issuer: ERASED.to_owned(),
            subject: ERASED.to_owned(),
        }
    }

    /// Whether this is all that is left.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.issuer == ERASED
    }
}

/// Some servers call people by their address.
impl fmt::Debug for ExternalIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalIdentity")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Whom another server signs in as this is the user from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityLinked {
    /// The user.
    pub user_id: UserId,
    /// Who they are there.
    pub identity: ExternalIdentity,
}

/// It is nobody from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityUnlinked {
    /// The user it was.
    pub user_id: UserId,
    /// Who they were there.
    pub identity: ExternalIdentity,
}
