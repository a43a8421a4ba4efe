//! Issuance by hand, and the metadata that issuances carry.

use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use ledger::command::IssueBundle;
use ledger::{Command, Event};
use schemas::WattHours;
use schemas::api::certificate::{Bundle, Metadata, NewBundle, NewMetadata};
use schemas::api::decimal::ExactNumber;
use schemas::bundle::{ImmutableAttributes, issuance_id};
use schemas::event::LedgerEvent;
use schemas::event::issuance::BundlesIssued;
use schemas::id::{AccountId, DeviceId};
use schemas::life_cycle::CertificateStatus;

/// Issue a bundle by hand.
///
/// The issuing body's statement is held to the rules of an issuance from readings; where no reading was
/// accepted for the interval, it is recorded as one.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "create_certificate_bundle",
    request_body = NewBundle,
    responses(
        (status = 201, description = "The bundle as issued.", body = Bundle),
        (status = 404, description = "account_not_found, device_not_found, issuance_metadata_missing"),
        (status = 409, description = "range_taken, over_metered"),
        (status = 422, description = "request_invalid, account_closed, device_removed, device_not_certified, \
            value_out_of_range, interval_order, interval_grid, before_operation, in_future, over_capacity, \
            range_quantity, reading_overlap, serials_exhausted"),
    ),
)]
#[post("/certificate/create")]
pub async fn create_bundle(write: Write<may::Issue, NewBundle>) -> Answer<HttpResponse> {
    let account_id = write.caller.supervises(write.body.account_id)?;
    let device_id = write.caller.supervised_device(write.body.device_id).await?;
    let command = issue(account_id, device_id, &write.body);
    let command = Command::IssueBundle(Box::new(command));
    let receipt = write.execute(command).await?;
    let (issued, recorded_at) = issued(receipt)?;
    Ok(HttpResponse::Created().json(issued_bundle(&issued, recorded_at)?))
}

fn issue(account_id: AccountId, device_id: DeviceId, new: &NewBundle) -> IssueBundle {
    IssueBundle {
        device_id,
        account_id,
        metadata_id: new.metadata_id,
        start: new.certificate_bundle_id_range_start,
        end: new.certificate_bundle_id_range_end,
        quantity: new.bundle_quantity,
        production_start: new.production_starting_interval,
        production_end: new.production_ending_interval,
        energy_source: new.energy_source,
        energy_carrier: new.energy_carrier,
        issuance_post_energy_carrier_conversion: new.issuance_post_energy_carrier_conversion,
        expiry: new.expiry_datestamp,
        // Without trailing zeros, so that the text that is hashed is the number that is answered.
        emissions_factor_production_device: new
            .emissions_factor_production_device
            .map(|factor| factor.0.normalize()),
        emissions_factor_source: new.emissions_factor_source.clone(),
    }
}

fn issued(receipt: Receipt) -> Answer<(BundlesIssued, DateTime<Utc>)> {
    let recorded_at = receipt.recorded_at;
    let issued = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::BundlesIssued(issued)) => Some(issued),
            _ => None,
        });
    let issued = issued.ok_or_else(|| Problem::internal(&"an issuance left no event"))?;
    Ok((issued, recorded_at))
}

/// The only bundle of an issuance, as READ shows it.
fn issued_bundle(issued: &BundlesIssued, issued_at: DateTime<Utc>) -> Answer<Bundle> {
    let bundle = issued
        .bundles()
        .next()
        .ok_or_else(|| Problem::internal(&"an issuance holds no bundle"))?;
    let terms = &issued.terms;
    let issuance_id = issuance_id(issued.device_id, bundle.interval.start());
    let attributes = ImmutableAttributes {
        certificate_bundle_id_range_end: bundle.end,
        certificate_bundle_id_range_start: bundle.start,
        device_id: issued.device_id,
        emissions_factor_production_device: terms.emissions_factor_production_device,
        emissions_factor_source: terms.emissions_factor_source.as_deref(),
        energy_carrier: terms.energy_carrier,
        energy_source: terms.energy_source,
        expiry_datestamp: terms.expiry,
        face_value: 1,
        issuance_datestamp: issued_at,
        issuance_id: &issuance_id,
        issuance_post_energy_carrier_conversion: terms.issuance_post_energy_carrier_conversion,
        is_storage: false,
        metadata_id: issued.metadata_id,
        parent_hash: None,
        parent_id: None,
        production_ending_interval: bundle.interval.end(),
        production_starting_interval: bundle.interval.start(),
        registry_configuration: terms.registry_configuration,
    };
    Ok(Bundle {
        id: bundle.bundle_id,
        hash: hex::encode(attributes.hash()),
        certificate_bundle_status: CertificateStatus::Active,
        account_id: issued.account_id,
        metadata_id: issued.metadata_id,
        certificate_bundle_id_range_start: bundle.start,
        certificate_bundle_id_range_end: bundle.end,
        bundle_quantity: WattHours(bundle.end.0 - bundle.start.0 + 1),
        beneficiary: None,
        beneficiary_account_id: None,
        energy_carrier: terms.energy_carrier,
        energy_source: terms.energy_source,
        face_value: 1,
        issuance_post_energy_carrier_conversion: terms.issuance_post_energy_carrier_conversion,
        emissions_factor_production_device: terms
            .emissions_factor_production_device
            .map(ExactNumber),
        emissions_factor_source: terms.emissions_factor_source.clone(),
        device_id: issued.device_id,
        production_starting_interval: bundle.interval.start(),
        production_ending_interval: bundle.interval.end(),
        issuance_datestamp: issued_at,
        expiry_datestamp: terms.expiry,
        registry_configuration: terms.registry_configuration.into(),
        is_storage: 0,
        sdr_allocation_id: None,
        storage_efficiency_factor: None,
        parent_id: None,
        is_deleted: false,
        issuance_id,
    })
}

/// Record issuance metadata.
///
/// The newest applies to whatever is issued from readings after it.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "create_issuance_metadata",
    request_body = NewMetadata,
    responses(
        (status = 201, description = "The metadata as recorded.", body = Metadata),
        (status = 422, description = "request_invalid, value_out_of_range"),
    ),
)]
#[post("/certificate/create_metadata")]
pub async fn create_metadata(write: Write<may::Issue, NewMetadata>) -> Answer<HttpResponse> {
    let command = Command::RecordIssuanceMetadata(Box::new(write.body.clone().into()));
    let receipt = write.execute(command).await?;
    let recorded_at = receipt.recorded_at;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::IssuanceMetadataRecorded(recorded)) => Some(recorded),
            _ => None,
        });
    let recorded = recorded.ok_or_else(|| Problem::internal(&"metadata left no event"))?;
    Ok(HttpResponse::Created().json(Metadata::of(
        recorded.metadata_id,
        recorded.metadata,
        recorded_at,
    )))
}
