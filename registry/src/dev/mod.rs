//! The development environment: one process tree, no containers. An event store file and two private
//! Postgres clusters under the data directory, keys and passwords made there, one process that runs
//! all parts and stops them in order. Beside it, as processes of their own, a simulated inverter and a
//! gateway that meters it.

mod banner;
mod edge;
mod environment;
mod error;
mod lock;
pub mod postgres;
mod reset;
mod run;
pub(crate) mod secret;
mod user;

pub use environment::Environment;
pub use error::DevError;
pub use reset::{Leftover, leftovers, reset};
pub use run::run;
pub use user::{DEMO_USERS, DemoUser};
