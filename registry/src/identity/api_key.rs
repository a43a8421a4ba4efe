//! Keys for machines: `gcr_<8 hex digits>_<64 hex digits><8 hex digits>`.
//!
//! The first part tells keys apart, the second is the secret, the last a checksum over all before it: so
//! that a mistyped key is told from an unknown one without a look-up, and scanners for leaked secrets find
//! keys and little else.

use super::credential::{Credential, Restriction, Via};
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use moka::future::Cache as Looked;
use moka::sync::Cache;
use rand::Rng;
use schemas::event::audit::ApiKeyUse;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const SCHEME: &str = "gcr_";
/// Hexadecimal digits by which people tell keys apart.
const NAME_DIGITS: usize = 8;
/// Random bytes of a key: too many to be tried out.
const SECRET_BYTES: usize = 32;
const CHECKSUM_DIGITS: usize = 8;
/// Characters of a key.
const CHARS: usize = SCHEME.len() + NAME_DIGITS + 1 + 2 * SECRET_BYTES + CHECKSUM_DIGITS;

/// How long what is known of a key is taken for granted. What changes through this process counts at once,
/// what changes through another after this long.
const TRUSTED: Duration = Duration::from_secs(1);
/// Keys remembered at most.
const MAX_KEYS: u64 = 100_000;
/// How often a use of a key is recorded.
const RECORDED: TimeDelta = TimeDelta::minutes(10);

/// The text of a key. It has no `Debug`, so that no log shows it.
pub struct ApiKey(String);

impl ApiKey {
    /// A key from random bytes.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self::of(secret)
    }

    /// The key of a request under an idempotency key: the request sent again gets the same. `secret` is
    /// derived from the registry's, so the idempotency key alone does not tell the key.
    #[must_use]
    pub fn of_request(secret: &[u8], idempotency_key: Uuid) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"api key");
        hash.update(secret);
        hash.update(idempotency_key.as_bytes());
        Self::of(hash.finalize().into())
    }

    fn of(secret: [u8; SECRET_BYTES]) -> Self {
        let name = hex::encode(&Sha256::digest(secret)[..NAME_DIGITS / 2]);
        let body = format!("{SCHEME}{name}_{}", hex::encode(secret));
        let sum = checksum(&body);
        Self(body + &sum)
    }

    /// The key in a text, if it is one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != CHARS || !text.is_ascii() {
            return None;
        }
        let (body, sum) = text.split_at(CHARS - CHECKSUM_DIGITS);
        (body.starts_with(SCHEME) && checksum(body) == sum).then(|| Self(text.to_owned()))
    }

    /// Whether a text is meant to be a key.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The text, for the one time that it is shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How it begins.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0[..SCHEME.len() + NAME_DIGITS]
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

fn checksum(body: &str) -> String {
    hex::encode(&Sha256::digest(body.as_bytes())[..CHECKSUM_DIGITS / 2])
}

/// The keys seen lately.
pub struct ApiKeys {
    /// By what names them. The positions that decide who may do what are part of it, so a change of keys leaves
    /// all that was known before behind.
    known: Looked<(Name, Positions), Option<Arc<GoodKey>>>,
    /// When a use was recorded last.
    recorded: Cache<Uuid, DateTime<Utc>>,
}

/// What a key is looked up by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    /// The digest of its text, which who has it has proven to know.
    Digest([u8; 32]),
    /// Its id, which a token names that was given out for it.
    Id(Uuid),
}

/// A key that is good.
pub struct GoodKey {
    /// What it stands for.
    pub credential: Credential,
    /// Its id.
    pub key_id: Uuid,
    /// First instant at which it is no longer good.
    pub expires_at: DateTime<Utc>,
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self {
            known: Looked::builder()
                .max_capacity(MAX_KEYS)
                .time_to_live(TRUSTED)
                .build(),
            recorded: Cache::new(MAX_KEYS),
        }
    }
}

impl ApiKeys {
    /// The key with this text.
    ///
    /// # Errors
    /// 401 if it is none, was revoked or has expired, 503 if it can not be found out.
    pub async fn by_text(&self, text: &str, state: &State) -> Answer<Arc<GoodKey>> {
        let digest = ApiKey::read(text).ok_or_else(bad)?.digest();
        self.good(Name::Digest(digest), state).await
    }

    /// The key with this id, for who holds a token that was given out for it.
    ///
    /// # Errors
    /// As [`Self::by_text`].
    pub async fn by_id(&self, key_id: Uuid, state: &State) -> Answer<Arc<GoodKey>> {
        self.good(Name::Id(key_id), state).await
    }

    async fn good(&self, name: Name, state: &State) -> Answer<Arc<GoodKey>> {
        let authority = state.authority();
        let known = self
            .known
            .try_get_with((name, authority), load(name, authority, state))
            .await
            .map_err(|problem| (*problem).clone())?
            .ok_or_else(bad)?;
        let now = Utc::now().trunc_subsecs(6);
        if known.expires_at <= now {
            return Err(bad());
        }
        self.used(known.key_id, now, state);
        Ok(known)
    }

    fn used(&self, key_id: Uuid, at: DateTime<Utc>, state: &State) {
        let last = self.recorded.get(&key_id);
        if last.is_none_or(|last| at - last >= RECORDED) {
            self.recorded.insert(key_id, at);
            state.trail().used(ApiKeyUse { key_id, at });
        }
    }
}

async fn load(name: Name, authority: Positions, state: &State) -> Answer<Option<Arc<GoodKey>>> {
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let found = match name {
        Name::Digest(digest) => read::api_key::good(&client, &digest).await?,
        Name::Id(key_id) => read::api_key::by_id(&client, key_id).await?,
    };
    Ok(found.map(|key| {
        Arc::new(GoodKey {
            key_id: key.key_id,
            expires_at: key.expires_at,
            credential: Credential {
                user_id: key.user_id,
                via: Via::ApiKey(key.key_id),
                restriction: Some(Restriction {
                    capabilities: key.capabilities,
                    accounts: key.account_ids,
                }),
            },
        })
    }))
}

fn bad() -> Problem {
    Problem::new(EdgeCode::TokenInvalid, "Could not validate credentials")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_read_again_and_a_mistyped_one_is_not() {
        let key = ApiKey::random();
        let text = key.expose();
        assert_eq!(text.len(), CHARS);
        assert_eq!(ApiKey::read(text).unwrap().digest(), key.digest());
        for at in [5, 20, CHARS - 1] {
            let mut typed = text.to_owned();
            let other = if typed.as_bytes()[at] == b'0' {
                "1"
            } else {
                "0"
            };
            typed.replace_range(at..=at, other);
            assert!(ApiKey::read(&typed).is_none(), "{at}");
        }
        let longer = format!("{text}0");
        for wrong in ["", "gcr_", &text[1..], longer.as_str()] {
            assert!(ApiKey::read(wrong).is_none(), "{wrong}");
        }
        assert!(!ApiKey::is_meant("eyJhbGciOiJFZERTQSJ9"));
    }

    #[test]
    fn the_same_request_gets_the_same_key_and_another_another() {
        let of = |secret: &[u8], key| ApiKey::of_request(secret, Uuid::from_u128(key));
        let first = of(b"s", 1);
        assert_eq!(first.expose(), of(b"s", 1).expose());
        assert_ne!(first.expose(), of(b"s", 2).expose());
        assert_ne!(first.expose(), of(b"t", 1).expose());
        assert_ne!(first.prefix(), ApiKey::random().prefix());
    }
}
