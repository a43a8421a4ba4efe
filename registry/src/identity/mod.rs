//! Who somebody is: passwords, access tokens, and what a caller may act for.

mod api_key;
mod breached;
mod credential;
mod credentials;
mod csrf;
mod external;
mod hash_cost;
mod key_ring;
mod master;
mod password;
mod principal;
mod refresh;
mod signing;
mod token;
mod totp;

pub use api_key::{ApiKey, ApiKeys, GoodKey};
pub use breached::{BreachedError, BreachedList};
pub use credential::{Credential, Restriction, Via};
pub use credentials::{ACCESS_COOKIE, credentials, of_own_token, verified};
pub use csrf::{CSRF_HEADER, SESSION_COOKIE, SESSION_S, check as check_csrf};
pub use external::{Claimed, External, ExternalError, PATIENCE, Provider, Started, Waiting};
#[cfg(test)]
pub(crate) use key_ring::tests::ring_of;
pub use key_ring::{KeyRing, NewKey, Signer};
pub use master::{Master, SealError, Vault};
pub use password::{ChoiceError, PasswordError, Passwords, check as check_password};
pub use principal::{Principal, Principals};
pub use refresh::{RefreshKey, RefreshToken};
pub use signing::{SigningKeys, keep as keep_signing_keys};
pub use token::{OWN_CLIENT, TokenError, Tokens, Verified};
pub use totp::{TotpSecret, recovery_codes, recovery_digest};
