#![doc = include_str!("../README.md")]

pub mod copy;
mod error;
mod event;
#[cfg(feature = "kurrentdb")]
pub mod kurrentdb;
mod location;
pub mod person;
pub mod sqlite;
mod store;

pub use error::{AppendError, Refused, StoreError};
pub use event::{NewEvent, RecordedEvent};
#[cfg(feature = "kurrentdb")]
pub use kurrentdb::KurrentStore;
pub use location::{Location, LocationError, StoreUrl};
pub use person::{KeyPlace, SealedStore};
pub use sqlite::SqliteStore;
pub use store::{EventStore, Head, Limits};
