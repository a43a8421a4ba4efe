//! Refresh tokens: opaque, of 256 random bits, each good once.
//!
//! A token carries a tag of the registry's, so that what it never gave out is told from what another took
//! the place of. Its successor follows from it and the registry's key: whoever repeats a request whose
//! answer was lost gets the same one, though the registry keeps digests only.

use super::master::Master;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::Rng;
use schemas::event::session::TokenDigest;
use schemas::id::UserId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

const SECRET_BYTES: usize = 32;
/// Session, user, secret.
const BODY_BYTES: usize = 16 + 8 + SECRET_BYTES;
const TAG_BYTES: usize = 32;
/// Characters of a token as it is given out: base64 without padding.
const TEXT_CHARS: usize = ((BODY_BYTES + TAG_BYTES) * 4).div_ceil(3);

/// A refresh token. Has no `Debug`, so that no log shows it.
pub struct RefreshToken([u8; BODY_BYTES]);

/// The key of refresh tokens.
pub struct RefreshKey(hmac::Key);

impl RefreshKey {
    /// The key that follows from the master secret.
    #[must_use]
    pub fn of(master: &Master) -> Self {
        let key = master.key_for("refresh tokens");
        Self(hmac::Key::new(HMAC_SHA256, &key))
    }

    fn tag(&self, purpose: &[u8], body: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose);
        context.update(body);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// The token as it is given out.
    #[must_use]
    pub fn write(&self, token: &RefreshToken) -> String {
        let tag = self.tag(b"token", &token.0);
        BASE64_URL_SAFE_NO_PAD.encode([&token.0[..], &tag].concat())
    }

    /// The token in a text, if the registry gave it out.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<RefreshToken> {
        if text.len() != TEXT_CHARS {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY_BYTES)?;
        let signed = [b"token".as_slice(), body].concat();
        hmac::verify(&self.0, &signed, tag).ok()?;
        body.try_into().ok().map(RefreshToken)
    }

    /// The token that takes the place of this one.
    #[must_use]
    pub fn successor(&self, token: &RefreshToken) -> RefreshToken {
        let secret = self.tag(b"successor", &token.0);
        RefreshToken::of(token.session_id(), token.user_id(), secret)
    }
}

impl RefreshToken {
    /// The first of a session.
    #[must_use]
    pub fn first(session_id: Uuid, user_id: UserId) -> Self {
        let mut secret = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self::of(session_id, user_id, secret)
    }

    fn of(session_id: Uuid, user_id: UserId, secret: [u8; SECRET_BYTES]) -> Self {
        let mut body = [0; BODY_BYTES];
        body[..16].copy_from_slice(session_id.as_bytes());
        body[16..24].copy_from_slice(&user_id.0.to_be_bytes());
        body[24..].copy_from_slice(&secret);
        Self(body)
    }

    /// The session.
    #[must_use]
    pub fn session_id(&self) -> Uuid {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        Uuid::from_bytes(id)
    }

    /// Whose session it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[16..24]);
        UserId(i64::from_be_bytes(id))
    }

    /// What is kept of it. It is random, so no slow hash is needed.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0).into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(byte: u8) -> RefreshKey {
        RefreshKey::of(&Master::new(&[byte; 32]))
    }

    #[test]
    fn a_token_is_read_as_it_was_given_out_and_nothing_else_is() {
        let (session_id, user_id) = (Uuid::now_v7(), UserId(42));
        let token = RefreshToken::first(session_id, user_id);
        let text = key(7).write(&token);
        let read = key(7).read(&text).unwrap();
        assert_eq!((read.session_id(), read.user_id()), (session_id, user_id));
        assert_eq!(read.digest(), token.digest());
        assert!(key(8).read(&text).is_none());
        let longer = format!("{text}A");
        let doubled = text.repeat(2);
        for wrong in ["", "x", &text[1..], &longer, &doubled] {
            assert!(key(7).read(wrong).is_none());
        }
    }

    #[test]
    fn the_successor_is_the_same_each_time_and_not_the_token() {
        let token = RefreshToken::first(Uuid::now_v7(), UserId(42));
        let next = key(7).successor(&token);
        assert_eq!(next.digest(), key(7).successor(&token).digest());
        assert_ne!(next.digest(), token.digest());
        assert_ne!(next.digest(), key(8).successor(&token).digest());
        assert_eq!(next.session_id(), token.session_id());
    }
}
