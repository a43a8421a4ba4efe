//! Events of the people who use the registry. Personal data lives in this stream only.

use crate::id::UserId;
use crate::life_cycle::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user exists from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The new user.
    pub user_id: UserId,
    /// What is known of them.
    pub profile: UserProfile,
}

/// Profile, role or password of a user changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUpdated {
    /// The user.
    pub user_id: UserId,
    /// Digest of the e-mail address they had; it is free if the address changed.
    pub previous_email: Uuid,
    /// What is different from here on.
    pub changes: UserChanges,
}

/// The user can no longer sign in; what they did stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRemoved {
    /// The user.
    pub user_id: UserId,
    /// Digest of their e-mail address, free from here on.
    pub email: Uuid,
}

/// The person behind the user is forgotten: they can not sign in, and with their key what the log says of them is lost.
/// The user's id stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErased {
    /// The user.
    pub user_id: UserId,
}

/// What is known of a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfile {
    /// Name.
    pub name: String,
    /// Sign-in name, unique without regard to case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Organisation they act for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// PHC string of the password's argon2id hash; none where the user can not sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

/// What of a user's profile changed; what is `None` stayed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UserChanges {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// New role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// New organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// New password hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

impl std::fmt::Debug for UserChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserChanges")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Shows neither e-mail nor hash: a profile may end up in a log line.
impl std::fmt::Debug for UserProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserProfile")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
