//! Access tokens: short-lived JWTs under the registry's own key.

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::Rng;
use schemas::id::UserId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The one algorithm: the header of a token is not asked.
const ALGORITHM: Algorithm = Algorithm::HS256;
const ACCESS: &str = "access";
const SESSION: &str = "session";

/// A token is not one of ours, or no longer good.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Signature, issuer, audience or expiry do not hold.
    #[error("the token is not valid")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// The subject is not a user.
    #[error("the token names no user")]
    Subject,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Makes and reads tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    issuer: String,
    lifetime_s: u32,
}

impl Tokens {
    /// Tokens of a domain under `secret`, good for `minutes`.
    #[must_use]
    pub fn new(secret: &[u8], domain: &str, minutes: u32) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            issuer: format!("registry-{domain}"),
            lifetime_s: minutes.saturating_mul(60),
        }
    }

    /// Seconds that an access token is good for.
    #[must_use]
    pub const fn lifetime_s(&self) -> u32 {
        self.lifetime_s
    }

    /// An access token for a user.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if it can not be signed.
    pub fn access(&self, user_id: UserId) -> Result<String, TokenError> {
        self.sign(ACCESS, user_id.to_string(), self.lifetime_s)
    }

    /// Whose access token this is, and its id.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn user(&self, token: &str) -> Result<(UserId, Uuid), TokenError> {
        let claims: Claims = self.verified(ACCESS, token)?;
        let user_id = claims.sub.parse().map_err(|_| TokenError::Subject)?;
        Ok((user_id, claims.jti))
    }

    /// A CSRF token and the session that proves it was given out here.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if it can not be signed.
    pub fn session(&self, lifetime_s: u32) -> Result<(String, String), TokenError> {
        let mut random = [0_u8; 32];
        rand::rng().fill_bytes(&mut random);
        let csrf = hex::encode(random);
        let session = self.sign(SESSION, csrf.clone(), lifetime_s)?;
        Ok((csrf, session))
    }

    /// The CSRF token of a session.
    ///
    /// # Errors
    /// [`TokenError::Invalid`].
    pub fn csrf(&self, session: &str) -> Result<String, TokenError> {
        self.verified::<Claims>(SESSION, session)
            .map(|claims| claims.sub)
    }

    fn sign(&self, audience: &str, subject: String, lifetime_s: u32) -> Result<String, TokenError> {
        let now = Utc::now().timestamp();
        let claims = Claims {
            sub: subject,
            iss: self.issuer.clone(),
            aud: audience.to_owned(),
            iat: now,
            exp: now + i64::from(lifetime_s),
            jti: Uuid::now_v7(),
        };
        Ok(jsonwebtoken::encode(
            &Header::new(ALGORITHM),
            &claims,
            &self.encoding,
        )?)
    }

    fn verified<C: DeserializeOwned>(&self, audience: &str, token: &str) -> Result<C, TokenError> {
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = 0;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(jsonwebtoken::decode::<C>(token, &self.decoding, &validation)?.claims)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&[7; 32], "gb", 60)
    }

    #[test]
    fn a_token_names_its_user() {
        let token = tokens().access(UserId(42)).unwrap();
        assert_eq!(tokens().user(&token).unwrap().0, UserId(42));
    }

    #[test]
    fn a_token_of_another_key_domain_or_kind_is_refused() {
        let token = tokens().access(UserId(42)).unwrap();
        assert!(Tokens::new(&[8; 32], "gb", 60).user(&token).is_err());
        assert!(Tokens::new(&[7; 32], "de", 60).user(&token).is_err());
        assert!(tokens().csrf(&token).is_err());
        let (csrf, session) = tokens().session(60).unwrap();
        assert!(tokens().user(&session).is_err());
        assert_eq!(tokens().csrf(&session).unwrap(), csrf);
    }

    #[test]
    fn an_expired_token_is_refused() {
        let tokens = tokens();
        let claims = Claims {
            sub: "42".into(),
            iss: "registry-gb".into(),
            aud: ACCESS.into(),
            iat: 0,
            exp: Utc::now().timestamp() - 1,
            jti: Uuid::now_v7(),
        };
        let token =
            jsonwebtoken::encode(&Header::new(ALGORITHM), &claims, &tokens.encoding).unwrap();
        assert!(tokens.user(&token).is_err());
    }

    #[test]
    fn a_token_without_signature_is_refused() {
        let token = tokens().access(UserId(42)).unwrap();
        let claims = token.split('.').nth(1).unwrap();
        // {"alg":"none"}
        assert!(
            tokens()
                .user(&format!("eyJhbGciOiJub25lIn0.{claims}."))
                .is_err()
        );
    }
}
