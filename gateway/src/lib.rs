#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod connection;
pub mod profile;
pub mod simulate;
pub mod engine;
pub mod snapshot;
pub mod transport;
