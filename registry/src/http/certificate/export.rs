//! Exports to other registries: offered, then confirmed or taken back. The file between is signed.

use super::act::accepted;
use crate::exchange::{check_receipt, check_refusal, sealed};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, Id, Read, Write, may};
use crate::read::{bundle, exchange};
use actix_web::{HttpResponse, get, post};
use deadpool_postgres::Client;
use ledger::Command;
use ledger::command::{SettleExport, Settlement};
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::certificate::{Action, BundleFull, ConfirmExport, ExportRead, TakeBackExport};
use schemas::bundle::HashedAttributes;
use schemas::capability::Capability;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::ExportRef;
use schemas::event::issuance::IssuanceMetadata;
use schemas::exchange::{EXPORT_FORMAT, ExportFile, FileBundle, FileDevice, Signed, VERSION};
use schemas::id::{ActionId, DeviceId, MetadataId};
use schemas::life_cycle::CertificateStatus;
use std::collections::HashMap;

/// Get an export.
///
/// Visible to members of the account that holds the bundles, and to the issuing body.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_export",
    params(("id" = i64, Path, description = "The action that offered the bundles.")),
    responses(
        (status = 200, description = "The export.", body = ExportRead),
        (status = 404, description = "export_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/export/{id}")]
pub async fn get_export(read: Read, Id(id): Id<ActionId>) -> Answer<HttpResponse> {
    let client = read.client().await?;
    Ok(HttpResponse::Ok().json(read.export(&client, id).await?))
}

/// Get the file of an export.
///
/// All that the receiving registry needs to import the bundles, signed over its RFC 8785 canonical JSON with
/// a key published at `/.well-known/registry-keys.json`. The same file as often as it is asked for; none
/// once the export was taken back.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_export_file",
    params(("id" = i64, Path, description = "The action that offered the bundles.")),
    responses(
        (status = 200, description = "The signed file.", body = Signed),
        (status = 404, description = "export_not_found"),
        (status = 409, description = "export_settled"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/export/{id}/file")]
pub async fn get_export_file(
    read: Read<may::SettleExports>,
    Id(id): Id<ActionId>,
) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let export = read.export(&client, id).await?;
    if export.state == ledger::entry::ExportState::TakenBack.as_str() {
        let detail = format!(
            "export {} was taken back; there is nothing to import of it",
            export.id
        );
        return Err(Problem::new(Code::ExportSettled, detail));
    }
    let state = read.state();
    let file = file_of(&client, &export, state.exchange.registry()).await?;
    let signed = sealed(&state.exchange, &file).map_err(|cause| Problem::internal(&cause))?;
    Ok(HttpResponse::Ok().json(signed))
}

/// Confirm an export.
///
/// The receiving registry has imported the bundles: they are Exported for good. Where this registry knows
/// the other one's key, its signed receipt is required, unless the issuing body confirms on its own word
/// (`without_receipt`, with the reason); else its reference is taken on the caller's word.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "confirm_export",
    params(("id" = i64, Path, description = "The action that offered the bundles.")),
    request_body = ConfirmExport,
    responses(
        (status = 202, description = "The action as recorded.", body = Action),
        (status = 403, description = "account_access_denied, capability_required"),
        (status = 404, description = "export_not_found"),
        (status = 409, description = "export_settled"),
        (status = 422, description = "request_invalid, receipt_invalid, value_out_of_range"),
    ),
)]
#[post("/certificate/export/{id}/confirm")]
pub async fn confirm_export(
    write: Write<may::SettleExports, ConfirmExport>,
    Id(id): Id<ActionId>,
) -> Answer<HttpResponse> {
    let export = settleable(&write.caller, id).await?;
    let settlement = confirmed(&write, &export).await?;
    accepted(
        write
            .execute(settle(&write.caller, &export, settlement))
            .await?,
    )
}

/// Take an export back.
///
/// The bundles are Active again. Only while it is not confirmed, and only with the receiving registry's signed refusal
/// (`POST /certificate/import/refuse` there): it has not imported them and never will. Where none can be had, the
/// issuing body alone takes back on its own word (`without_refusal`).
#[utoipa::path(
    tag = "Certificates",
    operation_id = "take_back_export",
    params(("id" = i64, Path, description = "The action that offered the bundles.")),
    request_body = TakeBackExport,
    responses(
        (status = 202, description = "The action as recorded.", body = Action),
        (status = 403, description = "account_access_denied, capability_required"),
        (status = 404, description = "export_not_found"),
        (status = 409, description = "export_settled"),
        (status = 422, description = "request_invalid, refusal_invalid, value_out_of_range"),
    ),
)]
#[post("/certificate/export/{id}/take_back")]
pub async fn take_back_export(
    write: Write<may::SettleExports, TakeBackExport>,
    Id(id): Id<ActionId>,
) -> Answer<HttpResponse> {
    let export = settleable(&write.caller, id).await?;
    let without_signature = refused(&write, &export).await?;
    let settlement = Settlement::TakenBack(write.body.reason.clone());
    let settlement = (settlement, without_signature);
    accepted(
        write
            .execute(settle(&write.caller, &export, settlement))
            .await?,
    )
}

fn settle(
    caller: &Caller<may::SettleExports>,
    export: &ExportRead,
    (settlement, without_signature): (Settlement, bool),
) -> Command {
    Command::SettleExport(SettleExport {
        export_id: export.id,
        source_id: export.source_id,
        here: caller.state().exchange.registry().to_owned(),
        settlement,
        without_signature,
    })
}

/// The export as the receiving registry signs for it.
async fn referred(caller: &Caller<may::SettleExports>, export: &ExportRead) -> Answer<ExportRef> {
    let here = caller.state().exchange.registry();
    let file = file_of(&caller.client().await?, export, here).await?;
    Ok(ExportRef {
        registry: here.to_owned(),
        export_id: export.id,
        content: file.content().map_err(|cause| Problem::internal(&cause))?,
    })
}

/// What the issuing body alone may do, on its own word.
fn on_own_word(caller: &Caller<may::SettleExports>, flag: &str) -> Answer<()> {
    match caller.may(Capability::Oversee) {
        true => Ok(()),
        false => Err(Problem::new(
            EdgeCode::CapabilityRequired,
            format!(
                "without the receiving registry's signature ({flag}), the issuing body (ADMIN) alone settles an export"
            ),
        )),
    }
}

/// The export, which the caller may settle: as a member of the account, or as the issuing body.
async fn settleable(
    caller: &Caller<may::SettleExports>,
    named: Named<ActionId>,
) -> Answer<ExportRead> {
    caller.export(&caller.client().await?, named).await
}

/// How the export is confirmed, and whether without the receiving registry's signature.
async fn confirmed(
    write: &Write<may::SettleExports, ConfirmExport>,
    export: &ExportRead,
) -> Answer<(Settlement, bool)> {
    let ConfirmExport {
        receiving_reference,
        receipt,
        without_receipt,
        reason,
    } = &write.body;
    let exchange = &write.caller.state().exchange;
    let receiving = export.receiving_registry.as_str();
    let invalid =
        |pointer: &str, rule: String| Problem::new(EdgeCode::ReceiptInvalid, rule).at(pointer);
    let named = || {
        receiving_reference.clone().ok_or_else(|| {
            let rule = "`receiving_reference` is required where no receipt says it";
            invalid("/receiving_reference", rule.to_owned())
        })
    };
    if *without_receipt {
        on_own_word(&write.caller, "without_receipt")?;
        let reason = reason.clone().ok_or_else(|| {
            let rule = "`reason` is required with `without_receipt`";
            invalid("/reason", rule.to_owned())
        })?;
        let reference = named()?;
        let reason = Some(reason);
        return Ok((Settlement::Confirmed { reference, reason }, true));
    }
    let reason = reason.clone();
    if !exchange.trusts(receiving) {
        let reference = named()?;
        return Ok((Settlement::Confirmed { reference, reason }, true));
    }
    let Some(receipt) = receipt else {
        let rule = format!(
            "registry {receiving:?} signs a `receipt` for what it imported; it is required"
        );
        return Err(invalid("/receipt", rule));
    };
    let referred = referred(&write.caller, export).await?;
    let volume = export.total_certificate_volume;
    let receipt = check_receipt(exchange, receipt, &referred, receiving, volume)
        .map_err(|rule| invalid("/receipt", rule))?;
    let import = || format!("{receiving}/import/{}", receipt.import_id);
    let reference = receiving_reference.clone().unwrap_or_else(import);
    Ok((Settlement::Confirmed { reference, reason }, false))
}

/// The receiving registry has refused the export, or the issuing body says so: then without its signature.
async fn refused(
    write: &Write<may::SettleExports, TakeBackExport>,
    export: &ExportRead,
) -> Answer<bool> {
    if write.body.without_refusal {
        on_own_word(&write.caller, "without_refusal")?;
        return Ok(true);
    }
    let receiving = export.receiving_registry.as_str();
    let invalid = |rule: String| Problem::new(EdgeCode::RefusalInvalid, rule).at("/refusal");
    let Some(refusal) = &write.body.refusal else {
        return Err(invalid(format!(
            "registry {receiving:?} signs a `refusal` for what it will not import; it is required"
        )));
    };
    let referred = referred(&write.caller, export).await?;
    check_refusal(
        &write.caller.state().exchange,
        refusal,
        &referred,
        receiving,
    )
    .map_err(invalid)?;
    Ok(false)
}

/// The file of an export, the same at any time.
async fn file_of(client: &Client, export: &ExportRead, here: &str) -> Answer<ExportFile> {
    let ids = exchange::bundles_of(client, export.id).await?;
    let mut found: HashMap<_, _> = bundle::by_ids(client, &ids)
        .await?
        .into_iter()
        .map(|bundle| (bundle.id, bundle))
        .collect();
    let bundles: Vec<BundleFull> = ids.iter().filter_map(|id| found.remove(id)).collect();
    if bundles.len() != ids.len() {
        return Err(Problem::internal(&"a bundle of an export is not in READ"));
    }
    let mut device_ids: Vec<DeviceId> = bundles.iter().map(|bundle| bundle.device_id).collect();
    device_ids.sort_unstable();
    device_ids.dedup();
    let mut known = exchange::devices(client, &device_ids).await?;
    let mut devices = Vec::with_capacity(device_ids.len());
    for id in &device_ids {
        let (attributes, origin) = known
            .remove(id)
            .ok_or_else(|| Problem::internal(&"a device of an export is not in READ"))?;
        let origin = origin.unwrap_or_else(|| DeviceOrigin {
            registry: here.to_owned(),
            device: id.to_string(),
        });
        devices.push(FileDevice { origin, attributes });
    }
    let mut metadata: Vec<(MetadataId, IssuanceMetadata)> = Vec::new();
    let mut listed = Vec::with_capacity(bundles.len());
    for bundle in bundles {
        let known = metadata
            .iter()
            .position(|(id, _)| *id == bundle.metadata_id);
        let index = known.unwrap_or(metadata.len());
        if known.is_none() {
            metadata.push((bundle.metadata_id, metadata_of(&bundle)));
        }
        let device = device_ids.partition_point(|id| *id < bundle.device_id);
        listed.push(file_bundle(bundle, device, index));
    }
    Ok(ExportFile {
        format: EXPORT_FORMAT.to_owned(),
        version: VERSION,
        exporting_registry: here.to_owned(),
        receiving_registry: export.receiving_registry.clone(),
        export_id: export.id,
        exported_at: export.created_at,
        total_certificate_volume: export.total_certificate_volume,
        devices,
        issuance_metadata: metadata.into_iter().map(|(_, metadata)| metadata).collect(),
        bundles: listed,
    })
}

fn configuration(bundle: &BundleFull) -> u8 {
    u8::try_from(bundle.registry_configuration).unwrap_or_default()
}

fn metadata_of(bundle: &BundleFull) -> IssuanceMetadata {
    IssuanceMetadata {
        country_of_issuance: bundle.country_of_issuance.clone(),
        connected_grid_identification: bundle.connected_grid_identification.clone(),
        issuing_body: bundle.issuing_body.clone(),
        issue_market_zone: bundle.issue_market_zone.clone(),
        legal_status: bundle.legal_status.clone(),
        issuance_purpose: bundle.issuance_purpose.clone(),
        support_received: bundle.support_received.clone(),
        quality_scheme_reference: bundle.quality_scheme_reference.clone(),
        dissemination_level: bundle.dissemination_level.clone(),
        registry_configuration: configuration(bundle),
    }
}

fn file_bundle(bundle: BundleFull, device: usize, metadata: usize) -> FileBundle {
    let registry_configuration = configuration(&bundle);
    let origin_issuance_id = match &bundle.origin {
        Some(origin) => origin.issuance_id.clone(),
        None => bundle.issuance_id.clone(),
    };
    FileBundle {
        id: bundle.id,
        hash: bundle.hash,
        // What it is where it is offered; there it becomes what it was here.
        certificate_bundle_status: CertificateStatus::Active,
        device,
        metadata,
        origin_issuance_id,
        attributes: HashedAttributes {
            certificate_bundle_id_range_end: bundle.certificate_bundle_id_range_end,
            certificate_bundle_id_range_start: bundle.certificate_bundle_id_range_start,
            device_id: bundle.device_id,
            emissions_factor_production_device: bundle
                .emissions_factor_production_device
                .map(|factor| factor.0.to_string()),
            emissions_factor_source: bundle.emissions_factor_source,
            energy_carrier: bundle.energy_carrier,
            energy_source: bundle.energy_source,
            expiry_datestamp: bundle.expiry_datestamp,
            face_value: bundle.face_value,
            is_storage: bundle.is_storage,
            issuance_datestamp: bundle.issuance_datestamp,
            issuance_id: bundle.issuance_id,
            issuance_post_energy_carrier_conversion: bundle.issuance_post_energy_carrier_conversion,
            metadata_id: bundle.metadata_id,
            parent_hash: bundle.parent_hash,
            parent_id: bundle.parent_id,
            production_ending_interval: bundle.production_ending_interval,
            production_starting_interval: bundle.production_starting_interval,
            registry_configuration,
        },
    }
}
