//! The event store as its users see it.
#![allow(clippy::unwrap_used)]

mod conformance;
mod copy;
mod crash;
mod damage;
#[cfg(feature = "kurrentdb")]
mod double;
#[cfg(feature = "kurrentdb")]
mod kurrentdb;
#[cfg(feature = "kurrentdb")]
mod kurrentdb_faults;
#[cfg(feature = "kurrentdb")]
mod kurrentdb_tls;
mod sqlite;
