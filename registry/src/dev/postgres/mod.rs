//! Private Postgres clusters without Docker: found, created, started and stopped by this process,
//! on loopback only. `dev` runs two of them; the integration tests run theirs through the same code.
//!
//! What is in them is disposable (the event log is the truth), the processes are not: whatever
//! happened to the process that started a cluster before, the next [`Cluster::start`] ends with
//! exactly one postmaster over the directory.

mod binaries;
mod cluster;
mod config;
mod error;
mod flock;
mod init;
mod owner;
mod pid_file;
mod place;
mod postmaster;
mod process;
mod tuning;

#[cfg(test)]
mod tests;

pub use binaries::Binaries;
pub use cluster::Cluster;
pub use config::{ClusterConfig, Sharing};
pub use error::ClusterError;
pub use owner::Owner;
pub use place::place;
pub use postmaster::stop_left_over;
pub use tuning::Tuning;
