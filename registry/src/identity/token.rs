//! Access tokens: short-lived JWTs (RFC 9068), signed by the registry's own rotating keys, read as RFC 8725
//! asks: the key says how, never the token.

use super::key_ring::KeyRing;
use super::master::Master;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use rand::Rng;
use schemas::capability::{Capabilities, Capability};
use schemas::envelope::Via;
use schemas::gateway::KeyId;
use schemas::id::UserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Of access tokens.
const ALGORITHM: Algorithm = Algorithm::EdDSA;
/// Type of an access token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";
/// Who asked for the token (RFC 9068, section 2.2): whoever signed in by password did so with the registry
/// itself.
pub const OWN_CLIENT: &str = "registry";
/// Longest token that is looked at; ours have some 500 bytes.
pub const MAX_TOKEN_BYTES: usize = 2_048;
/// Tokens remembered as good at most.
const MAX_VERIFIED: u64 = 100_000;
/// How far behind this process's clock those of others may be: a token is good this much before it was
/// made.
const CLOCK_SKEW_S: i64 = 5;

/// A token is not one of ours, or no longer good.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Signature, claims or times do not hold.
    #[error("the token is not valid")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// The header is not exactly ours.
    #[error("the token is not of this registry")]
    Foreign,
    /// No key that counts has the id.
    #[error("the token is signed by a key that does not count here")]
    UnknownKey,
    /// There is no key to sign with.
    #[error("there is no key to sign with")]
    NoSigner,
}

/// The header as it must be: what would name another key or another way to verify is not even read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// Of a machine the id of its key, else [`OWN_CLIENT`].
    client_id: String,
    /// The session; a machine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    /// What a machine's token is good for, words with a space between (RFC 9068, section 2.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Who holds a token that is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The user.
    pub user_id: UserId,
    /// The session they signed in with, or the key that the token was given out for.
    pub via: Via,
    /// What the token was given out for, where that is less than its user may.
    pub scope: Option<Capabilities>,
    /// Its own id.
    pub jti: Uuid,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// Last second in which it is good.
    pub exp: i64,
    key_id: KeyId,
}

/// Makes and reads tokens.
pub struct Tokens {
    issuer: String,
    audience: String,
    lifetime_s: u32,
    csrf: (EncodingKey, DecodingKey),
    /// By digest: a token is verified once, then looked up.
    verified: Cache<[u8; 32], Verified>,
}

impl Tokens {
    /// Tokens of a domain, good for `minutes`.
    #[must_use]
    pub fn new(master: &Master, domain: &str, minutes: u32) -> Self {
        let csrf = master.key_for("CSRF tokens");
        let name = format!("registry-{domain}");
        Self {
            issuer: name.clone(),
            audience: name,
            lifetime_s: minutes.saturating_mul(60),
            csrf: (
                EncodingKey::from_secret(&csrf),
                DecodingKey::from_secret(&csrf),
            ),
            verified: Cache::new(MAX_VERIFIED),
        }
    }

    /// The same, given out under the registry's public address.
    #[must_use]
    pub fn issued_by(mut self, public_url: &str) -> Self {
        public_url.clone_into(&mut self.issuer);
        self
    }

    /// Seconds that an access token is good for.
    #[must_use]
    pub const fn lifetime_s(&self) -> u32 {
        self.lifetime_s
    }

    /// Who gives the tokens out.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whom the tokens are for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// An access token for a session of a user.
    ///
    /// # Errors
    /// [`TokenError`] if it can not be signed.
    pub fn access(
        &self,
        ring: &KeyRing,
        user_id: UserId,
        session_id: Uuid,
    ) -> Result<String, TokenError> {
        let claims = self.claims(user_id, OWN_CLIENT.to_owned());
        let sid = Some(session_id);
        sign(ring, &Claims { sid, ..claims })
    }

    /// An access token for a machine's key, good for `scope` and no longer than the key; and the seconds that
    /// it is good for.
    ///
    /// # Errors
    /// [`TokenError`] if it can not be signed.
    pub fn access_of_key(
        &self,
        ring: &KeyRing,
        (user_id, key_id): (UserId, Uuid),
        scope: Capabilities,
        key_ends: DateTime<Utc>,
    ) -> Result<(String, u32), TokenError> {
        let mut claims = self.claims(user_id, key_id.to_string());
        claims.scope = Some(scope.to_string());
        claims.exp = claims.exp.min(key_ends.timestamp());
        let left_s = u32::try_from(claims.exp - claims.iat).unwrap_or_default();
        Ok((sign(ring, &claims)?, left_s))
    }

    fn claims(&self, user_id: UserId, client_id: String) -> Claims {
        let now = Utc::now().timestamp();
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user_id.to_string(),
            client_id,
            sid: None,
            scope: None,
            jti: Uuid::now_v7(),
            iat: now,
            nbf: now - CLOCK_SKEW_S,
            exp: now + i64::from(self.lifetime_s),
        }
    }

    /// Who holds the access token.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::UnknownKey`] if it may be good once the key is known.
    pub fn verify(&self, ring: &KeyRing, token: &str) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.verified.get(&digest)
            && ring.verifying(known.key_id).is_some()
            && Utc::now().timestamp() <= known.exp
        {
            return Ok(known);
        }
        let key_id = key_id(token).ok_or(TokenError::Foreign)?;
        let key = ring.verifying(key_id).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation())?.claims;
        let verified = claims.verified(key_id).ok_or(TokenError::Foreign)?;
        self.verified.insert(digest, verified);
        Ok(verified)
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation
    }

    /// A CSRF token and the session cookie that proves it was given out here.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if it can not be signed.
    pub fn session(&self, lifetime_s: u32) -> Result<(String, String), TokenError> {
        let mut random = [0_u8; 32];
        rand::rng().fill_bytes(&mut random);
        let csrf = hex::encode(random);
        let claims = CsrfClaims {
            iss: self.issuer.clone(),
            sub: csrf.clone(),
            exp: Utc::now().timestamp() + i64::from(lifetime_s),
        };
        let session = jsonwebtoken::encode(&Header::new(CSRF), &claims, &self.csrf.0)?;
        Ok((csrf, session))
    }

    /// The CSRF token of a session cookie.
    ///
    /// # Errors
    /// [`TokenError::Invalid`].
    pub fn csrf(&self, session: &str) -> Result<String, TokenError> {
        let mut validation = Validation::new(CSRF);
        validation.leeway = 0;
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        let decoded = jsonwebtoken::decode::<CsrfClaims>(session, &self.csrf.1, &validation)?;
        Ok(decoded.claims.sub)
    }
}

/// Of the session cookie, which the registry alone reads.
const CSRF: Algorithm = Algorithm::HS256;

#[derive(Serialize, Deserialize)]
struct CsrfClaims {
    iss: String,
    sub: String,
    exp: i64,
}

impl Claims {
    /// Who holds a token with these claims; none where no token of ours has them.
    fn verified(&self, key_id: KeyId) -> Option<Verified> {
        let via = match self.sid {
            Some(session_id) => Via::Session(session_id),
            None => Via::ApiKey(self.client_id.parse().ok()?),
        };
        // An empty one is good for nothing: its key lost all that it was made for.
        let words = self.scope.as_deref().map(str::split_ascii_whitespace);
        let scope = words.map(|words| words.map(str::parse::<Capability>).collect());
        Some(Verified {
            user_id: self.sub.parse().ok()?,
            via,
            scope: scope.transpose().ok()?,
            jti: self.jti,
            iat: self.iat,
            exp: self.exp,
            key_id,
        })
    }
}

fn sign(ring: &KeyRing, claims: &Claims) -> Result<String, TokenError> {
    let signer = ring.signer().ok_or(TokenError::NoSigner)?;
    let mut header = Header::new(ALGORITHM);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(signer.key_id.to_string());
    Ok(jsonwebtoken::encode(&header, claims, &signer.key)?)
}

/// The key that a token says it is signed with, if its header is exactly ours.
fn key_id(token: &str) -> Option<KeyId> {
    let header = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').next()?)
        .ok()?;
    let header: StrictHeader = serde_json::from_slice(&header).ok()?;
    if header.alg != "EdDSA" || header.typ != TYPE {
        return None;
    }
    header.kid.parse().ok()
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
