//! Random imports from another registry, and what becomes of exports to it.

use super::history::History;
use super::random::Random;
use super::world;
use chrono::TimeDelta;
use ledger::command::{ImportBundles, ImportDevice, ImportRow, SettleExport, Settlement};
use ledger::entry::ExportState;
use ledger::{Command, Entry, Key};
use schemas::WattHours;
use schemas::energy::EnergyCarrier;
use schemas::event::device::DeviceOrigin;
use schemas::event::issuance::IssuanceTerms;
use schemas::id::{AccountId, CertificateId};
use schemas::life_cycle::{ActionType, CertificateStatus};

/// Certificates of a device there may be so many of that two imports seldom share one.
const SERIALS: i64 = 100_000_000;

/// Imports a few bundles of one of three devices of another registry.
pub fn import(history: &History, accounts: i64, random: &mut Random) -> Command {
    let metadata = match world::metadata() {
        Command::RecordIssuanceMetadata(metadata) => vec![*metadata],
        _ => Vec::new(),
    };
    let first = 1 + random.below(SERIALS);
    let hour = world::first_day() + TimeDelta::hours(random.below(24 * 60));
    let expiry = history.now + TimeDelta::days(1 + random.below(700));
    let mut next = first;
    let rows = (1..=1 + u32::try_from(random.below(4)).unwrap()).map(|row| {
        let wh = 1 + random.below(5000);
        // Now and then with a gap.
        let start = next + random.below(2);
        next = start + wh;
        ImportRow {
            row,
            device: 0,
            metadata: 0,
            start: CertificateId(start),
            end: CertificateId(next - 1),
            quantity: WattHours(wh),
            production_start: hour,
            production_end: hour + TimeDelta::hours(1),
            status: CertificateStatus::Active,
            terms: IssuanceTerms {
                energy_source: world::attributes("").energy_source,
                energy_carrier: EnergyCarrier::Electricity,
                registry_configuration: 1,
                issuance_post_energy_carrier_conversion: false,
                expiry,
                emissions_factor_production_device: None,
                emissions_factor_source: None,
            },
            issued_at: hour + TimeDelta::hours(2),
            is_storage: false,
            bundle_id: format!("{first}-{row}"),
            issuance_id: "31-hour".to_owned(),
            hash: (row % 2 == 0).then(|| "0a".repeat(32)),
        }
    });
    let rows = rows.collect();
    Command::ImportBundles(Box::new(ImportBundles {
        account_id: AccountId(1 + random.below(accounts)),
        here: "gb".to_owned(),
        export: None,
        devices: vec![ImportDevice {
            origin: DeviceOrigin {
                registry: "fr".to_owned(),
                device: random.below(3).to_string(),
            },
            attributes: world::attributes("Imported"),
        }],
        metadata,
        rows,
        unreadable: Vec::new(),
    }))
}

/// Settles an export that stands, if there is one.
pub fn settle(history: &History, random: &mut Random, action_type: ActionType) -> Option<Command> {
    let mut standing: Vec<_> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Export(id), Some(Entry::Export(export)))
                if export.state == ExportState::Offered =>
            {
                Some((*id, export.source_id))
            }
            _ => None,
        })
        .collect();
    standing.sort_unstable();
    let (export_id, source_id) = random.pick(&standing).copied()?;
    let settlement = match action_type {
        ActionType::ConfirmExport => Settlement::Confirmed {
            reference: "fr/import/1".into(),
            reason: None,
        },
        _ => Settlement::TakenBack("refused there".into()),
    };
    Some(Command::SettleExport(SettleExport {
        export_id,
        source_id,
        here: "gb".to_owned(),
        settlement,
        without_signature: false,
    }))
}
