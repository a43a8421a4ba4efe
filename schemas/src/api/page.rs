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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::field::Source;

    #[test]
    fn a_page_has_at_most_1_000_entries_and_as_many_unless_fewer_are_asked_for() {
        let limit = |text: &str| {
            let pair = ("limit".to_owned(), text.to_owned());
            let fields = Fields::from_pairs([pair], Source::Parameters);
            fields.read::<PageQuery>().map(|page| page.limit).ok()
        };
        for (asked, given) in [
            ("0", Some(MAX_LIMIT)),
            ("1", Some(1)),
            ("1000", Some(1_000)),
            ("1001", None),
            ("-1", None),
        ] {
            assert_eq!(limit(asked), given, "{asked}");
        }
    }
}
