//! The entries of the ledger's state as rows of the WRITE database.

mod gateway;
mod load;
mod organisation;
mod row;
mod save;
mod session;

pub use crate::checkpoint::{Checkpoint, checkpoint};
pub use load::{Loaded, load};
pub(crate) use load::{fetch, slots};
pub(crate) use row::{meter, trail, word};
pub(crate) use save::save;
