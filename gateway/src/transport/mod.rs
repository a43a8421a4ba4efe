//! How meters are reached.

mod dial;
pub mod p1;
mod session;
pub mod solarman;

pub use dial::{Dial, Line, Stream, Wire};
pub use session::{DialError, ReadError, Session};
