//! From the streams of events to the two Postgres databases.

mod apply;
pub mod checkpoint;
pub mod checkpoint_watch;
mod chunk;
mod copy;
pub mod entries;
mod error;
mod feed;
pub mod postgres;
mod read;
pub mod runner;
pub mod schema;
pub mod settings;
mod target;
mod write;

pub use error::{Error, EventError};
pub use schema::{migrate, migrate_live};
pub use target::Target;
