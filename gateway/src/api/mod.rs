//! The local API: what the gateway is at, its devices, discovery, metrics. On loopback by default; elsewhere only
//! with a token. It can not have anything signed, and reads no registers on anybody's behalf other than to try
//! or to find a device.

mod access;
mod code;
mod device;
mod discovery;
mod key;
mod metrics;
mod openapi;
mod problem;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use access::{Access, MIN_TOKEN_CHARS, TokenError};
pub use code::Code;
pub use key::{KEY_PATH, NewKey, SigningKey};
pub use openapi::document;
pub use problem::Problem;
pub use server::{ApiError, Server, serve};
