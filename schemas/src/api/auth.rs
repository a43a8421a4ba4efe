//! Signing in.

use super::field::{Fields, FromFields};
use crate::gateway::PublicKey;
use crate::id::UserId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// E-mail address and password, as a form or as JSON.
#[derive(Clone, ToSchema)]
pub struct LoginRequest {
    /// E-mail address.
    #[schema(example = "trading_user@usermail.com")]
    pub username: String,
    /// Password.
    #[schema(format = Password)]
    pub password: String,
    /// Code of the second factor, six digits, or a recovery code; for who has one.
    #[schema(required = false)]
    pub otp: Option<String>,
}

impl FromFields for LoginRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let username = fields.required("username");
        let password = fields.required("password");
        Some(Self {
            username: username?,
            password: password?,
            otp: fields.optional("otp"),
        })
    }
}

/// Options of signing in.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// Whether to set the tokens as cookies `access_token` and `refresh_token`, for browsers; mutations that
    /// come with them need a CSRF token.
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
    /// Seconds until the access token expires.
    pub expires_in: u32,
    /// What `POST /auth/refresh` takes for the next access token; null where it is set as a cookie.
    pub refresh_token: Option<String>,
    /// The session that was opened or refreshed.
    pub session_id: Uuid,
}

/// A refresh token, as a form or as JSON; none where it comes as a cookie.
#[derive(Clone, ToSchema)]
pub struct RefreshRequest {
    /// The refresh token.
    #[schema(required = false, format = Password)]
    pub refresh_token: Option<String>,
}

impl FromFields for RefreshRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            refresh_token: fields.optional("refresh_token"),
        })
    }
}

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionRead {
    /// Its id.
    pub id: Uuid,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was refreshed last, or opened.
    pub refreshed_at: DateTime<Utc>,
    /// First instant at which it can no longer be refreshed.
    pub expires_at: DateTime<Utc>,
    /// The program that signed in, by its own account.
    pub client: Option<String>,
    /// Whether it is the one that the request came with.
    pub is_current: bool,
}

/// A secret for an authenticator, which holds once `POST /user/me/second_factor/confirm` was sent a code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorOffer {
    /// The secret, in base32: for typing it.
    pub secret: String,
    /// The same with registry and user: for a QR code.
    pub otpauth_uri: String,
    /// To be sent back with the first code.
    pub enrolment: String,
}

/// The first code of an authenticator.
#[derive(Clone, ToSchema)]
pub struct ConfirmSecondFactor {
    /// `enrolment` of the offer.
    pub enrolment: String,
    /// The code that the authenticator shows, six digits.
    pub code: String,
    /// The password, of who has one.
    #[schema(format = Password)]
    pub password: Option<String>,
}

impl FromFields for ConfirmSecondFactor {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let enrolment = fields.required("enrolment");
        let code = fields.required("code");
        Some(Self {
            enrolment: enrolment?,
            code: code?,
            password: fields.optional("password"),
        })
    }
}

/// Codes for who has lost the authenticator, each good once. They are shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorCodes {
    /// The codes.
    pub recovery_codes: Vec<String>,
}

/// What it takes to do without a second factor.
#[derive(Clone, ToSchema)]
pub struct RemoveSecondFactor {
    /// The password, of who has one.
    #[schema(format = Password)]
    pub password: Option<String>,
    /// A code that the authenticator shows, or a recovery code.
    pub otp: String,
}

impl FromFields for RemoveSecondFactor {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let otp = fields.required("otp");
        Some(Self {
            password: fields.optional("password"),
            otp: otp?,
        })
    }
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenKeys {
    /// The keys, the newest last.
    pub keys: Vec<TokenKey>,
}

/// A key that access tokens are signed with (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The key, 32 bytes in base64url without padding.
    pub x: String,
    /// What the `kid` of a token names: the key's thumbprint (RFC 7638).
    pub kid: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

impl TokenKey {
    /// The key as it is published; `None` for one of another curve, which signs no tokens.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        let PublicKey::Ed25519 { crv, x } = key else {
            return None;
        };
        Some(Self {
            kty: "OKP".to_owned(),
            crv: crv.to_string(),
            x: x.clone(),
            kid: key.key_id().to_string(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        })
    }
}

/// A token that cookie-authenticated mutations repeat in the header `X-CSRF-Token`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CsrfToken {
    /// The token.
    pub csrf_token: String,
}
