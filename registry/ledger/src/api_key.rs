//! Rules of keys for machines. That a key is good for nothing its user may not do is decided at the web
//! edge, with every request.

use crate::context::Context;
use crate::refusal::{Code, Refusal};
use crate::state::Entries;
use crate::user::existing;
use chrono::TimeDelta;
use schemas::event::IdentityEvent;
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};

/// Keys of one user that were not revoked.
pub const MAX_API_KEYS: usize = 100;
/// Longest that a key is good.
pub const MAX_API_KEY_DAYS: i64 = 366;

pub(crate) fn issue(
    entries: &impl Entries,
    key: &ApiKeyIssued,
    context: &Context,
) -> Result<IdentityEvent, Refusal> {
    let user = existing(entries, key.user_id)?;
    if user.api_keys.len() >= MAX_API_KEYS {
        return Err(Refusal::new(
            Code::TooManyApiKeys,
            format!("a user has at most {MAX_API_KEYS} keys; revoke one first"),
        ));
    }
    let latest = context.now + TimeDelta::days(MAX_API_KEY_DAYS);
    if key.expires_at <= context.now || key.expires_at > latest {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("`expires_at` must be in the future, by at most {MAX_API_KEY_DAYS} days"),
        )
        .at("/expires_at"));
    }
    Ok(key.clone().into())
}

pub(crate) fn revoke(
    entries: &impl Entries,
    key: &ApiKeyRevoked,
) -> Result<IdentityEvent, Refusal> {
    if !existing(entries, key.user_id)?
        .api_keys
        .contains(&key.key_id)
    {
        return Err(Refusal::new(
            Code::ApiKeyNotFound,
            format!("API key with id {} not found", key.key_id),
        ));
    }
    Ok(key.clone().into())
}
