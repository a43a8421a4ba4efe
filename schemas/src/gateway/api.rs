//! Requests and answers of the gateway's routes.

use super::jwk::{KeyId, PublicKey};
use super::jws::Algorithm;
use super::limit::CODE_VALID_S;
use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::{FieldError, code};
use crate::api::value::{At, FromValue, Given};
use crate::id::{AccountId, DeviceId, GatewayId};
use crate::log::Position;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A one-time code to ask for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreateGatewayCode {
    /// The account that the gateway's devices belong to.
    #[schema(value_type = i64, example = 1)]
    pub account_id: Named<AccountId>,
    /// The devices that the gateway will meter.
    #[schema(value_type = Vec<i64>, min_items = 1, max_items = 1_000)]
    pub device_ids: Vec<DeviceId>,
    /// For how many seconds the code is valid; an hour unless given.
    #[schema(required = false, minimum = 1, maximum = 2_592_000)]
    pub valid_for_s: i64,
}

impl FromFields for CreateGatewayCode {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let account_id = fields.required("account_id");
        let device_ids = fields.required("device_ids");
        let valid_for_s = fields.or("valid_for_s", CODE_VALID_S);
        Some(Self {
            account_id: account_id?,
            device_ids: device_ids?,
            valid_for_s,
        })
    }
}

/// A one-time code. It is shown this once; the registry keeps its hash only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayCode {
    /// The code, to be given to the gateway.
    #[schema(example = "7KQ4M-9XTBD-2VHWN-C3RPF")]
    pub code: String,
    /// From when on it is no longer taken.
    pub expires_at: DateTime<Utc>,
    /// The account.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// The devices.
    #[schema(value_type = Vec<i64>)]
    pub device_ids: Vec<DeviceId>,
}

/// A gateway that enrols.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct EnrolGateway {
    /// The one-time code.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
    /// Its public key. A key belongs to one gateway for ever.
    pub public_key: PublicKey,
    /// A JWS by that key with `typ` `gcr-gateway-enrolment+jwt` over `{"context": "gcr-gateway-enrolment/1", "code": …}`.
    #[schema(min_length = 1, max_length = 4_096)]
    pub proof: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub name: Option<String>,
}

impl FromFields for EnrolGateway {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code");
        let public_key = fields.required("public_key");
        let proof = fields.required("proof");
        let name = fields.optional("name");
        Some(Self {
            code: code?,
            public_key: public_key?,
            proof: proof?,
            name,
        })
    }
}

impl FromValue for PublicKey {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let parsed = match given {
            Given::Object(text) => serde_json::from_str::<Self>(text).ok(),
            _ => None,
        };
        let key = parsed.filter(|key| key.to_bytes().is_ok());
        if key.is_none() {
            // What was given is not repeated: it may be a private key.
            let rule = "the key must be a JSON Web Key with nothing but kty, crv, x and y: EC on P-256 or OKP on Ed25519, coordinates of 32 bytes in base64url";
            errors.push(at.error(code::WRONG_TYPE, rule.to_owned()));
        }
        key
    }
}

/// A device of a gateway, and where its envelopes stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayDevice {
    /// The device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Its name.
    pub device_name: String,
    /// The sequence number that its next envelope must have.
    #[schema(minimum = 1)]
    pub next_sequence: i64,
    /// The hash that its next envelope must name; null before the first.
    pub previous: Option<String>,
}

/// A gateway was enrolled, or had been with the same code and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayEnrolled {
    /// The gateway.
    #[schema(value_type = i64)]
    pub gateway_id: GatewayId,
    /// The account that its devices belong to.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// The key: the `kid` of its envelopes.
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// The devices that it meters. A device enrolled before goes on where its last envelope ended.
    pub devices: Vec<GatewayDevice>,
}

/// A key of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayKey {
    /// Its thumbprint (RFC 7638).
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// How it signs.
    pub alg: Algorithm,
    /// The key.
    pub public_key: PublicKey,
    /// Since when it is accepted.
    pub added_at: DateTime<Utc>,
    /// From when on it is no longer accepted, because a newer one took its place.
    pub accepted_until: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayRead {
    /// The gateway.
    #[schema(value_type = i64)]
    pub id: GatewayId,
    /// The account that its devices belong to.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// What people call it.
    pub name: Option<String>,
    /// When it enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Its keys, oldest first.
    pub keys: Vec<GatewayKey>,
    /// Its devices.
    pub devices: Vec<GatewayDevice>,
}

/// A gateway in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayListed {
    /// The gateway.
    #[schema(value_type = i64)]
    pub id: GatewayId,
    /// The account that its devices belong to.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// What people call it.
    pub name: Option<String>,
    /// When it enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// How many devices it meters.
    #[schema(minimum = 0)]
    pub devices: i64,
}

/// Which gateways to list.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GatewayQuery {
    /// The account that their devices belong to; all that the caller may see where absent.
    #[param(value_type = Option<i64>)]
    pub account_id: Option<Named<AccountId>>,
}

impl FromFields for GatewayQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            account_id: fields.optional("account_id"),
        })
    }
}

/// Which envelope is wanted.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EnvelopeQuery {
    /// The device that it is of.
    #[param(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// Its number among the envelopes of the device.
    #[param(minimum = 1)]
    pub sequence: i64,
}

impl FromFields for EnvelopeQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let sequence = fields.required("sequence");
        Some(Self {
            device_id: device_id?,
            sequence: sequence?,
        })
    }
}

/// An envelope as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvelopeRead {
    /// The gateway that signed it.
    #[schema(value_type = i64)]
    pub gateway_id: GatewayId,
    /// The device that it metered.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Its number among the envelopes of the device.
    #[schema(minimum = 1)]
    pub sequence: i64,
    /// The key that signed it.
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// SHA-256 of `envelope`, hexadecimal: the next envelope of the device names it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
    /// The JWS in compact serialisation, byte for byte as it was sent.
    pub envelope: String,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// Position of its event in the ledger.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// A new key of a gateway.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangeGatewayKey {
    /// A JWS by the key in use with `typ` `gcr-gateway-key+jwt` over
    /// `{"context": "gcr-gateway-key/1", "gateway_id": …, "public_key": …}`.
    #[schema(min_length = 1, max_length = 4_096)]
    pub signed_by_current: String,
    /// A JWS by the new key over the same payload.
    #[schema(min_length = 1, max_length = 4_096)]
    pub signed_by_new: String,
}

impl FromFields for ChangeGatewayKey {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let signed_by_current = fields.required("signed_by_current");
        let signed_by_new = fields.required("signed_by_new");
        Some(Self {
            signed_by_current: signed_by_current?,
            signed_by_new: signed_by_new?,
        })
    }
}

/// Whose envelopes are no longer taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RevokeGateway {
    /// One of its keys; all of the gateway where there is none.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    pub key_id: Option<KeyId>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl FromFields for RevokeGateway {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let key_id = fields.optional("key_id");
        let reason = fields.required("reason");
        Some(Self {
            key_id,
            reason: reason?,
        })
    }
}

impl FromValue for KeyId {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let text = String::from_value(given, at, errors)?;
        text.parse()
            .map_err(|rule: super::jwk::NoKeyId| {
                errors.push(at.error(code::WRONG_TYPE, rule.to_string()));
            })
            .ok()
    }
}

/// Which devices a gateway meters from here on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeGatewayDevices {
    /// Devices of the gateway's account to add; another gateway's are taken over from it.
    #[schema(value_type = Vec<i64>, required = false, max_items = 1_000)]
    pub add: Vec<DeviceId>,
    /// Devices that it no longer meters.
    #[schema(value_type = Vec<i64>, required = false, max_items = 1_000)]
    pub remove: Vec<DeviceId>,
}

impl FromFields for ChangeGatewayDevices {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let add = fields.or("add", Vec::new());
        let remove = fields.or("remove", Vec::new());
        Some(Self { add, remove })
    }
}

/// Envelopes that a gateway submits. Its body may be packed (`Content-Encoding: gzip` or `zstd`).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubmitEnvelopes {
    /// Each a JWS in compact serialisation; those of one device in the order of their sequence.
    #[schema(min_items = 1, max_items = 1_000)]
    pub envelopes: Vec<String>,
}

impl FromFields for SubmitEnvelopes {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let envelopes = fields.required("envelopes");
        Some(Self {
            envelopes: envelopes?,
        })
    }
}

crate::words! {
    /// What became of an envelope.
    EnvelopeStatus {
        /// It is in the ledger from here on.
        Accepted = "accepted",
        /// It was in the ledger before; this is what was answered then.
        Repeated = "repeated",
        /// It is not in the ledger; `code` says why.
        Refused = "refused",
    }
}

/// What became of one envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvelopeReceipt {
    /// Its place in the request, from 0.
    pub index: usize,
    /// What became of it.
    pub status: EnvelopeStatus,
    /// The device it names, where it could be read.
    #[schema(value_type = Option<i64>)]
    pub device_id: Option<DeviceId>,
    /// Its sequence number, where it could be read.
    pub sequence: Option<i64>,
    /// Why it was refused; each code has a page.
    pub code: Option<String>,
    /// The same in a sentence.
    pub detail: Option<String>,
    /// The sequence number that the registry expects next of the device, where that is why.
    pub expected_sequence: Option<i64>,
    /// When to send it again, where time alone will do (`clock_in_future`).
    pub retry_after_s: Option<i64>,
    /// The position of the ledger at which it stands.
    pub position: Option<i64>,
    /// Readings of it that were accepted.
    pub accepted_readings: i64,
    /// Readings of it that the registry had already, with the same amount.
    pub repeated_readings: i64,
    /// Readings of it that break a rule. They are kept as evidence in the envelope and counted nowhere.
    pub refused_readings: Vec<RefusedReading>,
    /// Accepted readings that wait for a person, because they are doubtful.
    pub doubtful_readings: i64,
    /// Bundles issued for it.
    pub issued_bundles: i64,
    /// Wh of those bundles.
    #[schema(value_type = i64)]
    pub issued_wh: WattHours,
}

/// A reading of an accepted envelope that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedReading {
    /// Its place in the envelope, from 0.
    pub index: u32,
    /// Why; each code has a page.
    pub code: String,
    /// The same in a sentence. Not kept: a repeated envelope is answered without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of the envelopes of a request, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvelopesSubmitted {
    /// One for each envelope.
    pub receipts: Vec<EnvelopeReceipt>,
}
