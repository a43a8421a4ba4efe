#![doc = include_str!("../README.md")]

pub mod clock;
pub mod connection;
pub mod snapshot;
pub mod transport;
