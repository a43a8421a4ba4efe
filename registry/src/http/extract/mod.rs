//! What handlers take out of a request. Who may do it is checked here: there is no way to a caller, a
//! READ connection or a command that does not pass through.

mod body;
mod caller;
pub mod may;
mod parameter;
mod read;
mod write;

pub use body::{BODY_LIMIT, Form, Json};
pub(in crate::http) use body::{collect, is_json, read_json, unsupported};
pub use caller::Caller;
pub use may::May;
pub(in crate::http) use parameter::form_pairs;
pub use parameter::{Id, Query};
pub use read::{Member, Read, Viewer};
pub use write::{Origin, Write};

use super::problem::{Answer, Problem};
use super::state::State;
use actix_web::HttpRequest;
use std::sync::Arc;

/// The state of the process.
pub(super) fn state(request: &HttpRequest) -> Answer<Arc<State>> {
    request
        .app_data::<actix_web::web::Data<State>>()
        .map(|data| Arc::clone(data))
        .ok_or_else(|| Problem::internal(&"the application was built without its state"))
}
