//! What is left of a person who was erased.

use crate::id::UserId;

/// What stands in the place of what they called something.
pub const ERASED: &str = "erased";

/// What stands in the place of their name.
#[must_use]
pub fn erased_name(user_id: UserId) -> String {
    format!("erased user {user_id}")
}

/// What stands in the place of their e-mail address: one that nobody can have (RFC 2606, section 2).
#[must_use]
pub fn erased_email(user_id: UserId) -> String {
    format!("user-{user_id}@erased.invalid")
}
