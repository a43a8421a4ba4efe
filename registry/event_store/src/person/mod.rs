//! Events of people. What is personal in them is encrypted under a key of that person, which is kept beside the
//! log and never in it: without the key it is gone from the log, its copies and its backups, and the log still
//! verifies.

mod error;
mod field;
mod keys;
mod place;
mod seal;
mod store;
#[cfg(test)]
mod tests;

pub use error::PeopleError;
pub use keys::PersonKeys;
pub use place::{KeyPlace, mentioned};
pub use store::SealedStore;
