//! Signing in.

use super::field::{Fields, FromFields};
use crate::id::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// E-mail address and password, as a form or as JSON.
#[derive(Clone, ToSchema)]
pub struct LoginRequest {
    /// E-mail address.
    #[schema(example = "trading_user@usermail.com")]
    pub username: String,
    /// Password.
    #[schema(format = Password)]
    pub password: String,
}

impl FromFields for LoginRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let username = fields.required("username");
        let password = fields.required("password");
        Some(Self {
            username: username?,
            password: password?,
        })
    }
}

/// Options of signing in.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// Whether to set the token as a cookie `access_token` too, for browsers; mutations that come with
    /// it need a CSRF token.
    #[param(required = false)]
    pub cookie: bool,
}

impl FromFields for LoginQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            cookie: fields.or("cookie", false),
        })
    }
}

/// An access token.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginResponse {
    /// JWT for the header `Authorization: Bearer`.
    pub access_token: String,
    /// `bearer`.
    #[schema(example = "bearer")]
    pub token_type: String,
    /// Who signed in.
    #[schema(value_type = i64)]
    pub user_id: UserId,
    /// Seconds until the token expires.
    pub expires_in: u32,
}

/// A token that cookie-authenticated mutations repeat in the header `X-CSRF-Token`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CsrfToken {
    /// The token.
    pub csrf_token: String,
}
