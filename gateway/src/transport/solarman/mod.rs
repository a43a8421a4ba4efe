//! Solarman V5: Modbus RTU frames wrapped by the data loggers ("sticks") of Deye, Sofar, Solis and others,
//! on TCP port 8899. [`Solarman`] is such a connection as a byte stream of Modbus RTU, so that any Modbus
//! RTU client or server works over it.
//!
//! The vendor publishes no specification; the layout is that of the open clients (pysolarmanv5 and others).

pub mod frame;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

pub use frame::{Frame, FrameError, PORT};
pub use stream::Solarman;
