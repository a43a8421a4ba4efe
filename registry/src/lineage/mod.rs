//! Where a bundle comes from and what became of it: told from what the READ database and the ledger hold,
//! and checked from a saved answer without either.

pub mod evidence;
mod life;
pub mod log;
mod raw;
mod replay;
mod tell;
pub mod verify;

pub use raw::events;
pub use tell::timeline;
