//! What was refused, used again, come home, or settled on word.

use super::*;

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
fn what_old_events_keep_no_content_of_may_be_any_export_of_its_id() {
    let mut world = World::with_accounts();
    // As events of version 1 are read.
    world.run(exported(12, 0, vec![row(1, 1, 100)])).unwrap();
    world.run(refuse(13, 0, 201, 300)).unwrap();
    let again = world.run(exported(12, 1, vec![row(1, 101, 200)]));
    assert_eq!(code(again), Code::ImportedBefore);
    let taken_back = world.run(refuse(12, 1, 101, 200));
    assert_eq!(code(taken_back), Code::ImportedBefore);
    let refused = world.run(exported(13, 1, vec![row(1, 201, 300)]));
    assert_eq!(code(refused), Code::ExportRefused);
    // What was refused may be refused again, for what it offers by now.
    let refused = world.run(refuse(13, 1, 201, 300)).unwrap();
    assert_eq!(refused.events.len(), 1);
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
