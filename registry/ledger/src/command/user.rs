//! Commands about users.

use schemas::event::identity::UserChanges;
use schemas::id::UserId;
use uuid::Uuid;

/// See [`crate::Command::RehashPassword`].
#[derive(Clone)]
pub struct RehashPassword {
    /// The user.
    pub user_id: UserId,
    /// The hash so far.
    pub before: String,
    /// The new one, of the same password.
    pub after: String,
}

/// Shows no hash: a command may end up in a log line.
impl std::fmt::Debug for RehashPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RehashPassword")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// See [`crate::Command::UpdateUser`].
#[derive(Debug, Clone)]
pub struct UpdateUser {
    /// The user.
    pub user_id: UserId,
    /// What shall be different.
    pub changes: UserChanges,
    /// The one session that outlives a new password: that in which the user changed it.
    pub session: Option<Uuid>,
}
