//! Where a bundle comes from and what became of it, in a form that can be checked without the registry.

use super::exchange::BundleOrigin;
use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::problem::FieldError;
use crate::api::value::{At, FromValue, Given, word};
use crate::bundle::HashedAttributes;
use crate::event::issuance::IssuanceMetadata;
use crate::gateway::KeyId;
use crate::id::{
    AccountId, ActionId, BundleId, CertificateId, DeviceId, GatewayId, MeasurementId, MetadataId,
    UserId,
};
use crate::life_cycle::{ActionType, CertificateStatus};
use crate::log::Position;
use crate::words;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

words! {
    /// Form of a lineage: told in order, or as the events of the ledger.
    LineageFormat { Timeline = "timeline", Raw = "raw" }
}

impl FromValue for LineageFormat {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        word(given, at, errors)
    }
}

/// Which form of a lineage is wanted.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LineageQuery {
    /// `timeline` where absent.
    #[param(value_type = Option<LineageFormat>)]
    pub format: LineageFormat,
}

impl FromFields for LineageQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            format: fields.or("format", LineageFormat::Timeline),
        })
    }
}

/// Where a bundle comes from and what became of it. `registry verify-bundle` checks a saved answer.
///
/// Other holders are shown by the ids of their accounts, never by name. Who acted, for whom and why is
/// shown to the members of the accounts concerned and to the issuing body; elsewhere it is null and the
/// entry is marked `is_redacted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The bundle asked for.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// Form of the lineage.
    pub format: LineageFormat,
    /// Position in the ledger that the answer reflects.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
    /// The bundle as issued, each bundle split on the way from there and its two parts, and every part of
    /// the bundle asked for, by id.
    pub bundles: Vec<LineageBundle>,
    /// What happened, in order (`format=timeline`); else null.
    pub timeline: Option<Vec<LineageEntry>>,
    /// The events of the ledger, in order (`format=raw`); else null.
    pub events: Option<Vec<LineageEvent>>,
    /// What the bundle asked for is now: itself, or the parts it was split into that were not split again.
    pub leaves: Vec<LineageLeaf>,
}

/// A bundle with all that its hash covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageBundle {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: BundleId,
    /// SHA-256 over the RFC 8785 canonical JSON of `attributes`, hexadecimal.
    pub hash: String,
    /// What never changes of it, exactly as hashed.
    pub attributes: HashedAttributes,
}

/// A reading the issuance is founded on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageReading {
    /// When it was accepted.
    pub at: DateTime<Utc>,
    /// The reading.
    #[schema(value_type = i64)]
    pub measurement_id: MeasurementId,
    /// The metered device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Start of the interval.
    pub interval_start_datetime: DateTime<Utc>,
    /// End of the interval.
    pub interval_end_datetime: DateTime<Utc>,
    /// Metered Wh.
    #[schema(value_type = i64)]
    pub interval_usage: WattHours,
    /// `NET` or `GROSS`, as submitted.
    pub gross_net_indicator: String,
    /// The gateway's envelope that it came in; null where no gateway signed it, or a person moved it since.
    pub envelope: Option<LineageEnvelope>,
    /// Position of the event that recorded it as it is.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// Where the signed envelope of a reading stands. `format=raw` has the envelope itself and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageEnvelope {
    /// The gateway that signed it.
    #[schema(value_type = i64)]
    pub gateway_id: GatewayId,
    /// The device that it metered.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Number of the envelope among those of the device.
    #[schema(minimum = 1)]
    pub sequence: i64,
    /// The key that signed it: its thumbprint (RFC 7638).
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// SHA-256 of the envelope in compact serialisation, hexadecimal.
    pub hash: String,
    /// Position of the event that holds it.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// The issuance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageIssuance {
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// The bundle as issued.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// The account that received it.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// The device that produced.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Its name now.
    pub device_name: String,
    /// Its identifier in a public register of devices.
    pub device_unique_id: Option<String>,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Wh issued.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// First instant at which it is expired.
    pub expiry_datestamp: DateTime<Utc>,
    /// Its hash.
    pub hash: String,
    /// The issuance metadata.
    #[schema(value_type = i64)]
    pub metadata_id: MetadataId,
    /// What that says.
    #[schema(value_type = Object)]
    pub metadata: IssuanceMetadata,
    /// Where it was imported from: then no reading is known here.
    pub origin: Option<BundleOrigin>,
    /// Position of the event.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// A split into two parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageSplit {
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// The action that needed a part only.
    #[schema(value_type = i64)]
    pub action_id: ActionId,
    /// The bundle that was split.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// The part that was acted on, then the part that stayed as it was.
    pub parts: Vec<LineagePart>,
    /// Position of the event.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// One part of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineagePart {
    /// Its id.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Certificates it holds.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// Its hash.
    pub hash: String,
}

/// An action on the bundle, on one it was split from, or on one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageAction {
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// When the request arrived.
    pub requested_at: DateTime<Utc>,
    /// Id of the action.
    #[schema(value_type = i64)]
    pub action_id: ActionId,
    /// What was done.
    pub action_type: ActionType,
    /// The bundle that it was done to.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// The account it was done for: the holder, or the beneficiary who claims.
    #[schema(value_type = i64)]
    pub from_account_id: AccountId,
    /// The holder since (transfer).
    #[schema(value_type = Option<i64>)]
    pub to_account_id: Option<AccountId>,
    /// State before.
    pub status_before: CertificateStatus,
    /// State since.
    pub status_after: CertificateStatus,
    /// Who asked; null where the registry acted by itself.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// For whom (cancel, claim).
    pub beneficiary: Option<String>,
    /// That one's account.
    #[schema(value_type = Option<i64>)]
    pub beneficiary_account_id: Option<AccountId>,
    /// Why (withdraw, lock, unlock).
    pub reason: Option<String>,
    /// Whether the caller may not see who asked, for whom and why.
    pub is_redacted: bool,
    /// Position of the event.
    #[schema(value_type = i64)]
    pub ledger_position: Position,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LineageEntry {
    /// A reading was accepted.
    Reading(LineageReading),
    /// The bundle was issued, or the one it was split from.
    Issuance(Box<LineageIssuance>),
    /// A bundle was split.
    Split(LineageSplit),
    /// A bundle was acted on.
    Action(LineageAction),
}

/// An event of the ledger, as far as it concerns the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageEvent {
    /// Its position.
    #[schema(value_type = i64)]
    pub position: Position,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Version of the payload.
    pub version: u16,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Who caused it: `user:7`, `system:expiry`; null where the caller may not see it.
    pub actor: Option<String>,
    /// The command it follows from.
    pub command_id: Uuid,
    /// Whether the payload in the ledger names more than what is shown here.
    pub is_extract: bool,
    /// Whether the caller may not see who asked, for whom and why.
    pub is_redacted: bool,
    /// The payload: of a list of intervals or bundles only what concerns the bundle.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// What a bundle, or a part of it, is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageLeaf {
    /// Its id.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// The account that holds it.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// Its state.
    pub certificate_bundle_status: CertificateStatus,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Certificates it holds.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
}
