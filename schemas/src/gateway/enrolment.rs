//! What a gateway signs besides readings: that it holds a key.

use super::jwk::PublicKey;
use super::jws::Signed;
use crate::id::GatewayId;
use serde::{Deserialize, Serialize};

/// Proof that who enrols holds the key: signed by it, over the one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentProof {
    /// Always [`Signed::CONTEXT`].
    pub context: String,
    /// The one-time code, as it was given.
    pub code: String,
}

impl EnrolmentProof {
    /// The proof over a code.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            context: Self::CONTEXT.to_owned(),
            code: code.into(),
        }
    }
}

impl Signed for EnrolmentProof {
    const TYP: &'static str = "gcr-gateway-enrolment+jwt";
    const CONTEXT: &'static str = "gcr-gateway-enrolment/1";

    fn context(&self) -> &str {
        &self.context
    }
}

/// A change of keys: signed by the key in use and, the same again, by the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// Always [`Signed::CONTEXT`].
    pub context: String,
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The new key.
    pub public_key: PublicKey,
}

impl KeyChange {
    /// The change to a new key.
    #[must_use]
    pub fn new(gateway_id: GatewayId, public_key: PublicKey) -> Self {
        Self {
            context: Self::CONTEXT.to_owned(),
            gateway_id,
            public_key,
        }
    }
}

impl Signed for KeyChange {
    const TYP: &'static str = "gcr-gateway-key+jwt";
    const CONTEXT: &'static str = "gcr-gateway-key/1";

    fn context(&self) -> &str {
        &self.context
    }
}
