//! Requests and responses of the HTTP API: the contract of the FEA registry, and what ours adds in the
//! same style.
//!
//! Responses are written by serde. Requests are read field by field ([`field::Fields`]), so that every
//! field at fault is reported at once and no number passes through a float.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod auth;
pub mod certificate;
pub mod decimal;
pub mod device;
pub mod field;
pub mod holding;
pub mod identity;
pub mod measurement;
pub mod meter;
pub mod named;
pub mod oauth;
pub mod organisation;
pub mod page;
pub mod problem;
pub mod problem_page;
pub mod storage;
pub mod time;
pub mod user;
pub mod value;

pub use decimal::ExactNumber;
pub use field::{Fields, FromFields};
pub use named::Named;
pub use value::FromValue;
