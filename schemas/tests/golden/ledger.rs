//! Samples of the ledger stream.

use super::{at, hour};
use rust_decimal::Decimal;
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource, GpsLocation, TechnologyType};
use schemas::event::LedgerEvent;
use schemas::event::account::{
    AccountAssigned, AccountClosed, AccountOpened, AccountStandingChanged, AccountUpdated,
    OwnerClosed, WhitelistChanged,
};
use schemas::event::action::{BundleAction, Export, Origin, Part, Split};
use schemas::event::device::{
    DeviceAttributes, DeviceOrigin, DeviceRegistered, DeviceRemoved, DeviceUpdated,
    MeterRegistered, MeterUpdated,
};
use schemas::event::import::{
    BundlesImported, Certificates, ExportContent, ExportRef, ExportRefused, ImportedBundle,
    ImportedLot,
};
use schemas::event::issuance::{
    BundlesIssued, IssuanceMetadata, IssuanceMetadataRecorded, IssuanceTerms,
};
use schemas::event::reading::{
    DebtPaid, DebtPart, MeasurementMoved, MeasurementWithdrawn, ReadingCorrected, ReadingsAccepted,
    Run,
};
use schemas::id::{
    AccountId, ActionId, BundleId, CertificateId, DeviceId, ImportId, MeasurementId, MetadataId,
    MeterId, OrganisationId, UserId,
};
use schemas::life_cycle::{AccountState, ActionType, CertificateStatus, QuantityMode, Settle};
use schemas::{WattHours, Watts};

fn device() -> DeviceAttributes {
    DeviceAttributes {
        device_name: "Whitelee".into(),
        local_device_identifier: Some("T_WHILW-1".into()),
        device_unique_id: Some("GB-0001".into()),
        grid: "NESO".into(),
        energy_source: EnergySource::Wind,
        technology_type: TechnologyType::WindTurbine,
        device_type: DeviceType::Production,
        operational_date: at("2009-05-20T00:00:00Z"),
        capacity_w: Watts(539_000_000),
        peak_demand_w: Watts(0),
        location: "Eaglesham, Scotland".into(),
        gps_location: GpsLocation::from_text("55.6917, -4.2739"),
        is_storage: false,
    }
}

fn runs() -> Vec<Run> {
    vec![Run {
        start: hour().start(),
        step_s: 3_600,
        wh: vec![WattHours(10), WattHours(0), WattHours(20)],
    }]
}

pub fn action(action_type: ActionType) -> BundleAction {
    let transfers = action_type == ActionType::Transfer;
    let withdraws = action_type == ActionType::Withdraw;
    BundleAction {
        action_id: ActionId(4),
        action_type,
        source_id: AccountId(1),
        user_id: (action_type != ActionType::Expire).then_some(UserId(3)),
        target_id: transfers.then_some(AccountId(2)),
        beneficiary: (action_type == ActionType::Cancel).then(|| "Acme".into()),
        beneficiary_account_id: (action_type == ActionType::Cancel).then_some(AccountId(2)),
        storage_device_id: matches!(
            action_type,
            ActionType::CancelForStorage | ActionType::UseForStorage
        )
        .then_some(DeviceId(8)),
        reason: withdraws.then(|| "meter fault".into()),
        certificate_quantity: transfers.then_some(WattHours(4)),
        certificate_bundle_percentage: withdraws.then(|| Decimal::new(25, 2)),
        quantity_mode: QuantityMode::PerBundle,
        localise_time: true,
        export: matches!(
            action_type,
            ActionType::Export | ActionType::ConfirmExport | ActionType::TakeBackExport
        )
        .then(|| Export {
            receiving_registry: "fr".into(),
            offer_id: (action_type != ActionType::Export).then_some(ActionId(3)),
            receiving_reference: (action_type == ActionType::ConfirmExport).then(|| "fr-1".into()),
            without_signature: false,
            certificates: Vec::new(),
        }),
        requested_at: at("2024-11-19T08:00:00.000001Z"),
        rule_id: None,
        parts: vec![Part {
            bundle_id: BundleId(7),
            start: CertificateId(1),
            end: CertificateId(4),
            split: transfers.then_some(Split {
                taken: BundleId(8),
                rest: BundleId(9),
                rest_end: CertificateId(10),
                rest_status: CertificateStatus::Active,
            }),
            origin: withdraws.then(|| Origin {
                device_id: DeviceId(5),
                meter_id: None,
                interval_start: hour().start(),
            }),
        }],
    }
}

pub fn certificates() -> Vec<Certificates> {
    vec![Certificates {
        origin: DeviceOrigin {
            registry: "fr".into(),
            device: "31".into(),
        },
        ranges: vec![(CertificateId(101), CertificateId(350))],
    }]
}

fn imported() -> BundlesImported {
    BundlesImported {
        import_id: ImportId(2),
        account_id: AccountId(1),
        export: Some(ExportRef {
            registry: "fr".into(),
            export_id: ActionId(12),
            content: ExportContent([0x5c; 32]),
        }),
        first_bundle_id: BundleId(7),
        lots: vec![ImportedLot {
            device_id: DeviceId(6),
            origin: DeviceOrigin {
                registry: "fr".into(),
                device: "31".into(),
            },
            metadata_id: MetadataId(2),
            terms: IssuanceTerms {
                energy_source: EnergySource::Wind,
                energy_carrier: EnergyCarrier::Electricity,
                registry_configuration: 1,
                issuance_post_energy_carrier_conversion: false,
                expiry: at("2026-11-19T08:00:00Z"),
                emissions_factor_production_device: None,
                emissions_factor_source: None,
            },
            issued_at: at("2024-11-19T08:00:00.000001Z"),
            is_storage: false,
            bundles: vec![ImportedBundle {
                start: CertificateId(101),
                end: CertificateId(350),
                production_start: hour().start(),
                length_s: 3_600,
                bundle_id: "77".into(),
                issuance_id: "31-2024-11-18 10:00:00".into(),
                hash: Some("9f".repeat(32)),
            }],
        }],
    }
}

/// Events of versions that are not written any more, as they are read now.
pub fn lifted() -> Vec<(&'static str, u16, LedgerEvent)> {
    let unknown = ExportRef {
        registry: "fr".into(),
        export_id: ActionId(12),
        content: ExportContent::default(),
    };
    let imported = BundlesImported {
        export: Some(unknown.clone()),
        ..imported()
    };
    let refused = ExportRefused {
        export: unknown,
        certificates: Vec::new(),
    };
    vec![
        ("BundlesImported", 1, imported.into()),
        ("ExportRefused", 1, refused.into()),
    ]
}

pub fn samples() -> Vec<LedgerEvent> {
    let mut samples: Vec<LedgerEvent> = vec![
        AccountOpened {
            account_id: AccountId(1),
            account_name: "Test Account".into(),
            user_ids: vec![UserId(1), UserId(2)],
            is_requested: false,
            organisation_id: None,
        }
        .into(),
        AccountUpdated {
            account_id: AccountId(1),
            previous_name: "Test Account".into(),
            account_name: "Renamed".into(),
            user_ids: vec![UserId(1)],
        }
        .into(),
        WhitelistChanged {
            account_id: AccountId(2),
            added: vec![AccountId(1)],
            removed: vec![AccountId(3)],
        }
        .into(),
        AccountStandingChanged {
            account_id: AccountId(1),
            state: AccountState::Suspended,
            transfer_disabled: true,
            reason: Some("meter fraud suspected".into()),
        }
        .into(),
        AccountAssigned {
            account_id: AccountId(1),
            organisation_id: Some(OrganisationId(1)),
            previous_organisation_id: Some(OrganisationId(2)),
        }
        .into(),
        OwnerClosed {
            organisation_id: OrganisationId(2),
        }
        .into(),
        AccountClosed {
            account_id: AccountId(3),
            organisation_id: Some(OrganisationId(1)),
        }
        .into(),
        DeviceRegistered {
            device_id: DeviceId(5),
            account_id: AccountId(1),
            attributes: device(),
            origin: None,
        }
        .into(),
        DeviceUpdated {
            device_id: DeviceId(5),
            previous_account_id: AccountId(1),
            account_id: AccountId(2),
            attributes: device(),
        }
        .into(),
        DeviceRemoved {
            device_id: DeviceId(5),
            account_id: AccountId(2),
        }
        .into(),
        IssuanceMetadataRecorded {
            metadata_id: MetadataId(1),
            metadata: IssuanceMetadata {
                country_of_issuance: "UK".into(),
                connected_grid_identification: "NESO".into(),
                issuing_body: "OFGEM".into(),
                issue_market_zone: "GB".into(),
                legal_status: Some("legal".into()),
                issuance_purpose: Some("disclosure".into()),
                support_received: Some("none".into()),
                quality_scheme_reference: Some("EnergyTag".into()),
                dissemination_level: Some("public".into()),
                registry_configuration: 1,
            },
            imported_from: None,
        }
        .into(),
        ReadingsAccepted {
            device_id: DeviceId(5),
            account_id: AccountId(1),
            meter_id: None,
            first_measurement_id: MeasurementId(11),
            gross_net_indicator: "NET".into(),
            runs: runs(),
            repeated: 2,
            gateway: None,
        }
        .into(),
        MeasurementMoved {
            measurement_id: MeasurementId(12),
            previous_device_id: DeviceId(5),
            previous_meter_id: None,
            previous_interval: hour(),
            device_id: DeviceId(6),
            meter_id: None,
            interval: hour(),
            wh: WattHours(0),
        }
        .into(),
        MeasurementWithdrawn {
            measurement_id: MeasurementId(12),
            device_id: DeviceId(5),
            meter_id: None,
            interval: hour(),
            wh: WattHours(0),
        }
        .into(),
        BundlesIssued {
            device_id: DeviceId(5),
            meter_id: None,
            account_id: AccountId(1),
            metadata_id: MetadataId(1),
            first_bundle_id: BundleId(7),
            first_certificate_id: CertificateId(1),
            terms: IssuanceTerms {
                energy_source: EnergySource::Wind,
                energy_carrier: EnergyCarrier::Electricity,
                registry_configuration: 1,
                issuance_post_energy_carrier_conversion: false,
                expiry: at("2026-11-19T08:00:00Z"),
                emissions_factor_production_device: Some(Decimal::new(115, 1)),
                emissions_factor_source: Some("IPCC".into()),
            },
            runs: runs(),
        }
        .into(),
        MeterRegistered {
            device_id: DeviceId(5),
            meter_id: MeterId::new(1).unwrap(),
            meter_identifier: "T_WHILW-1/2".into(),
            is_active: true,
        }
        .into(),
        MeterUpdated {
            device_id: DeviceId(5),
            meter_id: MeterId::new(1).unwrap(),
            meter_identifier: "T_WHILW-1/2".into(),
            is_active: false,
        }
        .into(),
        ReadingCorrected {
            measurement_id: MeasurementId(11),
            device_id: DeviceId(5),
            meter_id: MeterId::new(1),
            account_id: AccountId(1),
            interval: hour(),
            previous_wh: WattHours(100),
            wh: WattHours(40),
            reason: "the meter counted twice".into(),
            settle: Settle::Later,
            excess: WattHours(10),
            withdrawn: WattHours(5),
            debt: WattHours(10),
            paid: WattHours(3),
            action_id: Some(ActionId(4)),
            replaced: vec![BundleId(7), BundleId(9)],
            reissued: Some(BundleId(10)),
            issued: Some(BundleId(11)),
        }
        .into(),
        DebtPaid {
            device_id: DeviceId(5),
            account_id: AccountId(1),
            parts: vec![
                DebtPart {
                    measurement_id: MeasurementId(13),
                    meter_id: None,
                    interval_start: hour().start(),
                    wh: WattHours(4),
                },
                DebtPart {
                    measurement_id: MeasurementId(14),
                    meter_id: MeterId::new(1),
                    interval_start: hour().end(),
                    wh: WattHours(6),
                },
            ],
        }
        .into(),
        imported().into(),
        ExportRefused {
            export: ExportRef {
                registry: "fr".into(),
                export_id: ActionId(12),
                content: ExportContent([0x5c; 32]),
            },
            certificates: certificates(),
        }
        .into(),
    ];
    samples.extend(super::storage::samples());
    samples.extend(
        ActionType::ALL
            .iter()
            .map(|kind| LedgerEvent::from(action(*kind))),
    );
    samples.extend(super::recurring::samples());
    samples
}
