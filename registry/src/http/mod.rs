//! The HTTP API: authenticates, reads requests, has commands decided, answers from receipts and from
//! the READ database. No rule of the registry is decided here.

mod access;
pub mod account;
pub mod api_key;
pub mod audit;
pub mod auth;
mod browser;
pub mod certificate;
mod client_address;
mod decide;
pub mod device;
pub mod extract;
pub mod gateway;
pub mod idempotency;
pub mod limit;
mod listed;
pub mod measurement;
pub mod oauth;
mod observe;
pub mod oidc;
pub mod openapi;
pub mod ops;
pub mod organisation;
pub mod port;
pub mod position;
pub mod problem;
mod recalled;
pub mod request_id;
mod routes;
pub mod server;
pub mod state;
pub mod storage;
#[cfg(test)]
mod tests;
pub mod user;

pub use extract::{Caller, Form, Id, Json, May, Member, Origin, Query, Read, Viewer, Write, may};
pub use openapi::openapi_document;
pub use problem::{Answer, EdgeCode, Problem};
pub use server::{Server, serve};
pub use state::{Parts, State, StateError};
