//! Codes of a second factor: TOTP (RFC 6238) over HMAC-SHA-1, six digits, periods of 30 s, which is what
//! authenticators take; and recovery codes for who has lost theirs.

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use rand::Rng;
use schemas::event::session::TokenDigest;
use schemas::id::UserId;
use sha2::{Digest, Sha256};

/// Bytes of a secret (RFC 4226, section 4, R6).
pub const SECRET_BYTES: usize = 20;
/// Recovery codes that are made.
pub const RECOVERY_CODES: usize = 10;
/// Seconds of a period.
const PERIOD_S: i64 = 30;
/// Periods that a clock may be off (RFC 6238, section 5.2).
const SKEW: i64 = 1;
const DIGITS: usize = 6;
/// 10 to the power of [`DIGITS`].
const MODULUS: u32 = 1_000_000;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bytes of a recovery code: 80 bits can not be guessed, so no slow hash is needed.
const RECOVERY_BYTES: usize = 10;

/// What codes follow from. Has no `Debug`, so that no log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(pub [u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self(secret)
    }

    /// As people type it: base32.
    #[must_use]
    pub fn base32(&self) -> String {
        base32(&self.0)
    }

    /// What authenticators read as a QR code (Key Uri Format of Google Authenticator).
    #[must_use]
    pub fn uri(&self, registry: &str, email: &str) -> String {
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (registry, email) = (encoded(registry), encoded(email).replace('+', "%20"));
        let secret = self.base32();
        format!("otpauth://totp/{registry}:{email}?secret={secret}&issuer={registry}")
    }

    /// The code of a period.
    #[must_use]
    pub fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        // Dynamic truncation (RFC 4226, section 5.3).
        let offset = usize::from(tag[tag.len() - 1] & 0xf);
        let mut number = [0; 4];
        number.copy_from_slice(&tag[offset..offset + 4]);
        let number = (u32::from_be_bytes(number) & 0x7fff_ffff) % MODULUS;
        format!("{number:0DIGITS$}")
    }

    /// The period whose code this is, if it is one of now, give or take a period. Whether it was used before
    /// is for the ledger to say.
    #[must_use]
    pub fn step_of(&self, code: &str, now_s: i64) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let now = now_s.div_euclid(PERIOD_S);
        (now - SKEW..=now + SKEW).find(|step| self.code(*step) == digits)
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut five = [0; 5];
        five[..chunk.len()].copy_from_slice(chunk);
        let bits = five
            .iter()
            .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for index in 0..(chunk.len() * 8).div_ceil(5) {
            let digit = (bits >> (35 - 5 * index)) & 31;
            text.push(char::from(BASE32[digit as usize]));
        }
    }
    text
}

/// Codes for who has lost the authenticator, each good once: four groups of four. They follow from the registry's
/// key and the secret, so that a confirmation that is sent again is answered with the same.
#[must_use]
pub fn recovery_codes(key: &[u8; 32], secret: &TotpSecret) -> [String; RECOVERY_CODES] {
    let key = hmac::Key::new(HMAC_SHA256, key);
    let mut number = 0_u8;
    [(); RECOVERY_CODES].map(|()| {
        number += 1;
        let tag = hmac::sign(&key, &[&secret.0[..], &[number]].concat());
        let text = base32(&tag.as_ref()[..RECOVERY_BYTES]);
        let groups = [&text[..4], &text[4..8], &text[8..12], &text[12..]];
        groups.join("-")
    })
}

/// What is kept of a recovery code, however it is typed; `None` for what has not the form of one.
#[must_use]
pub fn recovery_digest(user_id: UserId, code: &str) -> Option<TokenDigest> {
    let significant: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    if significant.len() != RECOVERY_BYTES * 8 / 5 {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(b"recovery code");
    hash.update(user_id.0.to_be_bytes());
    hash.update(significant.to_ascii_uppercase());
    Some(TokenDigest(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 6238, appendix B (SHA-1), the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = TotpSecret(*b"12345678901234567890");
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.step_of(code, time), Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_code_is_good_a_period_before_and_after_its_own_and_no_longer() {
        let secret = TotpSecret(*b"12345678901234567890");
        let step = 1_111_111_109 / 30;
        let at = |steps: i64| secret.step_of("081804", (step + steps) * 30);
        assert_eq!([-1, 0, 1].map(at), [Some(step); 3]);
        assert_eq!([-2, 2].map(at), [None; 2]);
    }

    #[test]
    fn what_is_no_code_of_six_digits_is_none() {
        let secret = TotpSecret(*b"12345678901234567890");
        for wrong in [
            "",
            "81804",
            "0081804",
            "08180a",
            "+81804",
            "-81804",
            "٠٨١٨٠٤",
        ] {
            assert_eq!(secret.step_of(wrong, 1_111_111_109), None, "{wrong}");
        }
        assert!(secret.step_of(" 081 804 ", 1_111_111_109).is_some());
    }

    /// RFC 4648, section 10, without padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_uri_names_registry_and_user() {
        let uri = TotpSecret(*b"12345678901234567890").uri("registry-gb", "ada miller@example.org");
        assert_eq!(
            uri,
            "otpauth://totp/registry-gb:ada%20miller%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=registry-gb"
        );
    }

    #[test]
    fn a_recovery_code_is_found_however_it_is_typed_and_is_its_users_alone() {
        let secret = TotpSecret(*b"12345678901234567890");
        let codes = recovery_codes(&[1; 32], &secret);
        assert_eq!(codes, recovery_codes(&[1; 32], &secret));
        assert_ne!(codes, recovery_codes(&[2; 32], &secret));
        assert_ne!(codes[0], codes[1]);
        let typed = codes[0].to_lowercase().replace('-', " ");
        let digest = |user, code: &str| recovery_digest(UserId(user), code);
        assert_eq!(digest(3, &codes[0]).unwrap(), digest(3, &typed).unwrap());
        assert_ne!(digest(3, &codes[0]), digest(4, &codes[0]));
        assert_ne!(digest(3, &codes[0]), digest(3, &codes[1]));
        assert_eq!(digest(3, "123456"), None);
    }
}
