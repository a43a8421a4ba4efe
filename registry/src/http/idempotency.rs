//! `Idempotency-Key`: requests of one caller with one key are one request.

use super::problem::{Answer, EdgeCode, Problem};
use actix_web::HttpRequest;
use ledger::key::name_digest;
use schemas::envelope::{Actor, Idempotency};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Header that carries the key.
pub const HEADER: &str = "Idempotency-Key";
/// Longest key, in characters.
pub const MAX_CHARS: usize = 255;

/// Makes digests of keys and requests. Keyed, because a request may hold a password and the digest is
/// stored in the log: without the key it can not be searched for.
#[derive(Clone)]
pub struct Digester([u8; 32]);

impl Digester {
    /// A digester under a key derived from the registry's secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"idempotency");
        hash.update(secret);
        Self(hash.finalize().into())
    }

    /// The key of a request, if it has one.
    ///
    /// # Errors
    /// `request_invalid` if the header is not 1 to 255 visible ASCII characters.
    pub fn of(
        &self,
        request: &HttpRequest,
        actor: &Actor,
        body: &[u8],
    ) -> Answer<Option<Idempotency>> {
        let Some(value) = request.headers().get(HEADER) else {
            return Ok(None);
        };
        let key = value.as_bytes();
        if !(1..=MAX_CHARS).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            return Err(Problem::new(
                EdgeCode::RequestInvalid,
                format!("the header {HEADER} must have 1 to {MAX_CHARS} visible ASCII characters"),
            )
            .at_parameter(HEADER));
        }
        Ok(Some(Idempotency {
            key: self.digest(&[actor.to_string().as_bytes(), key]),
            request: self.digest(&[
                request.method().as_str().as_bytes(),
                request.path().as_bytes(),
                request.query_string().as_bytes(),
                body,
            ]),
        }))
    }

    /// A secret for another purpose, which this one can not be told from.
    #[must_use]
    pub fn derived(&self, purpose: &[u8]) -> Uuid {
        self.digest(&[b"derived", purpose])
    }

    /// A digest of the name that somebody signs in with, however it is spelled.
    #[must_use]
    pub fn of_name(&self, name: &str) -> Uuid {
        self.digest(&[b"name", name_digest(name).as_bytes()])
    }

    fn digest(&self, parts: &[&[u8]]) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Uuid::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::test::TestRequest;
    use schemas::id::UserId;

    fn of(key: &str, user: i64, body: &[u8]) -> Answer<Option<Idempotency>> {
        let request = TestRequest::post()
            .uri("/account/create")
            .insert_header((HEADER, key))
            .to_http_request();
        Digester::new(b"secret").of(&request, &Actor::User(UserId(user)), body)
    }

    #[test]
    fn the_key_is_private_to_its_caller_and_the_request_is_bound_to_its_body() {
        let first = of("k", 1, b"{}").unwrap().unwrap();
        assert_eq!(first, of("k", 1, b"{}").unwrap().unwrap());
        assert_ne!(first.key, of("k", 2, b"{}").unwrap().unwrap().key);
        let other = of("k", 1, b"{ }").unwrap().unwrap();
        assert_eq!(first.key, other.key);
        assert_ne!(first.request, other.request);
    }

    #[test]
    fn a_key_of_255_characters_is_taken_and_one_of_256_or_with_a_space_is_refused() {
        assert!(of(&"k".repeat(255), 1, b"").is_ok());
        for wrong in ["", "a b", &"k".repeat(256)] {
            let problem = of(wrong, 1, b"").unwrap_err();
            assert_eq!(problem.errors()[0].parameter.as_deref(), Some(HEADER));
        }
    }
}
