//! From a counter's values to readings: wall-clock intervals in UTC, whole Wh, the remainder carried, and a
//! guard that says how far each reading can be trusted.
//!
//! Pure: no clock, no IO. [`Accountant::take`] is given samples in the order they were taken and gives the
//! readings that they finish; its state is kept with them, in one transaction.
//!
//! # What a reading holds
//! The counter's values at the ends of the interval, between two samples in proportion to time. Values are added up
//! as one position in mWh that only grows; a reading is the difference of that position's whole Wh, so
//! the parts of a Wh are carried by themselves and the readings of any stretch add up to what the
//! counter advanced.
//!
//! # How far it can be trusted
//! *Measured*: at both ends there were samples close by ([`Settings::straddle`]). *Interpolated*: an end
//! lies between samples farther apart. *Doubtful*: an end lies in a gap longer than [`Settings::max_gap`] or
//! while the meter gave no sense, or something in the interval is wrong: the clock, or the counter. A step of the
//! counter that can not be (down, up beyond the nameplate, of another meter) is looked at until it has been seen
//! [`CONFIRMATIONS`] times, or has passed. If it stays, what was produced during it is not known and
//! nothing is counted for it.

mod account;
pub mod guard;
mod length;
mod state;
#[cfg(test)]
mod tests;

pub use account::{Accountant, Settings};
pub use length::{Length, UnknownLength};
pub use state::State;

/// How often a value has to be seen that the counter can not have advanced to, before it is believed.
pub const CONFIRMATIONS: usize = 3;
/// Most intervals that one gap is divided into: a year of five minutes. What is longer is one doubtful reading.
pub const MAX_INTERVALS: i64 = 366 * 288;
/// A wall clock that differs from the monotonic one by more than this between two samples was set, in ms.
pub const CLOCK_STEP_MS: i64 = 2_000;
/// The largest counter that is believed, in mWh: leaves room for what is added to it.
pub const MAX_COUNTER_MWH: i64 = i64::MAX / 4;
