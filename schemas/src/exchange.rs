//! What registries of ours exchange: a file of exported bundles, and the receipt for its import or its refusal, each
//! signed over the RFC 8785 canonical JSON of its payload.

use crate::amount::WattHours;
use crate::bundle::HashedAttributes;
use crate::event::device::{DeviceAttributes, DeviceOrigin};
use crate::event::import::ExportContent;
use crate::event::issuance::IssuanceMetadata;
use crate::id::{ActionId, BundleId, ImportId};
use crate::life_cycle::CertificateStatus;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// `format` of a file of exported bundles.
pub const EXPORT_FORMAT: &str = "granular-certificate-export";
/// `format` of the receipt for an import.
pub const RECEIPT_FORMAT: &str = "granular-certificate-import-receipt";
/// `format` of the refusal of an export.
pub const REFUSAL_FORMAT: &str = "granular-certificate-import-refusal";
/// The version of all that this program writes, and the only one it reads.
pub const VERSION: u32 = 1;
/// The only signature algorithm: Ed25519 (RFC 8032).
pub const ALGORITHM: &str = "Ed25519";

/// A payload and its detached signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is signed: its RFC 8785 canonical JSON.
    pub payload: Value,
    /// By whom.
    pub signature: Signature,
}

/// A signature over canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    pub algorithm: String,
    /// The key, as the registry publishes it.
    pub key_id: String,
    /// 64 bytes in base64.
    pub value: String,
}

impl Signed {
    /// The bytes that are signed.
    ///
    /// # Errors
    /// A sentence if the payload has no canonical form: a number beyond what a double holds.
    pub fn canonical(payload: &Value) -> Result<Vec<u8>, String> {
        serde_json_canonicalizer::to_vec(payload).map_err(|error| error.to_string())
    }
}

/// Bundles on their way from one registry to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportFile {
    /// [`EXPORT_FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the registry that exports.
    pub exporting_registry: String,
    /// Name of the registry that is to import.
    pub receiving_registry: String,
    /// The export in the registry that exports.
    pub export_id: ActionId,
    /// When it was offered.
    pub exported_at: DateTime<Utc>,
    /// Wh over all bundles.
    pub total_certificate_volume: WattHours,
    /// The devices that produced.
    pub devices: Vec<FileDevice>,
    /// Issuance metadata of the bundles.
    pub issuance_metadata: Vec<IssuanceMetadata>,
    /// The bundles.
    pub bundles: Vec<FileBundle>,
}

impl ExportFile {
    /// What is offered: SHA-256 over the RFC 8785 canonical JSON of the sorted list of
    /// `[registry of the device, device there, hash of the bundle]`. What may change of a device while the export
    /// stands is not in it.
    ///
    /// # Errors
    /// A sentence if a bundle names no device of the file.
    pub fn content(&self) -> Result<ExportContent, String> {
        let named = |bundle: &FileBundle| {
            let device = self.devices.get(bundle.device);
            let DeviceOrigin { registry, device } = &device
                .ok_or_else(|| format!("bundle {} names no device", bundle.id))?
                .origin;
            Ok([registry.clone(), device.clone(), bundle.hash.clone()])
        };
        let mut listed = self
            .bundles
            .iter()
            .map(named)
            .collect::<Result<Vec<_>, String>>()?;
        listed.sort_unstable();
        let canonical = Signed::canonical(&serde_json::json!(listed))?;
        Ok(ExportContent(Sha256::digest(canonical).into()))
    }
}

/// A device in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDevice {
    /// Where it is at home: not always the registry that exports.
    pub origin: DeviceOrigin,
    /// What is known of it.
    pub attributes: DeviceAttributes,
}

/// A bundle in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileBundle {
    /// Its id in the registry that exports.
    pub id: BundleId,
    /// Its hash there: SHA-256 over the canonical JSON of `attributes`.
    pub hash: String,
    /// Its state for the registry that imports.
    pub certificate_bundle_status: CertificateStatus,
    /// Index of its device in `devices`.
    pub device: usize,
    /// Index of its issuance metadata in `issuance_metadata`.
    pub metadata: usize,
    /// The issuance in the registry that issued.
    pub origin_issuance_id: String,
    /// What never changes of it.
    pub attributes: HashedAttributes,
}

/// What a registry signs once it has imported a file: with it, the registry that exported confirms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the registry that imported.
    pub importing_registry: String,
    /// Name of the registry that exported.
    pub exporting_registry: String,
    /// The export in the registry that exported.
    pub export_id: ActionId,
    /// What it offered, by [`ExportFile::content`].
    pub content: ExportContent,
    /// The import in the registry that imported.
    pub import_id: ImportId,
    /// When it was imported.
    pub imported_at: DateTime<Utc>,
    /// Wh over all bundles.
    pub total_certificate_volume: WattHours,
}

/// What a registry signs that has not imported a file and never will: with it, the registry that exported takes
/// the bundles back. It says nothing that could differ, so it is the same as often as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// [`REFUSAL_FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the registry that refuses.
    pub refusing_registry: String,
    /// Name of the registry that exported.
    pub exporting_registry: String,
    /// The export in the registry that exported.
    pub export_id: ActionId,
    /// What it offered, by [`ExportFile::content`].
    pub content: ExportContent,
}
