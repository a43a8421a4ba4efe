//! Keys for machines.

use super::field::{Fields, FromFields};
use super::named::Named;
use super::problem::code;
use crate::capability::{Capabilities, Capability};
use crate::id::{AccountId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Most accounts that a key names.
pub const MAX_ACCOUNTS: usize = 1_000;

/// A key to make.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({
    "name": "nightly upload",
    "capabilities": ["read", "submit_readings"],
    "account_ids": [1],
    "expires_at": "2026-12-31T00:00:00Z"
}))]
pub struct CreateApiKey {
    /// What to call it, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub name: String,
    /// What it is good for: some of what its user may do.
    #[schema(min_items = 1)]
    pub capabilities: Vec<Capability>,
    /// For which accounts, at most 1,000 of its user's; absent for all of them, also those to come.
    #[schema(value_type = Option<Vec<i64>>, max_items = 1_000)]
    pub account_ids: Option<Vec<Named<AccountId>>>,
    /// Until when, at most 366 days from now.
    pub expires_at: DateTime<Utc>,
}

impl FromFields for CreateApiKey {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name: Option<String> = fields.required("name");
        let name = name.map(|name| name.trim().to_owned());
        if let Some(name) = &name
            && !(1..=MAX_NAME_CHARS).contains(&name.chars().count())
        {
            let rule = format!("`name` must have 1 to {MAX_NAME_CHARS} characters");
            fields.refuse("name", code::OUT_OF_RANGE, rule);
        }
        let capabilities: Option<Vec<Capability>> = fields.required("capabilities");
        if capabilities.as_ref().is_some_and(Vec::is_empty) {
            let rule = "`capabilities` must name at least one".to_owned();
            fields.refuse("capabilities", code::OUT_OF_RANGE, rule);
        }
        let account_ids: Option<Vec<Named<AccountId>>> = fields.optional("account_ids");
        if account_ids
            .as_ref()
            .is_some_and(|ids| ids.len() > MAX_ACCOUNTS)
        {
            let rule = format!("`account_ids` lists at most {MAX_ACCOUNTS} accounts");
            fields.refuse("account_ids", code::OUT_OF_RANGE, rule);
        }
        let expires_at = fields.required("expires_at");
        Some(Self {
            name: name?,
            capabilities: capabilities?,
            account_ids,
            expires_at: expires_at?,
        })
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKeyRead {
    /// Id.
    pub key_id: Uuid,
    /// Whose it is.
    #[schema(value_type = i64)]
    pub user_id: UserId,
    /// What they call it.
    #[schema(example = "nightly upload")]
    pub name: String,
    /// How it begins.
    #[schema(example = "gcr_0a1b2c3d")]
    pub prefix: String,
    /// What it is good for, as far as its user may do it.
    #[schema(value_type = Vec<Capability>)]
    pub capabilities: Capabilities,
    /// For which accounts; null for all of its user's.
    #[schema(value_type = Option<Vec<i64>>)]
    pub account_ids: Option<Vec<AccountId>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// When it was used last, to about ten minutes; null if never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new key, which is shown this once.
#[derive(Clone, Serialize, ToSchema)]
pub struct ApiKeyCreated {
    /// The key: send it as `Authorization: Bearer`.
    #[schema(format = Password)]
    pub key: String,
    /// What is known of it from here on.
    #[serde(flatten)]
    pub read: ApiKeyRead,
}

/// Whose keys are wanted.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ApiKeyQuery {
    /// The user; the caller where absent. Those of others are for who manages users.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<Named<UserId>>,
}

impl FromFields for ApiKeyQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            user_id: fields.optional("user_id"),
        })
    }
}
