//! What is imported, and what is not.

use super::*;
use ledger::command::{DevicePatch, UpdateDevice};
use schemas::id::DeviceId;
use std::collections::BTreeSet;

#[test]
fn imported_bundles_keep_their_certificates_and_are_free_to_move() {
    let mut world = World::with_accounts();
    world
        .run(import(vec![row(1, 101, 200), row(2, 1, 100)]))
        .unwrap();
    let bundle = world.bundle(1);
    assert_eq!((bundle.start.0, bundle.end.0), (1, 100));
    assert_eq!(world.live_wh(1), 200);
    world
        .run(Command::ActOnBundles(act(ActionType::Cancel, 1, &[1])))
        .unwrap();
    assert_eq!(world.live_wh(1), 100);
    world.audit();
}

#[test]
fn a_certificate_is_imported_once_also_after_it_was_cancelled() {
    let mut world = World::with_accounts();
    world.run(import(vec![row(1, 1, 100)])).unwrap();
    world
        .run(Command::ActOnBundles(act(ActionType::Cancel, 1, &[1])))
        .unwrap();
    for (start, end) in [(1, 100), (100, 150), (50, 60), (1, 1)] {
        let again = world.run(import(vec![row(1, start, end)]));
        assert_eq!(code(again), Code::ImportedBefore, "[{start}, {end}]");
    }
    world.run(import(vec![row(1, 101, 150)])).unwrap();
    // Of another device they are others.
    let other = import_of("32", vec![row(1, 1, 100)]);
    world.run(Command::ImportBundles(Box::new(other))).unwrap();
    world.audit();
}

#[test]
fn rows_of_an_import_that_overlap_are_refused() {
    let mut world = World::with_accounts();
    let rows = vec![row(1, 1, 100), row(2, 40, 50), row(3, 100, 120)];
    assert_eq!(
        codes(world.run(import(rows))),
        ["import_overlap", "import_overlap"]
    );
    assert!(world.bundles().is_empty());
}

#[test]
fn a_device_that_is_listed_twice_is_one_and_its_certificates_are_imported_once() {
    let listed_twice = |first: ImportRow, mut second: ImportRow| {
        second.device = 1;
        let mut import = import_of("31", vec![first, second]);
        import.devices.push(import.devices[0].clone());
        Command::ImportBundles(Box::new(import))
    };
    let mut world = World::with_accounts();
    // Not known here yet, and known.
    for first in [1, 1_001] {
        let one = row(1, first, first + 99);
        for start in [first, first + 99] {
            let twice = listed_twice(one.clone(), row(2, start, first + 199));
            assert_eq!(codes(world.run(twice)), ["import_overlap"]);
        }
        let apart = listed_twice(one, row(2, first + 100, first + 199));
        world.run(apart).unwrap();
    }
    let bundles = world.bundles().into_values();
    let devices: BTreeSet<_> = bundles.map(|bundle| bundle.device_id).collect();
    assert_eq!(devices.len(), 1);
    world.audit();
}

#[test]
fn every_rule_of_a_row_is_named() {
    assert_eq!(
        spoilt(|row| row.status = CertificateStatus::Reserved),
        "import_not_active"
    );
    assert_eq!(spoilt(|row| row.quantity = WattHours(99)), "range_quantity");
    assert_eq!(
        spoilt(|row| row.terms.expiry = at("2025-06-01T12:00:00Z")),
        "bundle_expired"
    );
    assert_eq!(
        spoilt(|row| row.production_end = at("2025-05-01T12:30:00Z")),
        "interval_grid"
    );
    assert_eq!(
        spoilt(|row| row.issued_at = at("2025-06-02T00:00:00Z")),
        "value_out_of_range"
    );
    assert_eq!(
        spoilt(|row| row.hash = Some("0a".repeat(31))),
        "value_out_of_range"
    );
    assert_eq!(
        spoilt(|row| row.terms.energy_source = schemas::energy::EnergySource::SolarPv),
        "value_out_of_range"
    );
    // 10 MW for an hour with 10 % of margin: 11 MWh is not below it.
    assert_eq!(
        spoilt(|row| {
            row.start = CertificateId(1_000);
            row.end = CertificateId(11_000_999);
            row.quantity = WattHours(11_000_000);
        }),
        "over_capacity"
    );
}

#[test]
fn the_last_certificate_may_be_the_largest_there_is_and_none_above() {
    let mut world = World::with_accounts();
    let most = MAX_CERTIFICATE_ID;
    assert_eq!(
        codes(world.run(import(vec![row(1, most, most + 1)]))),
        ["value_out_of_range"]
    );
    world.run(import(vec![row(1, most - 1, most)])).unwrap();
}

#[test]
fn an_import_has_at_most_fifty_thousand_bundles() {
    let mut world = World::with_accounts();
    let count = i64::try_from(MAX_BUNDLES).unwrap();
    let mut rows: Vec<_> = (1..=count).map(|n| row(1, 2 * n, 2 * n)).collect();
    rows.push(row(1, 1, 1));
    assert_eq!(code(world.run(import(rows.clone()))), Code::ListTooLong);
    rows.pop();
    world.run(import(rows)).unwrap();
    assert_eq!(code(world.run(import(Vec::new()))), Code::ListEmpty);
}

#[test]
fn what_was_issued_here_is_not_imported() {
    let mut world = World::with_accounts();
    let mut own = import_of("1", vec![row(1, 1, 100)]);
    own.here = "fr".into();
    let refused = world.run(Command::ImportBundles(Box::new(own)));
    assert_eq!(code(refused), Code::ImportFromHere);
}

#[test]
fn readings_of_an_imported_device_are_refused() {
    let mut world = World::with_accounts();
    world.run(import(vec![row(1, 1, 100)])).unwrap();
    let refused = world.run(readings(3, hours(0, &[10])));
    assert_eq!(code(refused), Code::DeviceImported);
}

#[test]
fn imported_metadata_does_not_apply_to_what_is_issued_here() {
    let mut world = World::with_accounts();
    world.run(import(vec![row(1, 1, 100)])).unwrap();
    world.run(readings(1, hours(0, &[10]))).unwrap();
    let issued = world.events.iter().rev().find_map(|event| match event {
        Event::Ledger(LedgerEvent::BundlesIssued(issued)) => Some(issued.metadata_id),
        _ => None,
    });
    assert_eq!(issued, Some(schemas::id::MetadataId(1)));
    world
        .run(Command::RecordIssuanceMetadata(Box::new(metadata())))
        .unwrap();
    world.run(readings(1, hours(1, &[10]))).unwrap();
    let Some(Event::Ledger(LedgerEvent::BundlesIssued(issued))) = world.events.last() else {
        panic!("the readings issued nothing");
    };
    assert_eq!(issued.metadata_id, schemas::id::MetadataId(3));
}

/// An import that registry fr has signed.
fn signed(rows: Vec<ImportRow>) -> ImportBundles {
    ImportBundles {
        export: Some(ExportRef {
            registry: "fr".into(),
            export_id: ActionId(1),
            content: ExportContent([1; 32]),
        }),
        ..import_of("31", rows)
    }
}

#[test]
fn what_a_registry_has_signed_is_not_held_to_the_device_as_it_is_here_and_now() {
    let mut world = World::with_accounts();
    let mut of_storage = row(1, 1, 100);
    of_storage.is_storage = true;
    of_storage.terms.energy_source = schemas::energy::EnergySource::SolarPv;
    // It has lost capacity since, and was rebuilt.
    let large = row(2, 1_000, 100_000_999);
    let mut import = signed(vec![of_storage, large]);
    import.devices[0].attributes.operational_date = at("2025-05-20T00:00:00Z");
    world.run(Command::ImportBundles(Box::new(import))).unwrap();
    let mut unfinished = row(1, 101, 200);
    unfinished.production_start = at("2025-06-01T12:00:00Z");
    unfinished.production_end = at("2025-06-01T13:00:00Z");
    let mut import = signed(vec![unfinished]);
    import.export = Some(ExportRef {
        export_id: ActionId(2),
        ..import.export.unwrap()
    });
    let refused = world.run(Command::ImportBundles(Box::new(import)));
    assert_eq!(codes(refused), ["in_future"]);
    world.audit();
}

#[test]
fn an_imported_device_says_what_its_own_registry_says_of_it() {
    let mut world = World::with_accounts();
    world.run(import(vec![row(1, 1, 100)])).unwrap();
    let update = |account_id, patch| {
        Command::UpdateDevice(Box::new(UpdateDevice {
            device_id: DeviceId(3),
            account_id,
            patch,
        }))
    };
    let smaller = DevicePatch {
        capacity_w: Some(schemas::Watts(1)),
        ..DevicePatch::default()
    };
    let refused = world.run(update(None, smaller));
    assert_eq!(code(refused), Code::DeviceImported);
    // Whose it is here is another matter.
    let moved = update(Some(AccountId(2)), DevicePatch::default());
    world.run(moved).unwrap();
    let grown = row(1, 1_000, 100_000_999);
    let refused = world.run(import(vec![grown.clone()]));
    assert_eq!(codes(refused), ["over_capacity"]);
    // Nobody else's word counts, and its own registry's does.
    for (exporter, is_heard) in [("de", false), ("fr", true)] {
        let start = if is_heard { 201 } else { 101 };
        let mut import = signed(vec![row(1, start, start + 99)]);
        import.export = Some(ExportRef {
            registry: exporter.into(),
            ..import.export.unwrap()
        });
        import.devices[0].attributes.capacity_w = schemas::Watts(1_000_000_000);
        world.run(Command::ImportBundles(Box::new(import))).unwrap();
        let held_to = world.run(self::import(vec![grown.clone()]));
        assert_eq!(held_to.is_ok(), is_heard, "{held_to:?}");
    }
    world.audit();
}
