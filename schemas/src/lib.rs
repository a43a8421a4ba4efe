//! The vocabulary every part of the registry shares: typed ids, amounts, intervals, the versioned
//! events with their envelope, and the request and response types of the HTTP API.
//!
//! Nothing here decides anything and nothing here does IO.

pub mod amount;
pub mod api;
pub mod bundle;
pub mod capability;
pub mod energy;
pub mod envelope;
pub mod event;
pub mod exchange;
pub mod gateway;
pub mod id;
pub mod interval;
pub mod life_cycle;
pub mod log;
pub mod person;
pub mod recurring;
pub mod storage;

pub use amount::{WattHours, Watts};
pub use interval::Interval;
