//! A device of a profile: what its registers hold at a moment.

mod identity;
mod map;
mod state;
mod sunspec;
mod telegram;
mod unit;

pub use identity::Identity;
pub use map::{Map, Refusal};
pub use state::values;
pub use sunspec::{Family, Wiring};
pub use unit::{Device, Unsupported};

#[cfg(test)]
mod tests;
