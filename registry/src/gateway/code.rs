//! One-time codes, as people read them out and type them.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Crockford's base 32: no I, L, O and U, which are taken for others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code, 5 bits each: 100 bits can not be guessed.
const CHARS: usize = 20;
/// Characters between two dashes.
const GROUP: usize = 5;

/// A one-time code. Only its digest is kept; it has no `Debug`, so that no log shows it.
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// A code from random bytes.
    #[must_use]
    pub fn random() -> Self {
        Self::of(rand::random())
    }

    /// The code of a request under an idempotency key: the request sent again gets the same. `secret` is
    /// derived from the registry's, so the key alone does not tell the code.
    #[must_use]
    pub fn of_request(secret: Uuid, idempotency_key: Uuid) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"gateway code");
        hash.update(secret.as_bytes());
        hash.update(idempotency_key.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self::of(bytes)
    }

    fn of(bytes: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(bytes);
        let mut text = String::with_capacity(CHARS + CHARS / GROUP);
        for index in 0..CHARS {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            let digit = (bits >> (5 * index)) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
        Self(text)
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_four_groups_of_five_and_differs_from_the_next() {
        let code = OneTimeCode::random();
        let groups: Vec<_> = code.expose().split('-').map(str::len).collect();
        assert_eq!(groups, [GROUP; 4]);
        assert_ne!(code.expose(), OneTimeCode::random().expose());
    }

    #[test]
    fn the_same_request_gets_the_same_code() {
        let of = |secret, key| {
            let code = OneTimeCode::of_request(Uuid::from_u128(secret), Uuid::from_u128(key));
            code.expose().to_owned()
        };
        assert_eq!(of(1, 2), of(1, 2));
        assert_ne!(of(1, 2), of(1, 3));
        assert_ne!(of(1, 2), of(2, 2));
    }
}
