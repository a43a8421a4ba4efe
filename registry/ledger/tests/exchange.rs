//! Imports from other registries and exports to them.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{
    ImportBundles, ImportDevice, ImportRow, RefuseExport, SettleExport, Settlement,
};
use ledger::device::MAX_TEXT_CHARS;
use ledger::export::{MAX_REFERENCE_CHARS, MAX_REGISTRY_CHARS};
use ledger::import::MAX_BUNDLES;
use ledger::{Code, Command, Event};
use proptest::prelude::*;
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

/// A world whose account 1 holds bundle 1 of 100 Wh, issued here.
fn with_bundle() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    world
}

#[test]
fn an_offered_bundle_is_only_confirmed_or_taken_back() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    assert_eq!(world.status(1), CertificateStatus::ExportOffered);
    // It may come back, so its account stays open.
    assert_eq!(world.live_wh(1), 100);
    for action in ActionType::ALL {
        if matches!(
            action,
            ActionType::ConfirmExport | ActionType::TakeBackExport
        ) {
            continue;
        }
        let mut asked = act(*action, 1, &[1]);
        asked.target_id = Some(AccountId(2));
        asked.receiving_registry = Some("de".into());
        let before = world.events.len();
        let refused = world.run(Command::ActOnBundles(asked));
        match action {
            // What does not expire is passed over.
            ActionType::Expire => assert!(refused.unwrap().events.is_empty()),
            _ => assert_eq!(code(refused), Code::BundleState, "{action}"),
        }
        assert_eq!(world.events.len(), before);
    }
}

#[test]
fn a_confirmed_export_is_final_and_can_not_be_taken_back() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    world.run(confirm(1)).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Exported);
    assert_eq!(world.live_wh(1), 0);
    assert_eq!(code(world.run(take_back(1))), Code::ExportSettled);
    assert_eq!(code(world.run(confirm(1))), Code::ExportSettled);
    world.audit();
}

#[test]
fn an_export_that_was_taken_back_can_not_be_confirmed_and_its_bundles_move_again() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    world.run(take_back(1)).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Active);
    assert_eq!(code(world.run(confirm(1))), Code::ExportSettled);
    world.run(export(&[1])).unwrap();
    // The earlier offer does not speak for the later one.
    assert_eq!(code(world.run(confirm(1))), Code::ExportSettled);
    world.run(confirm(3)).unwrap();
}

#[test]
fn an_offered_bundle_past_its_expiry_can_still_be_confirmed() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    world.now += chrono::TimeDelta::days(3_000);
    world.run(confirm(1)).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Exported);
}

#[test]
fn an_export_of_another_account_or_of_no_number_is_not_found() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    assert_eq!(code(world.run(confirm(9))), Code::ExportNotFound);
    let mut foreign = SettleExport {
        export_id: ActionId(1),
        source_id: AccountId(2),
        here: "gb".into(),
        settlement: Settlement::TakenBack("mine".into()),
        without_signature: false,
    };
    let refused = world.run(Command::SettleExport(foreign.clone()));
    assert_eq!(code(refused), Code::ExportNotFound);
    foreign.source_id = AccountId(1);
    for reason in [String::new(), " ".into(), "x".repeat(501)] {
        foreign.settlement = Settlement::TakenBack(reason);
        let refused = world.run(Command::SettleExport(foreign.clone()));
        assert_eq!(code(refused), Code::ValueOutOfRange);
    }
    foreign.settlement = Settlement::TakenBack("x".repeat(500));
    world.run(Command::SettleExport(foreign)).unwrap();
}

#[test]
fn references_and_reasons_have_at_most_five_hundred_characters() {
    let settlements: [fn(String) -> Settlement; 2] = [confirmed, Settlement::TakenBack];
    for settlement in settlements {
        let mut world = with_bundle();
        world.run(export(&[1])).unwrap();
        for text in [String::new(), "x".repeat(MAX_REFERENCE_CHARS + 1)] {
            let refused = world.run(settle(1, settlement(text)));
            assert_eq!(code(refused), Code::ValueOutOfRange);
        }
        let text = "x".repeat(MAX_REFERENCE_CHARS);
        world.run(settle(1, settlement(text))).unwrap();
    }
}

#[test]
fn names_of_origin_and_texts_of_a_row_are_as_long_as_texts_may_be_and_not_longer() {
    let longest = "x".repeat(MAX_TEXT_CHARS);
    let longer = "x".repeat(MAX_TEXT_CHARS + 1);
    let from = |registry: &str, device: &str| {
        let mut import = import_of(device, vec![row(1, 1, 1)]);
        import.devices[0].origin.registry = registry.to_owned();
        Command::ImportBundles(Box::new(import))
    };
    let registry = "x".repeat(MAX_REGISTRY_CHARS);
    for command in [
        from("", "31"),
        from(&format!("{registry}x"), "31"),
        from("fr", ""),
        from("fr", &longer),
    ] {
        let refused = World::with_accounts().run(command);
        assert_eq!(code(refused), Code::ValueOutOfRange);
    }
    let mut world = World::with_accounts();
    world.run(from(&registry, &longest)).unwrap();
    for spoil in [
        |row: &mut ImportRow, text| row.bundle_id = text,
        |row: &mut ImportRow, text| row.issuance_id = text,
        |row: &mut ImportRow, text| row.terms.emissions_factor_source = Some(text),
    ] {
        assert_eq!(
            spoilt(|row| spoil(row, longer.clone())),
            "value_out_of_range"
        );
        let mut fitting = row(1, 1, 1);
        spoil(&mut fitting, longest.clone());
        World::with_accounts().run(import(vec![fitting])).unwrap();
    }
}

#[test]
fn an_export_names_the_receiving_registry_in_at_most_a_hundred_characters() {
    let mut world = with_bundle();
    let named = |name: Option<String>| {
        let mut asked = act(ActionType::Export, 1, &[1]);
        asked.receiving_registry = name;
        Command::ActOnBundles(asked)
    };
    for name in [None, Some(" ".into()), Some("x".repeat(101))] {
        assert_eq!(code(world.run(named(name))), Code::ValueOutOfRange);
    }
    world.run(named(Some("x".repeat(100)))).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Submit(i64, i64),
    Import(i64, i64),
    Export(usize, i64),
    Settle(i64, bool),
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..24, 1_i64..200).prop_map(|(hour, wh)| Step::Submit(hour, wh)),
        (1_i64..500, 1_i64..80).prop_map(|(start, wh)| Step::Import(start, wh)),
        (0_usize..32, 1_i64..200).prop_map(|(pick, wh)| Step::Export(pick, wh)),
        (1_i64..40, any::<bool>()).prop_map(|(id, confirmed)| Step::Settle(id, confirmed)),
        (0_usize..32).prop_map(Step::Cancel),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Issued and imported energy is in exactly one place through every history of exports and imports, and
    /// no certificate of another registry is here twice.
    #[test]
    fn energy_is_conserved_by_exports_and_imports(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::with_accounts();
        for step in steps {
            let active: Vec<i64> = world
                .bundles()
                .into_iter()
                .filter(|(_, bundle)| {
                    bundle.status == CertificateStatus::Active && bundle.account_id == AccountId(1)
                })
                .map(|(id, _)| id.0)
                .collect();
            let pick = |index: usize| active.get(index % active.len().max(1)).copied().unwrap_or(1);
            let command = match step {
                Step::Submit(hour, wh) => readings(1, hours(hour, &[wh])),
                Step::Import(start, wh) => import(vec![row(1, start, start + wh - 1)]),
                Step::Export(index, wh) => {
                    let Command::ActOnBundles(mut asked) = export(&[pick(index)]) else { continue };
                    asked.amount = ledger::command::Amount::Quantity(
                        WattHours(wh), schemas::life_cycle::QuantityMode::PerBundle);
                    Command::ActOnBundles(asked)
                }
                Step::Settle(id, true) => confirm(id),
                Step::Settle(id, false) => take_back(id),
                Step::Cancel(index) => Command::ActOnBundles(act(ActionType::Cancel, 1, &[pick(index)])),
            };
            let before = world.events.len();
            if let Err(refusal) = world.run(command) {
                prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                prop_assert_eq!(world.events.len(), before);
            }
            world.audit();
        }
    }
}

fn exported(export_id: i64, content: u8, rows: Vec<ImportRow>) -> Command {
    Command::ImportBundles(Box::new(ImportBundles {
        export: Some(of_fr(export_id, content)),
        ..import_of("31", rows)
    }))
}

fn of_fr(export_id: i64, content: u8) -> ExportRef {
    ExportRef {
        registry: "fr".into(),
        export_id: ActionId(export_id),
        content: ExportContent([content; 32]),
    }
}

fn refuse(export_id: i64, content: u8, start: i64, end: i64) -> Command {
    Command::RefuseExport(Box::new(RefuseExport {
        export: of_fr(export_id, content),
        here: "gb".into(),
        certificates: vec![Certificates {
            origin: import_of("31", Vec::new()).devices[0].origin.clone(),
            ranges: vec![(CertificateId(start), CertificateId(end))],
        }],
    }))
}

#[test]
fn what_was_refused_is_never_imported_and_refused_again_at_no_cost() {
    let mut world = World::with_accounts();
    world.run(refuse(12, 1, 1, 100)).unwrap();
    assert!(world.run(refuse(12, 1, 1, 100)).unwrap().events.is_empty());
    let again = world.run(exported(12, 1, vec![row(1, 1, 100)]));
    assert_eq!(code(again), Code::ExportRefused);
    // The same certificates by another export.
    world.run(exported(13, 2, vec![row(1, 1, 100)])).unwrap();
    assert_eq!(code(world.run(refuse(13, 2, 1, 100))), Code::ImportedBefore);
    world.audit();
}

#[test]
fn what_is_here_is_not_refused_whatever_export_offers_it() {
    let mut world = World::with_accounts();
    world.run(exported(12, 1, vec![row(1, 1, 100)])).unwrap();
    for (export_id, content, start, end) in [(12, 1, 1, 100), (13, 2, 100, 200)] {
        let refused = world.run(refuse(export_id, content, start, end));
        assert_eq!(code(refused), Code::ImportedBefore);
    }
    world.run(refuse(13, 2, 101, 200)).unwrap();
    world.audit();
}

#[test]
fn rows_of_what_was_refused_are_not_imported_until_a_signed_export_brings_it() {
    let mut world = World::with_accounts();
    world.run(refuse(12, 1, 1, 100)).unwrap();
    for (start, end) in [(1, 100), (100, 120), (40, 50)] {
        let rows = world.run(import(vec![row(1, start, end)]));
        assert_eq!(code(rows), Code::ImportElsewhere, "[{start}, {end}]");
    }
    world.run(import(vec![row(1, 101, 120)])).unwrap();
    world.run(exported(13, 2, vec![row(1, 41, 50)])).unwrap();
    assert_eq!(
        code(world.run(import(vec![row(1, 41, 50)]))),
        Code::ImportedBefore
    );
    assert_eq!(
        code(world.run(import(vec![row(1, 1, 40)]))),
        Code::ImportElsewhere
    );
    world.audit();
}

#[test]
fn an_id_that_is_used_again_for_other_bundles_is_refused_only() {
    let mut world = World::with_accounts();
    world.run(exported(12, 1, vec![row(1, 1, 100)])).unwrap();
    let reused = world.run(exported(12, 2, vec![row(1, 101, 200)]));
    assert_eq!(code(reused), Code::ExportIdReused);
    world.run(refuse(12, 2, 101, 200)).unwrap();
    assert!(
        world
            .run(refuse(12, 2, 101, 200))
            .unwrap()
            .events
            .is_empty()
    );
    // What became of the first stays.
    assert_eq!(code(world.run(refuse(12, 1, 1, 100))), Code::ImportedBefore);
    world.run(exported(13, 2, vec![row(1, 101, 200)])).unwrap();
    world.audit();
}

#[test]
fn what_left_with_a_confirmed_export_comes_back_by_a_signed_one_and_only_then() {
    let mut world = World::with_accounts();
    world.run(exported(12, 1, vec![row(1, 1, 100)])).unwrap();
    world.run(export(&[1])).unwrap();
    // Offered, it may be taken back: it is still here.
    let early = world.run(exported(13, 2, vec![row(1, 1, 100)]));
    assert_eq!(code(early), Code::ImportedBefore);
    assert_eq!(code(world.run(refuse(13, 2, 1, 100))), Code::ImportedBefore);
    world.run(confirm(1)).unwrap();
    assert_eq!(
        code(world.run(import(vec![row(1, 1, 100)]))),
        Code::ImportElsewhere
    );
    world.run(exported(13, 2, vec![row(1, 1, 60)])).unwrap();
    assert_eq!(world.live_wh(1), 60);
    // It left again by then, as far as who signs knows; the rest may be refused.
    world.run(refuse(14, 3, 61, 100)).unwrap();
    let replayed = world.run(exported(12, 1, vec![row(1, 1, 100)]));
    assert_eq!(code(replayed), Code::ImportedBefore);
}

#[test]
fn what_was_issued_here_comes_home_once_its_export_is_confirmed() {
    let mut world = with_bundle();
    let home = |start, end| {
        let mut home = import_of("1", vec![row(1, start, end)]);
        home.devices[0].origin.registry = "gb".into();
        home.export = Some(of_fr(12, 1));
        Command::ImportBundles(Box::new(home))
    };
    world.run(export(&[1])).unwrap();
    assert_eq!(code(world.run(home(1, 100))), Code::ImportFromHere);
    world.run(confirm(1)).unwrap();
    assert_eq!(code(world.run(home(1, 101))), Code::ImportFromHere);
    world.run(home(1, 60)).unwrap();
    assert_eq!(world.live_wh(1), 60);
    assert_eq!(world.status(1), CertificateStatus::Exported);
    // It is here again, and goes and comes again.
    assert_eq!(code(world.run(home(1, 60))), Code::ImportedBefore);
    world.run(export(&[2])).unwrap();
    world.run(confirm(3)).unwrap();
    assert_eq!(world.live_wh(1), 0);
}

#[test]
fn a_settlement_without_signature_says_so_and_why() {
    let mut world = with_bundle();
    world.run(export(&[1])).unwrap();
    let mut on_word = SettleExport {
        export_id: ActionId(1),
        source_id: AccountId(1),
        here: "gb".into(),
        settlement: Settlement::Confirmed {
            reference: "fr/import/1".into(),
            reason: Some("x".repeat(MAX_REFERENCE_CHARS + 1)),
        },
        without_signature: true,
    };
    let refused = world.run(Command::SettleExport(on_word.clone()));
    assert_eq!(code(refused), Code::ValueOutOfRange);
    on_word.settlement = Settlement::Confirmed {
        reference: "fr/import/1".into(),
        reason: Some("fr has no key of ours".into()),
    };
    world.run(Command::SettleExport(on_word)).unwrap();
    let Some(Event::Ledger(LedgerEvent::BundlesActed(action))) = world.events.last() else {
        panic!("nothing was recorded");
    };
    assert_eq!(action.reason.as_deref(), Some("fr has no key of ours"));
    assert!(action.export.as_ref().unwrap().without_signature);
}
