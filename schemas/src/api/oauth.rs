//! Tokens for machines, and questions about tokens: OAuth 2.0 (RFC 6749, 7662, 8414).

use super::problem::ProblemDocument;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A request for an access token, as a form. A machine proves who it is by HTTP Basic (id and key, each
/// form-encoded) or by `client_id` and `client_secret`.
#[derive(Clone, ToSchema)]
pub struct TokenRequest {
    /// `client_credentials` for a machine, `refresh_token` for a session.
    #[schema(example = "client_credentials")]
    pub grant_type: String,
    /// Capabilities with a space between, of those that the key is good for; absent stands for all of them.
    #[schema(required = false, nullable = false, example = "read trade")]
    pub scope: Option<String>,
    /// `key_id` of the API key.
    #[schema(required = false, nullable = false)]
    pub client_id: Option<String>,
    /// The API key.
    #[schema(required = false, nullable = false, format = Password)]
    pub client_secret: Option<String>,
    /// The refresh token of a session, for `refresh_token`.
    #[schema(required = false, nullable = false, format = Password)]
    pub refresh_token: Option<String>,
}

/// An access token.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// JWT (RFC 9068) for the header `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until it expires.
    pub expires_in: u32,
    /// What it is good for; absent where that is all that the user of its session may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "read trade")]
    pub scope: Option<String>,
    /// The next refresh token of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

/// A question about a token, as a form; the machine that asks proves who it is as for a token.
#[derive(Clone, ToSchema)]
pub struct IntrospectionRequest {
    /// The token.
    #[schema(format = Password)]
    pub token: String,
    /// `key_id` of the API key of the one who asks.
    #[schema(required = false, nullable = false)]
    pub client_id: Option<String>,
    /// The API key of the one who asks.
    #[schema(required = false, nullable = false, format = Password)]
    pub client_secret: Option<String>,
}

/// What a token is good for. Of one that is not good nothing is told but that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntrospectionResponse {
    /// Whether the token is good now: an access token or an API key of this registry.
    pub active: bool,
    /// What it is good for, capabilities with a space between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "read trade")]
    pub scope: Option<String>,
    /// Id of the key it was given out for; `registry` of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<String>,
    /// `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token_type: Option<String>,
    /// Id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "7")]
    pub sub: Option<String>,
    /// Who gave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iss: Option<String>,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aud: Option<String>,
    /// Last second in which it is good, since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp: Option<i64>,
    /// When it was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iat: Option<i64>,
    /// Id of an access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub jti: Option<Uuid>,
}

/// What clients of OAuth find out about the registry by themselves (RFC 8414).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServerMetadata {
    /// Where the registry is. The `iss` of its tokens where `http.public_url` is set.
    #[schema(example = "https://registry.example")]
    pub issuer: String,
    /// Where tokens are given out.
    pub token_endpoint: String,
    /// Where questions about tokens are answered.
    pub introspection_endpoint: String,
    /// The keys that tokens are signed with.
    pub jwks_uri: String,
    /// None: there is no authorization endpoint.
    pub response_types_supported: Vec<String>,
    /// `client_credentials`, `refresh_token`.
    pub grant_types_supported: Vec<String>,
    /// How clients prove who they are; a session needs nothing but its refresh token.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How those prove who they are who ask about tokens.
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// Every capability.
    pub scopes_supported: Vec<String>,
    /// Pages about the API.
    pub service_documentation: String,
}

/// Why a token was refused: the members of OAuth (RFC 6749, section 5.2) and those of a problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OAuthError {
    /// As `code`.
    pub error: String,
    /// As `detail`.
    pub error_description: String,
    /// The problem.
    #[serde(flatten)]
    pub problem: ProblemDocument,
}

impl OAuthError {
    /// A problem in the words of OAuth.
    #[must_use]
    pub fn of(problem: ProblemDocument) -> Self {
        Self {
            error: problem.code.clone(),
            error_description: problem.detail.clone(),
            problem,
        }
    }
}
