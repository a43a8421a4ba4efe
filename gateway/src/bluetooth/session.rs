//! Who may ask: a phone paired with authentication, or one that proves to know the key printed on the gateway.
//!
//! ```text
//! hello         → challenge c, 16 bytes, good once and for 30 s
//! authenticate    nonce n, proof = HMAC(key, "gcr-commissioning/1 client" · c · n)
//!               → proof = HMAC(key, "gcr-commissioning/1 gateway" · c · n)
//! ```
//! From then on messages and answers are sealed with ChaCha20-Poly1305 (RFC 8439) under two keys, HMAC(key, "… request"
//! · c · n) and HMAC(key, "… answer" · c · n), the message's id as the nonce. Ids only go up in a session, so none is
//! used twice for two messages, and what was recorded can not be played again.

use super::operation::Refusal;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Characters of a printed key: 16 of 32 letters and digits are 80 bits.
pub const KEY_CHARS: usize = 16;
/// How long a challenge is good for.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(30);
/// Wrong proofs that cost nothing; each further one doubles the wait.
pub const FREE_FAILURES: u32 = 3;
/// The wait after the first that costs.
pub const FIRST_PENALTY: Duration = Duration::from_secs(5);
/// The longest wait.
pub const LONGEST_PENALTY: Duration = Duration::from_secs(900);

const CONTEXT: &str = "gcr-commissioning/1";
/// Without I, L, O and U, which are misread (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random bytes of either side.
pub type Random = [u8; 16];

/// The key printed on the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct AppKey(String);

/// Why a text is no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has {KEY_CHARS} of the characters 0-9 and A-Z without I, L, O and U")]
pub struct NoKey;

impl AppKey {
    /// A key made of random bytes.
    #[must_use]
    pub fn from_random(random: [u8; KEY_CHARS]) -> Self {
        let chars = random.map(|byte| ALPHABET[usize::from(byte % 32)]);
        Self(chars.into_iter().map(char::from).collect())
    }

    /// Reads a key as it is printed or typed, in either case, with or without hyphens.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let text: String = text
            .chars()
            .filter(|char| !matches!(char, '-' | ' ' | '\n' | '\r'))
            .map(|char| char.to_ascii_uppercase())
            .collect();
        let fits = text.len() == KEY_CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then_some(Self(text)).ok_or(NoKey)
    }

    /// As it is printed, in groups of four. The one place where it is shown.
    #[must_use]
    pub fn printed(&self) -> String {
        let groups: Vec<&str> = [0, 4, 8, 12].map(|from| &self.0[from..from + 4]).into();
        groups.join("-")
    }

    fn mac(&self, purpose: &str, challenge: &Random, nonce: &Random) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.0.as_bytes())
            .expect("HMAC takes keys of any length");
        for part in [
            CONTEXT.as_bytes(),
            b" ",
            purpose.as_bytes(),
            challenge,
            nonce,
        ] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// What a client proves itself with.
    #[must_use]
    pub fn client_proof(&self, challenge: &Random, nonce: &Random) -> [u8; 32] {
        self.mac("client", challenge, nonce)
    }

    /// What the gateway proves itself with.
    #[must_use]
    pub fn gateway_proof(&self, challenge: &Random, nonce: &Random) -> [u8; 32] {
        self.mac("gateway", challenge, nonce)
    }

    /// The keys of a session.
    #[must_use]
    pub fn seal(&self, challenge: &Random, nonce: &Random) -> Seal {
        let cipher = |purpose| ChaCha20Poly1305::new(&self.mac(purpose, challenge, nonce).into());
        Seal {
            request: cipher("request"),
            answer: cipher("answer"),
            last_id: None,
        }
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey(…)")
    }
}

/// The keys of a session, for both directions.
pub struct Seal {
    request: ChaCha20Poly1305,
    answer: ChaCha20Poly1305,
    last_id: Option<u16>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// A sealed message that was not sealed with the session's key, or was changed, or has an id of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not of this session")]
pub struct Broken;

impl Seal {
    /// Opens the request of that id.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn open_request(&mut self, id: u16, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        if self.last_id.is_some_and(|last| id <= last) {
            return Err(Broken);
        }
        let opened = apply(&self.request, id, sealed, false)?;
        self.last_id = Some(id);
        Ok(opened)
    }

    /// Seals the answer to the request of that id.
    ///
    /// # Errors
    /// Never for messages as long as there are.
    pub fn seal_answer(&self, id: u16, answer: &[u8]) -> Result<Vec<u8>, Broken> {
        apply(&self.answer, id, answer, true)
    }

    /// Seals a request, as a client does.
    ///
    /// # Errors
    /// Never for messages as long as there are.
    pub fn seal_request(&self, id: u16, request: &[u8]) -> Result<Vec<u8>, Broken> {
        apply(&self.request, id, request, true)
    }

    /// Opens an answer, as a client does.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn open_answer(&self, id: u16, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        apply(&self.answer, id, sealed, false)
    }
}

fn apply(cipher: &ChaCha20Poly1305, id: u16, msg: &[u8], seal: bool) -> Result<Vec<u8>, Broken> {
    let mut nonce = [0; 12];
    nonce[..2].copy_from_slice(&id.to_le_bytes());
    let nonce = Nonce::from(nonce);
    let aad = CONTEXT.as_bytes();
    let payload = Payload { msg, aad };
    let done = if seal {
        cipher.encrypt(&nonce, payload)
    } else {
        cipher.decrypt(&nonce, payload)
    };
    done.map_err(|_| Broken)
}

/// How phones show that they may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// By pairing with authentication: BlueZ lets nobody else write or read.
    Pairing,
    /// By the key printed on the gateway.
    Key(AppKey),
}

/// Slows down guessing. For the gateway as a whole: a phone can change its address as it likes.
#[derive(Debug, Default)]
pub struct Brake {
    pub(super) failures: u32,
    pub(super) locked_until: Option<Duration>,
}

impl Brake {
    /// Whether a proof is looked at, on a clock that only goes forward.
    ///
    /// # Errors
    /// `too_many_attempts` with the time left.
    pub fn check(&self, now: Duration) -> Result<(), Refusal> {
        match self.locked_until.and_then(|until| until.checked_sub(now)) {
            Some(left) if !left.is_zero() => Err(Refusal {
                retry_after_s: Some(left.as_secs().max(1)),
                ..Refusal::new("too_many_attempts", "wait before trying the key again")
            }),
            _ => Ok(()),
        }
    }

    /// A proof was wrong.
    pub fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        if let Some(over) = self.failures.checked_sub(FREE_FAILURES) {
            let penalty = FIRST_PENALTY.saturating_mul(1 << over.min(16));
            self.locked_until = Some(now + penalty.min(LONGEST_PENALTY));
        }
    }

    /// A proof was right.
    pub fn passed(&mut self) {
        *self = Self::default();
    }
}

/// One phone.
#[derive(Debug, Default)]
pub struct Session {
    challenge: Option<(Random, Duration)>,
    /// Set once it has proven to know the key.
    pub seal: Option<Seal>,
}

impl Session {
    /// A new challenge in place of any before.
    pub const fn challenge(&mut self, random: Random, now: Duration) {
        self.challenge = Some((random, now));
    }

    /// Checks a proof; the gateway's own proof. The challenge is used up either way.
    ///
    /// # Errors
    /// `no_challenge`, `too_many_attempts` or `proof_wrong`.
    pub fn prove(
        &mut self,
        key: &AppKey,
        brake: &mut Brake,
        nonce: &str,
        proof: &str,
        now: Duration,
    ) -> Result<[u8; 32], Refusal> {
        brake.check(now)?;
        let fresh = |(_, since): &(Random, Duration)| now.saturating_sub(*since) <= CHALLENGE_LIFE;
        let Some((challenge, _)) = self.challenge.take().filter(fresh) else {
            return Err(Refusal::new(
                "no_challenge",
                "say hello first; a challenge is good for 30 s",
            ));
        };
        let mut given = [0; 32];
        let mut random = Random::default();
        let readable = hex::decode_to_slice(nonce, &mut random).is_ok()
            && hex::decode_to_slice(proof, &mut given).is_ok();
        let expected = key.client_proof(&challenge, &random);
        if !readable || !bool::from(given.ct_eq(&expected)) {
            brake.failed(now);
            return Err(Refusal::new(
                "proof_wrong",
                "the key is not the one printed on this gateway",
            ));
        }
        brake.passed();
        self.seal = Some(key.seal(&challenge, &random));
        Ok(key.gateway_proof(&challenge, &random))
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
