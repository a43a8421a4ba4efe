#![doc = include_str!("../README.md")]

mod error;
mod event;
pub mod sqlite;
mod store;

pub use error::{AppendError, StoreError};
pub use event::{NewEvent, RecordedEvent};
pub use sqlite::SqliteStore;
pub use store::{EventStore, Head, Limits};
