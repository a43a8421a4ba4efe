//! What goes wrong with a simulated device, by script.
//!
//! A script is a TOML file of `[[fault]]`s. Each begins `at_s` seconds after the simulation, of its own time,
//! lasts `for_s` seconds, and comes again `every_s` seconds if that is said:
//!
//! ```toml
//! [[fault]]
//! kind = "zero"                 # the counter says 0 for ten seconds, every hour
//! points = ["generation_total"] # without: all counters
//! at_s = 600
//! for_s = 10
//! every_s = 3600
//!
//! [[fault]]
//! kind = "disconnect"           # one answer in twenty is cut off, from the start to the end
//! chance_permille = 50
//! ```

mod error;
mod kind;
mod script;

pub use error::{FaultError, FaultErrors};
pub use kind::{Kind, Line, Shown, Turn};
pub use script::{Fault, MAX_FAULTS, MAX_FILE_BYTES, Script};

#[cfg(test)]
mod tests;
