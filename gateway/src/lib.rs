#![doc = include_str!("../README.md")]

pub mod api;
pub mod backoff;
pub mod bluetooth;
pub mod buffer;
pub mod clock;
pub mod config;
pub mod connection;
pub mod control;
pub mod discover;
pub mod engine;
pub mod profile;
pub mod signer;
pub mod simulate;
pub mod snapshot;
pub mod transport;
pub mod uplink;
