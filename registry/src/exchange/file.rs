//! The signed file of an export, and the receipt for its import.

use super::key::{Exchange, Untrusted};
use ledger::command::{ImportBundles, ImportDevice, ImportRow, RefuseExport};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::event::import::{BundlesImported, Certificates, ExportContent, ExportRef};
use schemas::event::issuance::IssuanceTerms;
use schemas::exchange::{
    EXPORT_FORMAT, ExportFile, FileBundle, RECEIPT_FORMAT, REFUSAL_FORMAT, Receipt, Refusal,
    Signed, VERSION,
};
use schemas::id::{AccountId, MAX_CERTIFICATE_ID};
use serde::Serialize;
use std::collections::HashSet;

/// Why a signed file is not imported, or a receipt does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is none.
    #[error("the file is no signed export of version {VERSION}: {0}")]
    Malformed(String),
    /// It is not signed by whom it should.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It is for somebody else.
    #[error("the file is for registry {receiving:?}; this one is {here:?}")]
    Elsewhere {
        /// For whom it is.
        receiving: String,
        /// Name of this registry.
        here: String,
    },
    /// What it says does not agree with itself.
    #[error("the file does not agree with itself: {0}")]
    Inconsistent(String),
}

/// A file that was signed for this registry by one that it trusts.
#[derive(Debug, Clone)]
pub struct Opened {
    file: ExportFile,
    content: ExportContent,
}

/// Opens a file.
///
/// # Errors
/// [`FileError`].
pub fn accept(exchange: &Exchange, file: &[u8]) -> Result<Opened, FileError> {
    let malformed = |error: serde_json::Error| FileError::Malformed(error.to_string());
    let signed: Signed = serde_json::from_slice(file).map_err(malformed)?;
    // Whose signature it has to be is in the payload: nothing else of it is looked at before that is checked.
    let named = signed.payload.get("exporting_registry");
    let registry = named.and_then(|name| name.as_str()).unwrap_or_default();
    exchange.verify(registry, &signed)?;
    let export: ExportFile = serde_json::from_value(signed.payload).map_err(malformed)?;
    if export.format != EXPORT_FORMAT || export.version != VERSION {
        return Err(FileError::Malformed(format!(
            "it is {} of version {}",
            export.format, export.version
        )));
    }
    if export.receiving_registry != exchange.registry() {
        return Err(FileError::Elsewhere {
            receiving: export.receiving_registry,
            here: exchange.registry().to_owned(),
        });
    }
    check(&export).map_err(FileError::Inconsistent)?;
    let content = export.content().map_err(FileError::Inconsistent)?;
    Ok(Opened {
        file: export,
        content,
    })
}

pub(super) fn check(export: &ExportFile) -> Result<(), String> {
    let mut total = WattHours::ZERO;
    for bundle in &export.bundles {
        let attributes = &bundle.attributes;
        if hex::encode(attributes.hash()) != bundle.hash {
            return Err(format!("the hash of bundle {} is another", bundle.id));
        }
        if export.devices.get(bundle.device).is_none()
            || export.issuance_metadata.get(bundle.metadata).is_none()
        {
            return Err(format!("bundle {} names no device or metadata", bundle.id));
        }
        let wh =
            quantity(bundle).ok_or_else(|| format!("the range of bundle {} is none", bundle.id))?;
        let sum = total.0.checked_add(wh.0);
        total = WattHours(sum.ok_or("its bundles hold more than can be counted")?);
    }
    let devices: HashSet<_> = export.bundles.iter().map(|one| one.device).collect();
    let metadata: HashSet<_> = export.bundles.iter().map(|one| one.metadata).collect();
    if devices.len() < export.devices.len() || metadata.len() < export.issuance_metadata.len() {
        return Err("it lists devices or metadata of no bundle".to_owned());
    }
    if total != export.total_certificate_volume {
        return Err(format!(
            "its bundles hold {total}, not {}",
            export.total_certificate_volume
        ));
    }
    Ok(())
}

fn quantity(bundle: &FileBundle) -> Option<WattHours> {
    let attributes = &bundle.attributes;
    let last = attributes.certificate_bundle_id_range_end.0;
    let first = attributes.certificate_bundle_id_range_start.0;
    (1 <= first && first <= last && last <= MAX_CERTIFICATE_ID).then(|| WattHours(last - first + 1))
}

impl Opened {
    /// The command that makes sure it is never imported here.
    #[must_use]
    pub fn refusal(self, here: &str) -> RefuseExport {
        let export = self.export();
        let devices = self.file.devices.into_iter();
        let mut certificates: Vec<_> = devices
            .map(|device| Certificates {
                origin: device.origin,
                ranges: Vec::new(),
            })
            .collect();
        for bundle in &self.file.bundles {
            let attributes = &bundle.attributes;
            certificates[bundle.device].ranges.push((
                attributes.certificate_bundle_id_range_start,
                attributes.certificate_bundle_id_range_end,
            ));
        }
        RefuseExport {
            export,
            here: here.to_owned(),
            certificates,
        }
    }

    fn export(&self) -> ExportRef {
        ExportRef {
            registry: self.file.exporting_registry.clone(),
            export_id: self.file.export_id,
            content: self.content,
        }
    }

    /// The command that imports it into an account of the registry called `here`.
    ///
    /// # Errors
    /// [`FileError::Inconsistent`].
    pub fn command(self, account_id: AccountId, here: &str) -> Result<ImportBundles, FileError> {
        let export = Some(self.export());
        let file = self.file;
        let rows = (1..).zip(&file.bundles);
        let rows = rows
            .map(|(row, bundle)| import_row(row, bundle))
            .collect::<Result<_, _>>()?;
        Ok(ImportBundles {
            account_id,
            here: here.to_owned(),
            export,
            devices: file
                .devices
                .into_iter()
                .map(|device| ImportDevice {
                    origin: device.origin,
                    attributes: device.attributes,
                })
                .collect(),
            metadata: file.issuance_metadata,
            rows,
            unreadable: Vec::new(),
        })
    }
}

fn import_row(row: u32, bundle: &FileBundle) -> Result<ImportRow, FileError> {
    let attributes = &bundle.attributes;
    let factor = attributes.emissions_factor_production_device.as_deref();
    let factor = factor.map(str::parse::<Decimal>).transpose();
    let factor = factor.map_err(|error| FileError::Inconsistent(error.to_string()))?;
    Ok(ImportRow {
        row,
        device: bundle.device,
        metadata: bundle.metadata,
        start: attributes.certificate_bundle_id_range_start,
        end: attributes.certificate_bundle_id_range_end,
        quantity: quantity(bundle).unwrap_or(WattHours::ZERO),
        production_start: attributes.production_starting_interval,
        production_end: attributes.production_ending_interval,
        status: bundle.certificate_bundle_status,
        terms: IssuanceTerms {
            energy_source: attributes.energy_source,
            energy_carrier: attributes.energy_carrier,
            registry_configuration: attributes.registry_configuration,
            issuance_post_energy_carrier_conversion: attributes
                .issuance_post_energy_carrier_conversion,
            expiry: attributes.expiry_datestamp,
            emissions_factor_production_device: factor,
            emissions_factor_source: attributes.emissions_factor_source.clone(),
        },
        issued_at: attributes.issuance_datestamp,
        is_storage: attributes.is_storage,
        bundle_id: bundle.id.to_string(),
        issuance_id: bundle.origin_issuance_id.clone(),
        hash: Some(bundle.hash.clone()),
    })
}

/// A payload, signed by this registry.
///
/// # Errors
/// A sentence if it has no canonical form.
pub fn sealed(exchange: &Exchange, payload: &impl Serialize) -> Result<Signed, String> {
    let payload = serde_json::to_value(payload).map_err(|error| error.to_string())?;
    exchange.sign(payload)
}

/// The receipt for an import; none where nobody signed for what was imported.
///
/// # Errors
/// A sentence if it has no canonical form.
pub fn receipt(
    exchange: &Exchange,
    imported: &BundlesImported,
    imported_at: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Signed>, String> {
    let Some(export) = &imported.export else {
        return Ok(None);
    };
    let receipt = Receipt {
        format: RECEIPT_FORMAT.to_owned(),
        version: VERSION,
        importing_registry: exchange.registry().to_owned(),
        exporting_registry: export.registry.clone(),
        export_id: export.export_id,
        content: export.content,
        import_id: imported.import_id,
        imported_at,
        total_certificate_volume: imported.total(),
    };
    sealed(exchange, &receipt).map(Some)
}

/// This registry's refusal of an export.
///
/// # Errors
/// A sentence if it has no canonical form.
pub fn refusal(exchange: &Exchange, export: &ExportRef) -> Result<Signed, String> {
    sealed(exchange, &refusal_of(exchange.registry(), export))
}

fn refusal_of(refusing_registry: &str, export: &ExportRef) -> Refusal {
    Refusal {
        format: REFUSAL_FORMAT.to_owned(),
        version: VERSION,
        refusing_registry: refusing_registry.to_owned(),
        exporting_registry: export.registry.clone(),
        export_id: export.export_id,
        content: export.content,
    }
}

/// Checks that the receiving registry has refused an export of this one.
///
/// # Errors
/// A sentence if it has not.
pub fn check_refusal(
    exchange: &Exchange,
    signed: &Signed,
    export: &ExportRef,
    receiving_registry: &str,
) -> Result<(), String> {
    exchange
        .verify(receiving_registry, signed)
        .map_err(|error| error.to_string())?;
    let refusal: Refusal =
        serde_json::from_value(signed.payload.clone()).map_err(|error| error.to_string())?;
    if refusal != refusal_of(receiving_registry, export) {
        return Err(format!(
            "the refusal is of export {} of registry {:?}, or of other bundles under this id",
            refusal.export_id, refusal.exporting_registry
        ));
    }
    Ok(())
}

/// Reads a receipt for an export of this registry.
///
/// # Errors
/// A sentence if it does not confirm it.
pub fn check_receipt(
    exchange: &Exchange,
    signed: &Signed,
    export: &ExportRef,
    receiving_registry: &str,
    wh: WattHours,
) -> Result<Receipt, String> {
    exchange
        .verify(receiving_registry, signed)
        .map_err(|error| error.to_string())?;
    let receipt: Receipt =
        serde_json::from_value(signed.payload.clone()).map_err(|error| error.to_string())?;
    let fits = receipt.format == RECEIPT_FORMAT
        && receipt.version == VERSION
        && receipt.importing_registry == receiving_registry
        && receipt.exporting_registry == export.registry
        && receipt.export_id == export.export_id
        && receipt.content == export.content
        && receipt.total_certificate_volume == wh;
    if !fits {
        return Err(format!(
            "the receipt is of {} of export {} of registry {:?}, or of other bundles under this id",
            receipt.total_certificate_volume, receipt.export_id, receipt.exporting_registry
        ));
    }
    Ok(receipt)
}
