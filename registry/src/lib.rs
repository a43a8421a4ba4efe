//! From HTTP to the event stream: the sequencer, the API, sign-in, importers, the development
//! environment, and the binary `registry`.

pub mod cli;
pub mod client;
pub mod config;
pub mod dev;
pub mod expiry;
pub mod http;
pub mod identity;
pub mod import;
pub mod lineage;
pub mod read;
pub mod readings;
pub mod seed;
pub mod sequencer;
pub mod signal;
pub mod system;
