//! What the gateway does when, and what its devices are at.

mod device_state;
mod schedule;

pub use device_state::{BOUNDARY, Occurrence, SEND, TEND};
pub use schedule::{Due, Priority, Schedule};
