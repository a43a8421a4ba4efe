//! From HTTP to the event stream: the sequencer, the API, sign-in, importers, the development
//! environment, and the binary `registry`.

pub mod audit;
pub mod backup;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod dev;
pub mod doctor;
pub mod exchange;
pub mod expiry;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod import;
pub mod lineage;
pub mod lock;
pub mod read;
pub mod readings;
pub mod recurring;
pub mod seed;
pub mod sequencer;
pub mod signal;
pub mod storage;
pub mod system;
#[cfg(test)]
mod wrapped;
