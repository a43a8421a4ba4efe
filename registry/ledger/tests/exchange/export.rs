//! Offers, and how they end.

use super::*;

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
