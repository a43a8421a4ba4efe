//! A KurrentDB node of our own: as much of its protocol as the client uses, in memory, with faults.

#[cfg(feature = "kurrentdb")]
pub mod elsewhere;
mod log;
mod protocol;
mod security;
mod server;
mod wire;

pub use protocol::Recorded;
pub use security::{Authority, Security};
pub use server::{Double, Fault, ReadFault};
