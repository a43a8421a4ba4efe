//! Exports to other registries and imports from them, on the wire.

use crate::WattHours;
use crate::Watts;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::FieldError;
use crate::api::value::{At, FromValue, Given, word};
use crate::energy::{EnergySource, TechnologyType};
use crate::exchange::Signed;
use crate::id::{AccountId, ActionId, BundleId, ImportId};
use crate::words;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where an imported bundle comes from. The certificates' own numbers are those of the registry that
/// issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleOrigin {
    /// Name of the registry that issued.
    pub registry: String,
    /// The device in that registry.
    pub device_id: String,
    /// The bundle in the registry it was imported from, before it was split here.
    pub bundle_id: String,
    /// The issuance in the registry that issued.
    pub issuance_id: String,
    /// Hash of that bundle, hexadecimal, if it came with one.
    pub hash: Option<String>,
    /// First certificate of that bundle.
    pub certificate_bundle_id_range_start: i64,
    /// Last certificate of that bundle, inclusive.
    pub certificate_bundle_id_range_end: i64,
    /// The import.
    #[schema(value_type = i64)]
    pub import_id: ImportId,
    /// When it was imported.
    pub imported_at: DateTime<Utc>,
    /// Name of the registry whose signed export was imported.
    pub exporting_registry: Option<String>,
    /// The export there.
    #[schema(value_type = Option<i64>)]
    pub export_id: Option<ActionId>,
}

/// An export to another registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExportRead {
    /// The action that offered the bundles.
    #[schema(value_type = i64)]
    pub id: ActionId,
    /// The account that holds or held them.
    #[schema(value_type = i64)]
    pub source_id: AccountId,
    /// Name of the registry they are offered to.
    pub receiving_registry: String,
    /// `offered`, `confirmed` or `taken_back`.
    #[schema(example = "offered")]
    pub state: String,
    /// The action that confirmed it or took it back.
    #[schema(value_type = Option<i64>)]
    pub settlement_id: Option<ActionId>,
    /// What the receiving registry knows its import by.
    pub receiving_reference: Option<String>,
    /// When it was offered.
    pub created_at: DateTime<Utc>,
    /// Number of bundles.
    pub num_granular_certificate_bundles: i32,
    /// Wh over all bundles.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
}

/// Confirms an export: the receiving registry holds the bundles.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"receiving_reference": "fr/import/12"}))]
pub struct ConfirmExport {
    /// What the receiving registry knows its import by; taken from the receipt where absent.
    #[schema(min_length = 1, max_length = 500)]
    pub receiving_reference: Option<String>,
    /// The receipt that the receiving registry signed. Required where this registry knows that one's key, unless
    /// `without_receipt`.
    pub receipt: Option<Signed>,
    /// Whether the issuing body, and it alone, confirms on its own word although no receipt can be had.
    #[schema(default = false, required = false)]
    pub without_receipt: bool,
    /// Why; required with `without_receipt`.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

impl FromFields for ConfirmExport {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            receiving_reference: fields.optional("receiving_reference"),
            receipt: fields.optional("receipt"),
            without_receipt: fields.or("without_receipt", false),
            reason: fields.optional("reason"),
        })
    }
}

/// Takes an export back: the bundles are in circulation here again.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"reason": "refused by the receiving registry"}))]
pub struct TakeBackExport {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The refusal that the receiving registry signed; required without `without_refusal`.
    pub refusal: Option<Signed>,
    /// Whether the issuing body, and it alone, takes back on its own word although no refusal can be had. The receiving
    /// registry must not import the export any more.
    #[schema(default = false, required = false)]
    pub without_refusal: bool,
}

impl FromFields for TakeBackExport {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason");
        let refusal = fields.optional("refusal");
        let without_refusal = fields.or("without_refusal", false);
        Some(Self {
            reason: reason?,
            refusal,
            without_refusal,
        })
    }
}

/// Bundles of another registry as a form.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes a form, which is read part by part")]
pub struct ImportUpload {
    /// The account that receives.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// A signed export of a registry that this one trusts; or rows, as CSV in UTF-8 or as a JSON list of
    /// objects, with the columns of the template. At most 16 MiB and 50,000 bundles.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    pub file: String,
    /// The device that produced, as JSON, with `device_name`, `local_device_identifier`, `grid`,
    /// `energy_source`, `technology_type`, `operational_date`, `power_mw`, `location` and `is_storage`.
    /// A signed export brings its own.
    pub device_json: Option<String>,
}

/// The parts of such a form beside the file.
#[derive(Debug, Clone)]
pub struct ImportFields {
    /// The account that receives.
    pub account_id: Named<AccountId>,
    /// The device that produced, as JSON.
    pub device_json: Option<String>,
}

impl FromFields for ImportFields {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let account_id = fields.required("account_id");
        let device_json = fields.optional("device_json");
        Some(Self {
            account_id: account_id?,
            device_json,
        })
    }
}

/// The device of an import, as the contract writes it.
#[derive(Debug, Clone)]
pub struct ImportDeviceJson {
    /// Name people know it by.
    pub device_name: String,
    /// Identifier of the device or meter in its own grid.
    pub local_device_identifier: Option<String>,
    /// Grid it feeds.
    pub grid: String,
    /// What it makes energy from.
    pub energy_source: EnergySource,
    /// How.
    pub technology_type: TechnologyType,
    /// First day of operation.
    pub operational_date: DateTime<Utc>,
    /// Nameplate capacity.
    pub power: Watts,
    /// Address or position.
    pub location: String,
    /// Whether it stores energy.
    pub is_storage: bool,
}

impl FromFields for ImportDeviceJson {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_name = fields.required("device_name");
        let local_device_identifier = fields.optional("local_device_identifier");
        let grid = fields.required("grid");
        let energy_source = fields.required("energy_source");
        let technology_type = fields.required("technology_type");
        let operational_date = fields.required("operational_date");
        let power = fields.required("power_mw");
        let location = fields.optional("location");
        let is_storage = fields.or("is_storage", false);
        Some(Self {
            device_name: device_name?,
            local_device_identifier,
            grid: grid?,
            energy_source: energy_source?,
            technology_type: technology_type?,
            operational_date: operational_date?,
            power: power?,
            location: location.unwrap_or_default(),
            is_storage,
        })
    }
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BundlesImported {
    /// A sentence for people.
    pub message: String,
    /// Number of bundles.
    pub number_of_imported_certificate_bundles: usize,
    /// Wh over all bundles.
    #[schema(value_type = i64)]
    pub total_imported_energy: WattHours,
    /// The import.
    #[schema(value_type = i64)]
    pub import_id: ImportId,
    /// Id of the first bundle; the others follow it one by one.
    #[schema(value_type = i64)]
    pub first_bundle_id: BundleId,
    /// The receipt with which the registry that exported confirms; null where nobody signed for a file.
    pub receipt: Option<Signed>,
}

/// Which import a receipt is wanted of.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceiptQuery {
    /// Name of the registry that exported.
    pub exporting_registry: String,
    /// The export there.
    #[param(value_type = i64)]
    pub export_id: ActionId,
}

impl FromFields for ReceiptQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let exporting_registry = fields.required("exporting_registry");
        let export_id = fields.required("export_id");
        Some(Self {
            exporting_registry: exporting_registry?,
            export_id: export_id?,
        })
    }
}

words! {
    /// Form of a template.
    TemplateFormat { Csv = "csv", Json = "json" }
}

impl FromValue for TemplateFormat {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        word(given, at, errors)
    }
}

/// In which form a template is wanted.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TemplateQuery {
    /// `csv` where absent.
    #[param(inline, value_type = Option<TemplateFormat>)]
    pub format: TemplateFormat,
}

impl FromFields for TemplateQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            format: fields.or("format", TemplateFormat::Csv),
        })
    }
}

/// The keys a registry signs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegistryKeys {
    /// Name of the registry.
    pub registry: String,
    /// Its keys, the one in use first.
    pub keys: Vec<RegistryKey>,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegistryKey {
    /// The first 16 hexadecimal digits of the key's SHA-256.
    pub key_id: String,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    pub algorithm: String,
    /// 32 bytes in base64.
    pub public_key: String,
    /// Whether new signatures are made with it.
    pub is_current: bool,
}
