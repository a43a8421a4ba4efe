#![doc = include_str!("../README.md")]

mod apply;
pub mod checkpoint;
pub mod checkpoint_watch;
mod chunk;
mod copy;
mod dry;
pub mod entries;
mod error;
mod feed;
pub mod health;
mod indexes;
mod lock;
pub mod log;
pub mod postgres;
mod read;
pub mod rebuild;
mod replay;
pub mod runner;
pub mod schema;
pub mod settings;
pub mod status;
mod target;
pub mod traces;
pub mod verify;
mod write;

pub use chunk::Size;
pub use dry::fold_read;
pub use error::{Error, EventError};
pub use replay::Positions;
pub use schema::{migrate, migrate_live};
pub use target::Target;
