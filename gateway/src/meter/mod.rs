//! Meters: an actor for each connection, which asks one device after another, and what comes of it.
//!
//! A [`Bus`] is a connection; [`Bus::meter`] gives a [`MeterHandle`] for each device on it, and
//! [`MeterHandle::sample`] a [`Sample`]. The session is dropped on any error of the connection and made anew
//! for the next request; a device that does not answer is left alone for a while, the others on its bus
//! are not.

mod backoff;
mod bus;
mod device;
mod error;
mod handle;
mod p1;
mod power;
mod sample;
#[cfg(test)]
mod tests;

pub use bus::{Bus, MAX_WAITING};
pub use device::{Device, IDENTITY_VALID};
pub use error::MeterError;
pub use handle::{MeterHandle, Source};
pub use p1::P1Port;
pub use sample::{Counter, Sample};
#[cfg(test)]
pub(crate) use tests::slave;
