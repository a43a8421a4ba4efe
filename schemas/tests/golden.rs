//! The bytes of every version of every event, pinned: an event once written must be readable for ever.
//!
//! A new version of an event keeps the old file and adds one. `UPDATE_GOLDEN=1` writes missing files.
#![allow(clippy::unwrap_used)]

use rust_decimal::Decimal;
use schemas::capability::{Capabilities, Capability};
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource, GpsLocation, TechnologyType};
use schemas::envelope::{Actor, Envelope, Idempotency, Origin as AskedBy, Via};
use schemas::event::account::{
    AccountAssigned, AccountClosed, AccountOpened, AccountStandingChanged, AccountUpdated,
    WhitelistChanged,
};
use schemas::event::action::{BundleAction, Export, Origin, Part, Split};
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use schemas::event::audit::{
    ApiKeyUse, ApiKeysUsed, Attempt, AttemptsRecorded, Client, ClientsRecorded,
};
use schemas::event::device::{
    DeviceAttributes, DeviceOrigin, DeviceRegistered, DeviceRemoved, DeviceUpdated,
    MeterRegistered, MeterUpdated,
};
use schemas::event::gateway::{
    EnvelopeAccepted, EnvelopeOutcome, GatewayCodeIssued, GatewayDevicesChanged, GatewayEnrolled,
    GatewayKeyAdded, GatewayKeyRevoked, GatewayRevoked, RefusedReading,
};
use schemas::event::identity::{
    UserChanges, UserProfile, UserRegistered, UserRemoved, UserUpdated,
};
use schemas::event::import::{
    BundlesImported, ExportRef, ExportRefused, ImportedBundle, ImportedLot,
};
use schemas::event::issuance::{
    BundlesIssued, IssuanceMetadata, IssuanceMetadataRecorded, IssuanceTerms,
};
use schemas::event::link::{ExternalIdentity, IdentityLinked, IdentityUnlinked};
use schemas::event::organisation::{
    InvitationAccepted, InvitationIssued, InvitationRevoked, OrganisationChanges,
    OrganisationClosed, OrganisationDetails, OrganisationFounded, OrganisationLeft,
    OrganisationUpdated,
};
use schemas::event::reading::{
    DebtPaid, DebtPart, MeasurementMoved, MeasurementWithdrawn, ReadingCorrected, ReadingsAccepted,
    Run,
};
use schemas::event::recurring::{
    BundleRange, OpenRun, RecurringRuleCreated, RecurringRuleEnded, RecurringRulePaused,
    RecurringRuleRan, RecurringRuleResumed, RuleFilter, RuleTerms, Schedule,
};
use schemas::event::session::{
    FactorProof, ReplacedKey, SecondFactorAdded, SecondFactorRemoved, SecondFactorUsed, SessionEnd,
    SessionOpened, SessionRefreshed, SessionsEnded, SigningKeyAdded, TokenDigest,
};
use schemas::event::storage::{
    AllocationIssued, ChargeAllocated, DischargeAllocated, EfficiencyWindow, NewBundle, RecordRef,
    SourceUsed, StorageAllocated, StorageCertificatesIssued, StorageEfficiencyFixed,
    StorageRecordsAccepted, StorageRecordsWithdrawn, WithdrawnRecord,
};
use schemas::event::{AuditEvent, IdentityEvent, LedgerEvent};
use schemas::gateway::PublicKey;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, CertificateId, DeviceId, GatewayId, ImportId,
    MeasurementId, MetadataId, MeterId, OrganisationId, RuleId, StorageRecordId, UserId,
};
use schemas::life_cycle::{
    AccountState, ActionType, CertificateStatus, QuantityMode, Role, Settle,
};
use schemas::recurring::{EndReason, MissedPeriods, PeriodUnit, RunOutcome, Shortfall};
use schemas::storage::{AllocationMethod, Efficiency};
use schemas::{Interval, WattHours, Watts};
use std::collections::BTreeSet;
use std::path::PathBuf;
use uuid::Uuid;

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

fn hour() -> Interval {
    Interval::new(at("2024-11-18T10:00:00Z"), at("2024-11-18T11:00:00Z")).unwrap()
}

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

fn action(action_type: ActionType) -> BundleAction {
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

fn gateway_key() -> PublicKey {
    PublicKey::p256(&[1; 32], &[2; 32])
}

/// A gateway from its code to its end, with one envelope.
fn gateway_samples() -> Vec<LedgerEvent> {
    let (gateway_id, device_id) = (GatewayId(3), DeviceId(5));
    vec![
        GatewayCodeIssued {
            code: Uuid::from_u128(9),
            account_id: AccountId(1),
            device_ids: vec![device_id],
            expires_at: at("2024-11-19T09:00:00Z"),
        }
        .into(),
        GatewayEnrolled {
            gateway_id,
            account_id: AccountId(1),
            name: Some("shed".into()),
            code: Uuid::from_u128(9),
            device_ids: vec![device_id],
            key_id: gateway_key().key_id(),
            public_key: gateway_key(),
        }
        .into(),
        GatewayKeyAdded {
            gateway_id,
            key_id: PublicKey::ed25519(&[3; 32]).key_id(),
            public_key: PublicKey::ed25519(&[3; 32]),
            replaces: gateway_key().key_id(),
            accepted_until: at("2025-01-03T08:00:00Z"),
        }
        .into(),
        GatewayKeyRevoked {
            gateway_id,
            key_id: gateway_key().key_id(),
            reason: "stolen".into(),
        }
        .into(),
        GatewayRevoked {
            gateway_id,
            reason: "scrapped".into(),
        }
        .into(),
        GatewayDevicesChanged {
            gateway_id,
            added: vec![DeviceId(6)],
            removed: vec![device_id],
        }
        .into(),
        EnvelopeAccepted {
            gateway_id,
            device_id,
            sequence: 2,
            key_id: gateway_key().key_id(),
            hash: "ab".repeat(32),
            envelope: "e30.e30.AA".into(),
            outcome: EnvelopeOutcome {
                accepted: 3,
                repeated: 1,
                doubtful: 1,
                bundles: 2,
                issued: WattHours(30),
                refused: vec![RefusedReading {
                    index: 4,
                    code: "over_capacity".into(),
                }],
            },
        }
        .into(),
    ]
}

fn imported() -> BundlesImported {
    BundlesImported {
        import_id: ImportId(2),
        account_id: AccountId(1),
        export: Some(ExportRef {
            registry: "fr".into(),
            export_id: ActionId(12),
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

fn ledger_samples() -> Vec<LedgerEvent> {
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
        }
        .into(),
        AccountClosed {
            account_id: AccountId(3),
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
            },
        }
        .into(),
    ];
    samples.extend(storage_samples());
    samples.extend(
        ActionType::ALL
            .iter()
            .map(|kind| LedgerEvent::from(action(*kind))),
    );
    samples.extend(recurring_samples());
    samples
}

fn recurring_samples() -> Vec<LedgerEvent> {
    let rule_id = RuleId(2);
    let open = OpenRun {
        matched_wh: WattHours(700),
        after_start: hour().start(),
        after_id: BundleId(7),
        horizon: BundleId(8),
    };
    vec![
        RecurringRuleCreated {
            rule_id,
            user_id: Some(UserId(3)),
            terms: RuleTerms {
                action_type: ActionType::Cancel,
                source_id: AccountId(1),
                target_id: None,
                beneficiary: Some("Acme".into()),
                beneficiary_account_id: Some(AccountId(2)),
                certificate_quantity: None,
                certificate_bundle_percentage: Some(Decimal::new(25, 2)),
                localise_time: true,
                filter: RuleFilter {
                    bundles: vec![BundleRange {
                        bundle_id: BundleId(7),
                        device_id: DeviceId(5),
                        start: CertificateId(1),
                        end: CertificateId(10),
                        interval_start: hour().start(),
                    }],
                    device_ids: vec![DeviceId(5)],
                    energy_sources: vec![EnergySource::Wind],
                    statuses: vec![CertificateStatus::Active, CertificateStatus::Reserved],
                    min_age_s: Some(3_600),
                    max_age_s: Some(86_400),
                },
                schedule: Schedule {
                    start: at("2024-11-30T00:00:00Z"),
                    unit: PeriodUnit::Month,
                    quantity: 1,
                    repetitions: Some(12),
                    missed: MissedPeriods::CatchUp,
                },
                shortfall: Shortfall::Partial,
            },
            next_run: at("2024-11-30T00:00:00Z"),
        }
        .into(),
        RecurringRulePaused { rule_id }.into(),
        RecurringRuleResumed {
            rule_id,
            next_run: at("2024-12-30T00:00:00Z"),
        }
        .into(),
        RecurringRuleEnded {
            rule_id,
            reason: EndReason::ByHand,
        }
        .into(),
        RecurringRuleRan {
            rule_id,
            period: 1,
            periods: 2,
            due_at: at("2024-12-30T00:00:00Z"),
            step: 0,
            outcome: RunOutcome::Ongoing,
            reason: Some("list_too_long".into()),
            wanted_wh: WattHours(900),
            moved_wh: WattHours(700),
            action_ids: vec![ActionId(4)],
            next_run: Some(at("2024-12-30T00:00:00Z")),
            ended: Some(EndReason::Repetitions),
            open: Some(open),
        }
        .into(),
    ]
}

fn storage_samples() -> Vec<LedgerEvent> {
    let later = Interval::new(at("2024-11-18T12:00:00Z"), at("2024-11-18T13:00:00Z")).unwrap();
    let factor = EfficiencyWindow {
        window: Interval::new(at("2024-11-01T00:00:00Z"), at("2024-12-01T00:00:00Z")).unwrap(),
        efficiency: Efficiency::new(89, 100).unwrap(),
        is_measured: true,
    };
    let record = |id, interval| RecordRef {
        record_id: StorageRecordId(id),
        interval,
    };
    vec![
        StorageRecordsAccepted {
            device_id: DeviceId(8),
            account_id: AccountId(1),
            first_record_id: StorageRecordId(21),
            validator_id: Some(7),
            runs: vec![Run {
                start: hour().start(),
                step_s: 3_600,
                wh: vec![WattHours(-1000), WattHours(0), WattHours(890)],
            }],
        }
        .into(),
        StorageRecordsWithdrawn {
            device_id: DeviceId(8),
            from: later.start(),
            records: vec![WithdrawnRecord {
                record_id: StorageRecordId(23),
                start: later.start(),
                wh: WattHours(890),
            }],
        }
        .into(),
        StorageEfficiencyFixed {
            device_id: DeviceId(8),
            fixed: factor,
        }
        .into(),
        StorageAllocated {
            device_id: DeviceId(8),
            method: AllocationMethod::WeightedAverage,
            first_allocation_id: AllocationId(5),
            open_from: Some(later.end()),
            discharges: vec![DischargeAllocated {
                sdr: record(23, later),
                factor,
                uncovered: WattHours(1),
                charges: vec![ChargeAllocated {
                    scr: record(21, hour()),
                    consumed: WattHours(999),
                    produced: WattHours(889),
                }],
            }],
        }
        .into(),
        StorageCertificatesIssued {
            device_id: DeviceId(8),
            account_id: AccountId(1),
            first_certificate_id: CertificateId(1),
            expiry: at("2026-11-19T08:00:00Z"),
            allocations: vec![AllocationIssued {
                allocation_id: AllocationId(5),
                discharged: later,
                sources: vec![SourceUsed {
                    bundle_id: BundleId(8),
                    wh: WattHours(999),
                    issued: Some(NewBundle {
                        bundle_id: BundleId(10),
                        wh: WattHours(889),
                    }),
                }],
            }],
        }
        .into(),
    ]
}

/// An action that a rule took: the same file, one more field.
#[test]
fn an_action_names_its_rule_only_where_it_has_one() {
    let by_hand = LedgerEvent::from(action(ActionType::Transfer)).encode();
    let by_rule = LedgerEvent::from(BundleAction {
        rule_id: Some(RuleId(2)),
        ..action(ActionType::Transfer)
    });
    let text = String::from_utf8(by_rule.encode()).unwrap();
    assert!(text.contains(r#""rule_id":2,"parts""#), "{text}");
    assert_eq!(text.replace(r#""rule_id":2,"#, "").into_bytes(), by_hand);
    let read = LedgerEvent::decode("BundlesTransferred", 1, text.as_bytes()).unwrap();
    assert_eq!(read, by_rule);
}

fn elsewhere() -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://login.example".into(),
        subject: "248289761001".into(),
    }
}

fn identity_samples() -> Vec<IdentityEvent> {
    vec![
        UserRegistered {
            user_id: UserId(3),
            profile: UserProfile {
                name: "Ada".into(),
                email: "ada@example.org".into(),
                role: Role::Production,
                organisation: Some("Acme".into()),
                password_hash: Some("$argon2id$...".into()),
            },
        }
        .into(),
        UserUpdated {
            user_id: UserId(3),
            previous_email: Uuid::from_u128(1),
            changes: UserChanges {
                role: Some(Role::Admin),
                ..UserChanges::default()
            },
        }
        .into(),
        UserRemoved {
            user_id: UserId(3),
            email: Uuid::from_u128(1),
        }
        .into(),
        SessionOpened {
            session_id: Uuid::from_u128(9),
            user_id: UserId(3),
            refresh: TokenDigest([7; 32]),
            at: at("2024-11-19T08:00:00.000002Z"),
            expires_at: at("2024-12-19T08:00:00.000002Z"),
            client: Some("Firefox".into()),
        }
        .into(),
        SessionRefreshed {
            session_id: Uuid::from_u128(9),
            refresh: TokenDigest([8; 32]),
            at: at("2024-11-19T09:00:00Z"),
        }
        .into(),
        SessionsEnded {
            user_id: UserId(3),
            session_ids: vec![Uuid::from_u128(9)],
            cause: SessionEnd::TokenReused,
        }
        .into(),
        SecondFactorAdded {
            user_id: UserId(3),
            sealed: "c2VhbGVk".into(),
            step: 57_733_333,
            recovery: vec![TokenDigest([9; 32])],
        }
        .into(),
        SecondFactorUsed {
            user_id: UserId(3),
            proof: FactorProof::Recovery {
                digest: TokenDigest([9; 32]),
            },
        }
        .into(),
        SecondFactorRemoved { user_id: UserId(3) }.into(),
        IdentityLinked {
            user_id: UserId(3),
            identity: elsewhere(),
        }
        .into(),
        IdentityUnlinked {
            user_id: UserId(3),
            identity: elsewhere(),
        }
        .into(),
        SigningKeyAdded {
            key_id: PublicKey::ed25519(&[5; 32]).key_id(),
            public_key: PublicKey::ed25519(&[5; 32]),
            sealed: "c2VhbGVk".into(),
            replaces: Some(ReplacedKey {
                key_id: PublicKey::ed25519(&[6; 32]).key_id(),
                accepted_until: at("2024-11-20T08:00:00Z"),
            }),
        }
        .into(),
        ApiKeyIssued {
            key_id: Uuid::from_u128(9),
            user_id: UserId(3),
            name: "nightly upload".into(),
            prefix: "gcr_00112233".into(),
            digest: [0xab; 32],
            capabilities: Capabilities::of(&[Capability::Read, Capability::SubmitReadings]),
            accounts: Some(vec![AccountId(1)]),
            expires_at: at("2025-11-19T08:00:00Z"),
        }
        .into(),
        ApiKeyRevoked {
            key_id: Uuid::from_u128(9),
            user_id: UserId(3),
        }
        .into(),
        OrganisationFounded {
            organisation_id: OrganisationId(1),
            details: OrganisationDetails {
                name: "Hill Farm Ltd".into(),
                business_id: "GB-COH-01234567".into(),
                address: "1 Hill Lane".into(),
                contact: "ada@hillfarm.example".into(),
            },
        }
        .into(),
        OrganisationUpdated {
            organisation_id: OrganisationId(1),
            previous_business_id: Uuid::from_u128(2),
            changes: OrganisationChanges {
                address: Some("2 Hill Lane".into()),
                ..OrganisationChanges::default()
            },
        }
        .into(),
        OrganisationClosed {
            organisation_id: OrganisationId(1),
            business_id: Uuid::from_u128(2),
        }
        .into(),
        OrganisationLeft {
            organisation_id: OrganisationId(1),
            user_id: UserId(3),
        }
        .into(),
        InvitationIssued {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
            role: Role::Trading,
            manages: true,
            account_ids: vec![AccountId(1)],
            inviter_id: UserId(1),
            expires_at: at("2025-11-19T08:00:00Z"),
        }
        .into(),
        InvitationRevoked {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
        }
        .into(),
        InvitationAccepted {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
            user_id: UserId(3),
            manages: true,
        }
        .into(),
    ]
}

fn audit_samples() -> Vec<AuditEvent> {
    let refused = Attempt {
        at: at("2024-11-19T08:00:00.000001Z"),
        last_at: None,
        count: 1,
        actor: Some(Actor::User(UserId(3))),
        via: Some(Via::ApiKey(Uuid::from_u128(9))),
        address: Some("192.0.2.7".parse().unwrap()),
        operation: "transfer_certificates".into(),
        account_id: Some(AccountId(1)),
        idempotency_key: Some(Uuid::from_u128(7)),
        code: Some("bundle_state".into()),
        request_id: Uuid::from_u128(6),
    };
    let flood = Attempt {
        last_at: Some(at("2024-11-19T08:00:00.100001Z")),
        count: 512,
        actor: None,
        via: None,
        address: Some("2001:db8::7".parse().unwrap()),
        operation: "login".into(),
        account_id: None,
        idempotency_key: None,
        code: Some("login_failed".into()),
        ..refused.clone()
    };
    vec![
        AttemptsRecorded {
            attempts: vec![refused, flood],
        }
        .into(),
        ApiKeysUsed {
            uses: vec![ApiKeyUse {
                key_id: Uuid::from_u128(9),
                at: at("2024-11-19T08:00:00.000001Z"),
            }],
        }
        .into(),
        ClientsRecorded {
            clients: vec![Client {
                address: "192.0.2.7".parse().unwrap(),
                command_ids: vec![Uuid::from_u128(5)],
            }],
        }
        .into(),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn pinned(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = folder().join(name);
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn events_are_written_and_read_as_the_golden_files_say() {
    let mut files = BTreeSet::from([
        "Envelope.json".to_owned(),
        "Envelope.origin.json".to_owned(),
    ]);
    for sample in ledger_samples().into_iter().chain(gateway_samples()) {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(LedgerEvent::decode(name, version, &golden).unwrap(), sample);
        files.insert(format!("{name}.v{version}.json"));
    }
    for sample in identity_samples() {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(
            IdentityEvent::decode(name, version, &golden).unwrap(),
            sample
        );
        files.insert(format!("{name}.v{version}.json"));
    }
    for sample in audit_samples() {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(AuditEvent::decode(name, version, &golden).unwrap(), sample);
        files.insert(format!("{name}.v{version}.json"));
    }
    let found: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        found, files,
        "each golden file has its sample and each sample its file"
    );
}

#[test]
fn the_envelope_is_written_and_read_as_its_golden_file_says() {
    let envelope = Envelope {
        recorded_at: at("2024-11-19T08:00:00.000002Z"),
        actor: Actor::User(UserId(3)),
        command_id: Uuid::from_u128(5),
        correlation_id: Uuid::from_u128(6),
        causation_id: None,
        idempotency: Some(Idempotency {
            key: Uuid::from_u128(7),
            request: Uuid::from_u128(8),
        }),
        origin: None,
    };
    let first_of_its_command = Envelope {
        origin: Some(AskedBy {
            operation: "transfer_certificates".into(),
            via: Some(Via::Session(Uuid::from_u128(9))),
            account_id: Some(AccountId(1)),
        }),
        ..envelope.clone()
    };
    for (name, envelope) in [
        ("Envelope.json", envelope),
        ("Envelope.origin.json", first_of_its_command),
    ] {
        let bytes = serde_json::to_vec(&envelope).unwrap();
        let golden = pinned(name, &bytes);
        assert_eq!(bytes, golden);
        let read: Envelope = serde_json::from_slice(&golden).unwrap();
        assert_eq!(read, envelope);
    }
}

#[test]
fn credentials_are_written_by_kind_and_read_again() {
    let id = Uuid::from_u128(9);
    for via in [Via::Session(id), Via::ApiKey(id)] {
        let text = serde_json::to_string(&via).unwrap();
        assert_eq!(serde_json::from_str::<Via>(&text).unwrap(), via);
    }
    for wrong in [
        "\"session\"",
        "\"key:00000000-0000-0000-0000-000000000009\"",
        "\"session:x\"",
    ] {
        assert!(serde_json::from_str::<Via>(wrong).is_err(), "{wrong}");
    }
}
