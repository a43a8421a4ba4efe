//! JWTs of another server, read as RFC 8725 asks: what may be trusted is configured, and the key says how.

use super::jwks::KeySet;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// How far the clock of another server may be from ours.
const LEEWAY_S: u64 = 30;

/// The token is not good.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Its header says how to verify it in a way that does not count.
    #[error("algorithm or header are not what is configured")]
    Header,
    /// No key of the server has its `kid`.
    #[error("no key of the server has the token's id")]
    UnknownKey,
    /// Signature, issuer, audience or times do not hold.
    #[error("{0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// A claim is missing or another than expected.
    #[error("the claim `{0}` is not what it must be")]
    Claim(&'static str),
}

/// What a token must say.
pub struct Expected<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// One of these must be among its `aud`.
    pub audiences: &'a [String],
    /// Signatures that count.
    pub algorithms: &'a [Algorithm],
}

/// The claims of a token.
///
/// # Errors
/// [`JwtError`]; [`JwtError::UnknownKey`] if it may be good once the key is known.
pub fn read(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, JwtError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| JwtError::Header)?;
    let is_of_type = header.typ.as_deref().is_none_or(is_of_type);
    // An extension that must be understood is not.
    if !expected.algorithms.contains(&header.alg) || !is_of_type || header.crit.is_some() {
        return Err(JwtError::Header);
    }
    let (key, of_key) = keys
        .find(header.kid.as_deref(), header.alg)
        .ok_or(JwtError::UnknownKey)?;
    if of_key.is_some_and(|algorithm| algorithm != header.alg) {
        return Err(JwtError::Header);
    }
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(expected.audiences);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)?
        .claims
        .0;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(JwtError::Claim("iss"));
    }
    Ok(claims)
}

/// Whether tokens of the type say who somebody is; others may say that somebody signed out (RFC 8725, 3.11).
fn is_of_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("application/").unwrap_or(&name);
    matches!(name, "jwt" | "at+jwt")
}

/// Claims, of which none is named twice: another reader could take the other (RFC 8725, 3.10).
struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("a claim is named twice"));
            }
        }
        Ok(Claims(claims))
    }
}

/// The `iss` that a JWT shows, before anything is proven; none of what is no JWT.
pub fn unproven_issuer(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}
