//! Imports from other registries and exports to them.
#![allow(clippy::unwrap_used)]

mod export;
mod import;
mod random;
mod refusal;
mod registries;
mod room;
#[path = "../world/mod.rs"]
mod world;

use ledger::command::{
    ImportBundles, ImportDevice, ImportRow, RefuseExport, SettleExport, Settlement,
};
use ledger::device::MAX_TEXT_CHARS;
use ledger::export::{MAX_REFERENCE_CHARS, MAX_REGISTRY_CHARS};
use ledger::import::MAX_BUNDLES;
use ledger::{Code, Command, Event};
use schemas::WattHours;
use schemas::energy::EnergyCarrier;
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::{Certificates, ExportContent, ExportRef};
use schemas::event::issuance::IssuanceTerms;
use schemas::id::{AccountId, ActionId, CertificateId, MAX_CERTIFICATE_ID};
use schemas::life_cycle::{ActionType, CertificateStatus};
use world::{World, act, at, attributes, code, hours, metadata, readings};

fn row(number: u32, start: i64, end: i64) -> ImportRow {
    ImportRow {
        row: number,
        device: 0,
        metadata: 0,
        start: CertificateId(start),
        end: CertificateId(end),
        quantity: WattHours(end - start + 1),
        production_start: at("2025-05-01T10:00:00Z"),
        production_end: at("2025-05-01T11:00:00Z"),
        status: CertificateStatus::Active,
        terms: IssuanceTerms {
            energy_source: attributes().energy_source,
            energy_carrier: EnergyCarrier::Electricity,
            registry_configuration: 1,
            issuance_post_energy_carrier_conversion: false,
            expiry: at("2027-05-01T12:00:00Z"),
            emissions_factor_production_device: None,
            emissions_factor_source: None,
        },
        issued_at: at("2025-05-01T12:00:00Z"),
        is_storage: false,
        bundle_id: number.to_string(),
        issuance_id: "31-2025-05-01 10:00:00".into(),
        hash: Some("0a".repeat(32)),
    }
}

fn import_of(device: &str, rows: Vec<ImportRow>) -> ImportBundles {
    ImportBundles {
        account_id: AccountId(1),
        here: "gb".into(),
        export: None,
        devices: vec![ImportDevice {
            origin: DeviceOrigin {
                registry: "fr".into(),
                device: device.into(),
            },
            attributes: attributes(),
        }],
        metadata: vec![metadata()],
        rows,
        unreadable: Vec::new(),
    }
}

fn import(rows: Vec<ImportRow>) -> Command {
    Command::ImportBundles(Box::new(import_of("31", rows)))
}

fn export(bundles: &[i64]) -> Command {
    let mut export = act(ActionType::Export, 1, bundles);
    export.receiving_registry = Some("fr".into());
    Command::ActOnBundles(export)
}

fn settle(export: i64, settlement: Settlement) -> Command {
    Command::SettleExport(SettleExport {
        export_id: ActionId(export),
        source_id: AccountId(1),
        here: "gb".into(),
        settlement,
        without_signature: false,
    })
}

fn confirmed(reference: String) -> Settlement {
    let reason = None;
    Settlement::Confirmed { reference, reason }
}

fn confirm(export: i64) -> Command {
    settle(export, confirmed("fr/import/1".into()))
}

fn take_back(export: i64) -> Command {
    settle(export, Settlement::TakenBack("refused there".into()))
}

fn codes(refusal: Result<ledger::Decision, ledger::Refusal>) -> Vec<&'static str> {
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.code, Code::ImportRefused, "{refusal}");
    refusal.errors.iter().map(|error| error.code).collect()
}

/// The code of the only error of an import of one row that `spoil` has spoilt.
fn spoilt(spoil: impl FnOnce(&mut ImportRow)) -> &'static str {
    let mut world = World::with_accounts();
    let mut bad = row(1, 1, 100);
    spoil(&mut bad);
    let found = codes(world.run(import(vec![bad, row(2, 201, 300)])));
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// A world whose account 1 holds bundle 1 of 100 Wh, issued here.
fn with_bundle() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    world
}
