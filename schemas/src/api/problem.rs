//! How a failure is answered: RFC 9457 problem documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not carried out. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/account_name_taken",
    "title": "Another account has the name",
    "status": 422,
    "detail": "Account name already exists in the database.",
    "code": "account_name_taken",
    "errors": [{
        "pointer": "/account_name",
        "code": "account_name_taken",
        "detail": "Account name already exists in the database."
    }]
}))]
pub struct ProblemDocument {
    /// Page that says what happened and what to do.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every occurrence of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time, in a sentence.
    pub detail: String,
    /// Stable code; each has a page.
    pub code: String,
    /// The fields, parameters or rows at fault, all of them.
    pub errors: Vec<FieldError>,
}

/// One field, parameter or row at fault.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Name of a query, path or header parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// Row of a table, counted from 1 without the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub row: Option<u32>,
    /// Column of that row, by its header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub column: Option<String>,
    /// A bundle that stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub bundle_id: Option<crate::id::BundleId>,
    /// Stable code.
    pub code: String,
    /// The rule it breaks, in a sentence.
    pub detail: String,
}

/// Codes of fields that can not be read; the others are those of the rules.
pub mod code {
    /// A required field is absent or null.
    pub const MISSING: &str = "missing";
    /// A value has another type than its field, or a number is not whole.
    pub const WRONG_TYPE: &str = "wrong_type";
    /// A word is not in its enumeration.
    pub const UNKNOWN_VALUE: &str = "unknown_value";
    /// A text is not a date or time.
    pub const NOT_A_TIME: &str = "not_a_time";
    /// A value is outside what its field allows.
    pub const OUT_OF_RANGE: &str = "value_out_of_range";

    /// All of them.
    pub const ALL: [&str; 5] = [MISSING, WRONG_TYPE, UNKNOWN_VALUE, NOT_A_TIME, OUT_OF_RANGE];
}
