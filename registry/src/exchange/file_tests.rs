//! What a signed document is about.
#![allow(clippy::unwrap_used)]

use super::file::{check, check_receipt, check_refusal, receipt, refusal};
use super::key::tests::of;
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource, TechnologyType};
use schemas::event::device::{DeviceAttributes, DeviceOrigin};
use schemas::event::import::{BundlesImported, ExportContent, ExportRef};
use schemas::exchange::{EXPORT_FORMAT, ExportFile, FileBundle, FileDevice, VERSION};
use schemas::id::{
    AccountId, ActionId, BundleId, CertificateId, DeviceId, ImportId, MAX_CERTIFICATE_ID,
    MetadataId,
};
use schemas::life_cycle::CertificateStatus;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn bundle(id: i64, end: i64) -> FileBundle {
    bundle_of(id, 1, end)
}

fn bundle_of(id: i64, start: i64, end: i64) -> FileBundle {
    let attributes = schemas::bundle::HashedAttributes {
        certificate_bundle_id_range_end: CertificateId(end),
        certificate_bundle_id_range_start: CertificateId(start),
        device_id: DeviceId(1),
        emissions_factor_production_device: None,
        emissions_factor_source: None,
        energy_carrier: EnergyCarrier::Electricity,
        energy_source: EnergySource::Wind,
        expiry_datestamp: at("2027-05-01T12:00:00Z"),
        face_value: 1,
        is_storage: false,
        issuance_datestamp: at("2025-05-01T12:00:00Z"),
        issuance_id: "1".to_owned(),
        issuance_post_energy_carrier_conversion: false,
        metadata_id: MetadataId(1),
        parent_hash: None,
        parent_id: None,
        production_ending_interval: at("2025-05-01T11:00:00Z"),
        production_starting_interval: at("2025-05-01T10:00:00Z"),
        registry_configuration: 1,
    };
    FileBundle {
        id: BundleId(id),
        hash: hex::encode(attributes.hash()),
        certificate_bundle_status: CertificateStatus::Active,
        device: 0,
        metadata: 0,
        origin_issuance_id: "1".to_owned(),
        attributes,
    }
}

fn file(bundles: Vec<FileBundle>, total: i64) -> ExportFile {
    ExportFile {
        format: EXPORT_FORMAT.to_owned(),
        version: VERSION,
        exporting_registry: "gb".to_owned(),
        receiving_registry: "fr".to_owned(),
        export_id: ActionId(5),
        exported_at: at("2025-05-02T12:00:00Z"),
        total_certificate_volume: WattHours(total),
        devices: vec![FileDevice {
            origin: DeviceOrigin {
                registry: "gb".to_owned(),
                device: "1".to_owned(),
            },
            attributes: DeviceAttributes {
                device_name: "Wind farm".to_owned(),
                local_device_identifier: None,
                device_unique_id: None,
                grid: "GB".to_owned(),
                energy_source: EnergySource::Wind,
                technology_type: TechnologyType::WindTurbine,
                device_type: DeviceType::Production,
                operational_date: at("2020-01-01T00:00:00Z"),
                capacity_w: schemas::Watts(1),
                peak_demand_w: schemas::Watts(0),
                location: String::new(),
                gps_location: None,
                is_storage: false,
            },
        }],
        issuance_metadata: vec![schemas::event::issuance::IssuanceMetadata {
            country_of_issuance: "GB".to_owned(),
            connected_grid_identification: "NESO".to_owned(),
            issuing_body: "OFGEM".to_owned(),
            issue_market_zone: "GB".to_owned(),
            legal_status: None,
            issuance_purpose: None,
            support_received: None,
            quality_scheme_reference: None,
            dissemination_level: None,
            registry_configuration: 1,
        }],
        bundles,
    }
}

#[test]
fn a_file_whose_bundles_hold_more_than_can_be_counted_does_not_agree_with_itself() {
    let most = |count: i64| {
        (1..=count)
            .map(|id| bundle(id, MAX_CERTIFICATE_ID))
            .collect()
    };
    assert_eq!(check(&file(most(1024), 1024 * MAX_CERTIFICATE_ID)), Ok(()));
    let error = check(&file(most(1025), 0)).unwrap_err();
    assert!(error.contains("more than can be counted"), "{error}");
}

#[test]
fn certificates_count_from_one_up_to_the_largest() {
    const MOST: i64 = MAX_CERTIFICATE_ID;
    for (first, last) in [(1, 1), (MOST, MOST)] {
        let file = file(vec![bundle_of(1, first, last)], 1);
        assert_eq!(check(&file), Ok(()));
    }
    for (first, last) in [(0, 10), (i64::MIN, -1), (5, 4), (MOST, MOST + 1)] {
        let wh = last.wrapping_sub(first).wrapping_add(1);
        let error = check(&file(vec![bundle_of(1, first, last)], wh)).unwrap_err();
        assert!(error.contains("the range of bundle 1 is none"), "{error}");
    }
}

#[test]
fn a_file_lists_no_device_or_metadata_of_no_bundle() {
    let mut more = [(); 2].map(|()| file(vec![bundle(1, 10)], 10));
    let device = more[0].devices[0].clone();
    more[0].devices.push(device);
    let metadata = more[1].issuance_metadata[0].clone();
    more[1].issuance_metadata.push(metadata);
    for file in more {
        let error = check(&file).unwrap_err();
        assert!(error.contains("of no bundle"), "{error}");
    }
}

#[test]
fn what_is_offered_is_its_bundles_in_any_order_and_not_what_changes_of_their_devices() {
    let content = |file: &ExportFile| file.content().unwrap();
    let one = file(vec![bundle(1, 10), bundle(2, 20)], 30);
    let mut other = file(vec![bundle(2, 20), bundle(1, 10)], 30);
    other.devices[0].attributes.device_name = "Renamed".to_owned();
    assert_eq!(content(&one), content(&other));
    other.devices[0].origin.device = "2".to_owned();
    assert_ne!(content(&one), content(&other));
    assert_ne!(content(&one), content(&file(vec![bundle(1, 10)], 10)));
}

#[test]
fn a_receipt_and_a_refusal_count_for_what_was_offered_and_not_for_another_use_of_the_id() {
    let (fr, _fr) = of("fr", &[]);
    let (gb, _gb) = of("gb", &[&fr]);
    let offered = |content| ExportRef {
        registry: "gb".to_owned(),
        export_id: ActionId(5),
        content: ExportContent([content; 32]),
    };
    let (before, now) = (offered(1), offered(2));
    let refused = refusal(&fr, &before).unwrap();
    assert_eq!(check_refusal(&gb, &refused, &before, "fr"), Ok(()));
    assert!(check_refusal(&gb, &refused, &now, "fr").is_err());
    let imported = BundlesImported {
        import_id: ImportId(1),
        account_id: AccountId(1),
        export: Some(before.clone()),
        first_bundle_id: BundleId(1),
        lots: Vec::new(),
    };
    let signed = receipt(&fr, &imported, at("2025-05-02T12:00:00Z"))
        .unwrap()
        .unwrap();
    let confirms = |export| check_receipt(&gb, &signed, export, "fr", WattHours::ZERO);
    assert!(confirms(&before).is_ok());
    assert!(confirms(&now).is_err());
}
