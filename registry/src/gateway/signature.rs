//! Signatures of gateways.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use schemas::gateway::{Algorithm, PublicKey};

/// A public key, ready to verify with.
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// The key is no key of its curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the coordinates are no key on the curve")]
pub struct BadKey;

impl VerifyingKey {
    /// Reads a key; a point that is not on its curve is none.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn new(public: &PublicKey) -> Result<Self, BadKey> {
        let bytes = public.to_bytes().map_err(|_| BadKey)?;
        let algorithm = public.algorithm();
        let key = match algorithm {
            Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
            Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, bytes),
        };
        let key = key.map_err(|_| BadKey)?;
        Ok(Self { algorithm, key })
    }

    /// Whether the key signed `message`. The algorithm that the signer names must be the key's: it is the
    /// key that says how a signature is verified, never the message.
    #[must_use]
    pub fn verifies(&self, named: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        named == self.algorithm && self.key.verify_sig(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    /// RFC 7515, appendix A.3: an ES256 key, what it signed and the signature.
    fn rfc7515() -> (PublicKey, &'static str, Vec<u8>) {
        let key = serde_json::from_str(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap();
        let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        (
            key,
            input,
            BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
    }

    /// RFC 8037, appendix A.4.
    fn rfc8037() -> (PublicKey, &'static str, Vec<u8>) {
        let key = serde_json::from_str(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        (
            key,
            input,
            BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
    }

    #[test]
    fn the_examples_of_the_standards_verify_and_nothing_else_does() {
        for (public, input, signature) in [rfc7515(), rfc8037()] {
            let key = VerifyingKey::new(&public).unwrap();
            let named = public.algorithm();
            assert!(key.verifies(named, input.as_bytes(), &signature));
            let other = match named {
                Algorithm::Es256 => Algorithm::EdDsa,
                Algorithm::EdDsa => Algorithm::Es256,
            };
            assert!(!key.verifies(other, input.as_bytes(), &signature));
            assert!(!key.verifies(named, b"something else", &signature));
            assert!(!key.verifies(named, input.as_bytes(), &[]));
            assert!(!key.verifies(named, input.as_bytes(), &[0; 64]));
            let mut bent = signature.clone();
            bent[40] ^= 1;
            assert!(!key.verifies(named, input.as_bytes(), &bent));
        }
    }

    #[test]
    fn a_point_that_is_not_on_its_curve_is_no_key() {
        let off = PublicKey::p256(&[1; 32], &[2; 32]);
        assert!(VerifyingKey::new(&off).is_err());
    }
}
