//! Why the demo is not complete.

use crate::client::ClientError;

/// Why the demo is not complete.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("is the registry running? `make dev` starts it")]
    NobodyThere { source: ClientError },
    #[error(
        "{email} can not sign in at {url}: the demo is for `registry dev`, whose users it needs"
    )]
    NoDemoUsers { url: String, email: &'static str },
    #[error("{what}")]
    Request { what: String, source: ClientError },
    #[error("{what}: {count} readings are refused; does the device have others already?{reasons}")]
    Readings {
        what: &'static str,
        count: u64,
        reasons: String,
    },
}

/// Says what was being done.
pub(super) trait While<T> {
    fn during(self, what: impl Into<String>) -> Result<T, SeedError>;
}

impl<T> While<T> for Result<T, ClientError> {
    fn during(self, what: impl Into<String>) -> Result<T, SeedError> {
        self.map_err(|source| SeedError::Request {
            what: what.into(),
            source,
        })
    }
}
