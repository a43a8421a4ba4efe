//! Who somebody is: passwords, access tokens, and what a caller may act for.

mod api_key;
mod credential;
mod credentials;
mod csrf;
mod password;
mod principal;
mod token;

pub use api_key::{ApiKey, ApiKeys};
pub use credential::{Credential, Restriction, Via};
pub use credentials::{ACCESS_COOKIE, credentials};
pub use csrf::{CSRF_HEADER, SESSION_COOKIE, SESSION_S};
pub use password::{PasswordError, Passwords};
pub use principal::{Principal, Principals};
pub use token::{TokenError, Tokens};
