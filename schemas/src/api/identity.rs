//! Users whom other servers sign in.

use super::field::{Fields, FromFields};
use super::problem::code;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Longest issuer and subject, in characters: OpenID Connect Core 1.0, section 2, has 255 for a subject.
pub const MAX_CHARS: usize = 255;

/// Who a user is to another server.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"issuer": "https://login.example", "subject": "248289761001"}))]
pub struct LinkIdentity {
    /// The server, exactly as its tokens have it (`iss`); 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub issuer: String,
    /// What it calls the user (`sub`); 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub subject: String,
}

impl FromFields for LinkIdentity {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let mut text = |name: &str| {
            let text: Option<String> = fields.required(name);
            let chars = text.as_ref().map(|text| text.chars().count());
            if chars.is_some_and(|chars| !(1..=MAX_CHARS).contains(&chars)) {
                let rule = format!("`{name}` must have 1 to {MAX_CHARS} characters");
                fields.refuse(name, code::OUT_OF_RANGE, rule);
            }
            text
        };
        let (issuer, subject) = (text("issuer"), text("subject"));
        Some(Self {
            issuer: issuer?,
            subject: subject?,
        })
    }
}

/// Who a user is to another server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityRead {
    /// Its id here.
    pub id: Uuid,
    /// The server.
    #[schema(example = "https://login.example")]
    pub issuer: String,
    /// What it calls the user.
    #[schema(example = "248289761001")]
    pub subject: String,
    /// Since when it stands for the user.
    pub linked_at: DateTime<Utc>,
}

/// Where to go after signing in.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OidcLoginQuery {
    /// A path of the registry; that of its configuration where absent.
    #[param(example = "/docs")]
    pub return_to: Option<String>,
}

impl FromFields for OidcLoginQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            return_to: fields.optional("return_to"),
        })
    }
}

/// What the provider sends a browser back with.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OidcCallbackQuery {
    /// What the registry takes to the provider.
    pub code: Option<String>,
    /// What the browser was sent there with.
    pub state: Option<String>,
    /// Why nobody was signed in.
    pub error: Option<String>,
    /// Which provider sends it (RFC 9207).
    pub iss: Option<String>,
}

/// The second factor of who signs in with the provider, as a form or as JSON.
#[derive(Clone, ToSchema)]
pub struct OidcCode {
    /// A code that the authenticator shows, or a recovery code.
    pub otp: String,
}

impl FromFields for OidcCode {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            otp: fields.required("otp")?,
        })
    }
}

impl FromFields for OidcCallbackQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            code: fields.optional("code"),
            state: fields.optional("state"),
            error: fields.optional("error"),
            iss: fields.optional("iss"),
        })
    }
}
