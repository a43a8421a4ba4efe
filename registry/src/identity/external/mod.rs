//! Whom other servers sign in: an OpenID provider, and a server that is asked about tokens (RFC 7662).
//!
//! What they say is proven there, and counts here as far as it is configured: their subjects are linked to users,
//! and a role only follows from a value that the configuration names.

mod claims;
mod client;
mod introspection;
mod jwks;
mod jwt;
mod links;
mod provider;
mod sign_in;

pub use claims::Claimed;
pub use introspection::Introspection;
pub use provider::Provider;
pub use sign_in::{PATIENCE, Started, Waiting};

use super::credential::{Credential, Restriction, Via};
use super::token::Tokens;
use crate::config;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use jwt::unproven_issuer;
use links::Links;
use schemas::capability::{Capabilities, Duties};

/// Longest token of another server that is looked at.
const MAX_TOKEN_BYTES: usize = 16_384;

/// The other servers, as configured.
pub struct External {
    provider: Option<Provider>,
    introspection: Option<Introspection>,
    links: Links,
    duties: Duties,
}

/// Why there can be no such server.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// A secret can not be read.
    #[error(transparent)]
    Secret(#[from] config::AuthError),
    /// There is no HTTP client.
    #[error("requests to other servers can not be made")]
    Client(#[from] reqwest::Error),
}

impl External {
    /// As configured.
    ///
    /// # Errors
    /// [`ExternalError`].
    pub fn new(auth: &config::Auth) -> Result<Self, ExternalError> {
        let provider = auth.oidc.is_on().then(|| Provider::new(&auth.oidc));
        let asked = auth.introspection.is_on();
        let introspection = asked.then(|| Introspection::new(&auth.introspection));
        Ok(Self {
            provider: provider.transpose()?,
            introspection: introspection.transpose()?,
            links: Links::default(),
            duties: auth.duties(),
        })
    }

    /// The OpenID provider, if there is one.
    #[must_use]
    pub const fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// Whether tokens of this issuer are taken, or people signed in by it.
    #[must_use]
    pub fn knows(&self, issuer: &str) -> bool {
        let provider = self.provider.as_ref().map(Provider::issuer);
        let introspection = self.introspection.as_ref().map(Introspection::issuer);
        provider == Some(issuer) || introspection == Some(issuer)
    }

    /// What a bearer token stands for that is not the registry's own.
    ///
    /// # Errors
    /// 401 if it is not good or its subject is nobody here, 503 if that can not be found out.
    pub async fn credential(&self, token: &str, state: &State) -> Answer<Credential> {
        let claimed = self.claimed(token, state.tokens()).await?;
        let (identity_id, user_id) = self.links.user_of(&claimed.identity, state).await?;
        let restriction = claimed.role.map(|role| Restriction {
            capabilities: role.map_or(Capabilities::NONE, |role| role.capabilities(self.duties)),
            accounts: None,
        });
        Ok(Credential {
            user_id,
            via: Via::External(identity_id),
            restriction,
        })
    }

    /// What a server says of whoever holds the token. Which one is asked goes by the `iss` that the token shows:
    /// nobody is shown a token of another's, and each looks at `iss` itself.
    async fn claimed(&self, token: &str, own: &Tokens) -> Answer<Claimed> {
        if token.len() > MAX_TOKEN_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused());
        }
        let issuer = unproven_issuer(token);
        if issuer.as_deref() == Some(own.issuer()) {
            return Err(refused());
        }
        if let Some(provider) = &self.provider
            && provider.takes_tokens()
            && issuer.as_deref() == Some(provider.issuer())
        {
            return provider.bearer(token).await;
        }
        match &self.introspection {
            Some(server) if issuer.is_none_or(|issuer| issuer == server.issuer()) => {
                server.ask(token).await
            }
            _ => Err(refused()),
        }
    }
}

/// The token is not good; why is not said.
fn refused() -> Problem {
    Problem::new(EdgeCode::TokenInvalid, "Could not validate credentials")
}

/// Another server can not be asked. What is the matter with it is logged here and nowhere else.
fn away(server: &'static str, cause: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(server, %cause, "another server can not be asked about a token");
    metrics::counter!("external_identity_failures_total", "server" => server).increment(1);
    Problem::new(
        EdgeCode::Unavailable,
        "the server that signs people in can not be asked at the moment",
    )
}
