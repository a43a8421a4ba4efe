//! Databases that die, hang, are not there or are restored from an old backup, under load: commands go
//! on or are refused with 503, nothing that was acknowledged is lost, and the lag closes.
//!
//! Each test has servers of its own.

mod absent;
mod backup;
mod forgotten;
mod full;
mod killed;
mod load;
mod panicked;
mod paused;
pub(crate) mod process;
mod standby;
mod suite;
