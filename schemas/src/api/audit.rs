//! The audit trail.

use super::field::{Fields, FromFields};
use crate::id::{AccountId, UserId};
use crate::words;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

words! {
    /// What became of a request.
    Outcome {
        /// It was carried out, or had been before.
        Accepted = "accepted",
        /// It was not, and left nothing behind but this entry.
        Refused = "refused",
    }
}

/// An entry of the audit trail: a request, or several refused ones that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// When it was decided; of several the first.
    pub at: DateTime<Utc>,
    /// Of several alike, when the last was.
    pub last_at: Option<DateTime<Utc>>,
    /// How many there were.
    #[schema(example = 1)]
    pub attempts: i64,
    /// Who asked, where that was proven: `user:7`, `gateway:3`, or a part of the registry, `system:expiry`.
    #[schema(example = "user:7")]
    pub principal: Option<String>,
    /// The user, where it was one.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// What they proved it with: `session:`, `api_key:` or `external:` and its id.
    #[schema(example = "session:01938c3e-7f2a-7d53-9b1f-0d6a3c1f2b4e")]
    pub via: Option<String>,
    /// Where it came from; null also where the caller may not see it.
    #[schema(example = "192.0.2.7")]
    pub address: Option<String>,
    /// Operation, by its `operationId`; what the registry did by itself, by the name of the command.
    #[schema(example = "transfer_certificates")]
    pub operation: String,
    /// The account it was asked for.
    #[schema(value_type = Option<i64>)]
    pub account_id: Option<AccountId>,
    /// Who was to sign in, where that was refused: `user:` and their id, or `nobody:` and a digest, the same for the
    /// same name; null also where several alike name different ones, and where the caller may not see it.
    #[schema(example = "user:7")]
    pub target: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Code of the refusal; `unanswered` where the client went away before the answer.
    #[schema(example = "bundle_state")]
    pub code: Option<String>,
    /// The command, by the id that its events carry.
    pub command_id: Option<Uuid>,
    /// Digest of the `Idempotency-Key`.
    pub idempotency_key: Option<Uuid>,
    /// `X-Request-Id`; of several the first.
    pub request_id: Uuid,
    /// Stream with the event that the entry follows from: `ledger`, `identity` or `audit`.
    #[schema(example = "ledger")]
    pub stream: &'static str,
    /// Position of that event; of a command's the first.
    pub position: i64,
}

/// Which entries are wanted. Every filter given narrows the answer.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// First moment.
    pub from: Option<DateTime<Utc>>,
    /// Moment after the last.
    pub to: Option<DateTime<Utc>>,
    /// Who asked.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// The account it was asked for.
    #[param(value_type = Option<i64>)]
    pub account_id: Option<AccountId>,
    /// Operation, by its `operationId`.
    #[param(example = "transfer_certificates")]
    pub operation: Option<String>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Code of the refusal.
    #[param(example = "bundle_state")]
    pub code: Option<String>,
}

impl FromFields for AuditQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            from: fields.optional("from"),
            to: fields.optional("to"),
            user_id: fields.optional("user_id"),
            account_id: fields.optional("account_id"),
            operation: fields.optional("operation"),
            outcome: fields.optional("outcome"),
            code: fields.optional("code"),
        })
    }
}
