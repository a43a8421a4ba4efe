//! Meters and inverters that are not there: physics, the register map of a profile, and faults by script.
//!
//! `physics` is pure, `device` makes registers of it as its profile says, `fault` says what goes wrong, and
//! `server` answers requests.

mod command;
pub mod device;
pub mod fault;
pub mod physics;
pub mod server;

pub use command::Simulate;
