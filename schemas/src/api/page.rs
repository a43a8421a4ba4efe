//! Lists in pages.

use super::field::{Fields, FromFields};
use super::problem::code;
use utoipa::IntoParams;

/// Entries of a page unless the client asks for fewer, and the most it may ask for.
pub const MAX_LIMIT: i64 = 1_000;

/// Header that carries the cursor of the next page where the body is a bare list.
pub const NEXT_CURSOR_HEADER: &str = "X-Next-Cursor";

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Entries per page; absent or 0 means the most there can be.
    #[param(minimum = 0, maximum = 1000, default = 1000, required = false)]
    pub limit: i64,
    /// Where to go on: `next_cursor` or `X-Next-Cursor` of the page before.
    #[param(required = false, example = "eyJpZCI6N30")]
    pub cursor: Option<String>,
}

impl FromFields for PageQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let limit = match fields.or("limit", 0) {
            0 => MAX_LIMIT,
            limit => limit,
        };
        if !(1..=MAX_LIMIT).contains(&limit) {
            fields.refuse(
                "limit",
                code::OUT_OF_RANGE,
                format!("`limit` must be 0 to {MAX_LIMIT}"),
            );
        }
        let cursor = fields.optional("cursor");
        Some(Self { limit, cursor })
    }
}
