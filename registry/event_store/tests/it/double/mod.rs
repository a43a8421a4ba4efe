//! A KurrentDB node of our own: as much of its protocol as the client uses, in memory, with faults.

mod log;
mod protocol;
mod server;
mod wire;

pub use protocol::Recorded;
pub use server::{Double, Fault, ReadFault};
