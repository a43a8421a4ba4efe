//! The audit trail on its way into the event store.
//!
//! What is accepted is an event of the ledger or of the people, which says what it was asked by. What is
//! refused leaves none, and neither does signing in: they become [`Attempt`](schemas::event::audit::Attempt)s
//! of a stream of their own, durable before they are answered.

mod batch;
mod flood;
mod note;
mod trail;
mod writer;

pub use note::{Note, aimed_at, asked_by, by, for_account, for_key, refused, watched};
pub(crate) use note::{asked, came_to_nothing};
pub use trail::Trail;
