//! Bare lists, with the cursor of the next page in a header.

use super::certificate::foreign_cursor;
use super::problem::Answer;
use crate::read::cursor::{Page, decode};
use actix_web::HttpResponse;
use schemas::api::page::{NEXT_CURSOR_HEADER, PageQuery};
use serde::Serialize;

/// A page of a list.
pub fn listed<T: Serialize>(page: &Page<T>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = &page.next_cursor {
        response.insert_header((NEXT_CURSOR_HEADER, cursor.as_str()));
    }
    response.json(&page.entries)
}

/// The id behind which a list in the order of ids goes on; 0 for its first page.
///
/// # Errors
/// `request_invalid` if the cursor is not one of this list.
pub fn after(list: &str, page: &PageQuery) -> Answer<i64> {
    page.cursor.as_deref().map_or(Ok(0), |cursor| {
        decode(list, cursor).ok_or_else(|| foreign_cursor("cursor"))
    })
}
