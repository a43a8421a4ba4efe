//! The event store as its users see it.
#![allow(clippy::unwrap_used)]

mod conformance;
mod crash;
mod damage;
mod sqlite;
