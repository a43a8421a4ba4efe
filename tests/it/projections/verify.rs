//! The audit finds what is wrong.

use super::exchange;
use super::history::DOMAIN;
use super::random::{Random, lived};
use super::rig::Rig;
use super::world;
use ledger::command::{ActOnBundles, Amount};
use ledger::{Command, Event, Key};
use projections::verify::Invariant;
use projections::{Target, schema};
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Export};
use schemas::id::AccountId;
use schemas::life_cycle::ActionType;

/// Breaks a database with each statement, and expects what the audit says of it.
async fn after(target: Target, statement: &str, invariant: Invariant, expected: &str) {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 5, 60).await;
    let mut random = Random::new(5);
    while rig
        .history
        .decide(&exchange::import(&rig.history, 1, &mut random))
        .is_err()
    {}
    rig.history.flush().await.unwrap();
    rig.audit().await;
    drop(running);
    let client = schema::connect(rig.connection(target), schema::LIVE)
        .await
        .unwrap();
    assert_eq!(
        client.execute(statement, &[]).await.unwrap(),
        1,
        "{statement}"
    );
    let report = rig.report().await;
    assert!(!report.passed());
    let found = report.checks.iter().any(|check| {
        check.invariant == invariant
            && check.target == Some(target)
            && check
                .failures
                .iter()
                .any(|failure| failure.contains(expected))
    });
    assert!(found, "{statement}: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_is_shown_with_both_values() {
    let change = "UPDATE account SET account_name = 'Somebody else' WHERE account_id = 1";
    after(
        Target::Read,
        change,
        Invariant::Rebuilt,
        "table account, row (1): live has",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_row_is_shown() {
    let removal = "DELETE FROM device WHERE device_id = 2";
    after(
        Target::Write,
        removal,
        Invariant::Rebuilt,
        "table device, row (2): live lacks it",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_two_bundles_is_found() {
    let overlap = "UPDATE bundle SET range_start = range_start - 1 WHERE bundle_id =
        (SELECT bundle_id FROM bundle WHERE status = 'Active' AND range_start > 1
            AND device_id NOT IN (SELECT device_id FROM import_device) LIMIT 1)";
    after(
        Target::Read,
        overlap,
        Invariant::OnePlace,
        "and in the one before",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_came_home_and_is_live_under_its_own_device_too_is_found() {
    // An imported bundle becomes one of the registry's own device, and holds a certificate that is live there.
    let twice = "WITH own AS (
            SELECT b.device_id, b.range_start FROM bundle AS b JOIN device AS d USING (device_id)
            WHERE b.status = 'Active' AND d.state -> 'origin' IS NULL LIMIT 1),
        home AS (UPDATE bundle AS b SET range_start = own.range_start, range_end = own.range_start FROM own
            WHERE b.bundle_id = (SELECT i.bundle_id FROM bundle AS i JOIN device AS d USING (device_id)
                WHERE d.state -> 'origin' ->> 'registry' = 'fr' AND i.status <> 'Bundle Split' LIMIT 1)
            RETURNING b.device_id, own.device_id AS name)
        UPDATE device SET state = (state::jsonb || jsonb_build_object('origin',
                jsonb_build_object('registry', 'DOMAIN', 'device', home.name::text)))::json
            FROM home WHERE device.device_id = home.device_id";
    after(
        Target::Write,
        &twice.replace("DOMAIN", DOMAIN),
        Invariant::OnePlace,
        "of this registry came home as bundle",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_issued_than_metered_is_found() {
    let less = "UPDATE measurement AS m SET wh = 0 FROM bundle AS b WHERE b.device_id = m.device_id
        AND b.production_start = m.interval_start AND NOT m.is_deleted AND b.bundle_id =
        (SELECT bundle_id FROM bundle WHERE status = 'Active'
            AND device_id NOT IN (SELECT device_id FROM import_device) LIMIT 1)";
    after(Target::Read, less, Invariant::Metered, "of 0 Wh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_is_not_the_sum_of_its_holdings_is_found() {
    const ONE: &str = "(account_id, energy_source, status) =
        (SELECT account_id, energy_source, status FROM holding_total LIMIT 1)";
    let more = format!("UPDATE holding_total SET wh = wh + 1 WHERE {ONE}");
    after(Target::Read, &more, Invariant::OnePlace, "the total is").await;
    let none = format!("DELETE FROM holding_total WHERE {ONE}");
    after(Target::Read, &none, Invariant::OnePlace, "the total is").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_above_the_checkpoint_is_found() {
    let above = "UPDATE bundle SET position = 1000000 WHERE bundle_id = 1";
    after(
        Target::Write,
        above,
        Invariant::Checkpoint,
        "at position 1000000",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_that_no_reading_explains_is_found() {
    let more = "UPDATE device SET debt_wh = debt_wh + 1 WHERE device_id = 1";
    after(Target::Read, more, Invariant::Metered, "device 1 owes").await;
    let more = r#"UPDATE device SET state = (state::jsonb || '{"debt": 123456789}')::json WHERE device_id = 1"#;
    after(Target::Write, more, Invariant::Metered, "owes 123456789 Wh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_paid_than_metered_is_found() {
    let more = "UPDATE measurement SET paid_wh = 1000000 WHERE measurement_id = 1";
    after(Target::Read, more, Invariant::Metered, "of -").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_before_events_said_what_left_is_no_finding() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    let history = &mut rig.history;
    world::found(history, 2).await.unwrap();
    let mut random = Random::new(5);
    while history
        .decide(&exchange::import(history, 1, &mut random))
        .is_err()
    {}
    let imported = history
        .state
        .iter()
        .find_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Bundle(id), Some(_)) => Some(*id),
            _ => None,
        });
    let offered = history.decide(&Command::ActOnBundles(ActOnBundles {
        action_type: ActionType::Export,
        source_id: AccountId(1),
        bundle_ids: imported.into_iter().collect(),
        amount: Amount::Whole,
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: None,
        reason: None,
        receiving_registry: Some("fr".into()),
        here: "gb".into(),
        localise_time: true,
    }));
    let offered = offered.unwrap().events.pop();
    let Some(Event::Ledger(LedgerEvent::BundlesActed(offered))) = offered else {
        panic!("{offered:?} offers nothing");
    };
    history.tell(BundleAction {
        action_id: offered.action_id.plus(1),
        action_type: ActionType::ConfirmExport,
        export: Some(Export {
            offer_id: Some(offered.action_id),
            receiving_reference: Some("fr/import/1".into()),
            ..offered.export.clone().unwrap()
        }),
        ..offered
    });
    history.flush().await.unwrap();
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_known_to_be_here_and_elsewhere_is_found() {
    const OF: &str = "WHERE digest = (SELECT digest FROM import_origin
        WHERE state ->> 'device_id' IS NOT NULL AND state::jsonb -> 'ranges' <> '{}' LIMIT 1)";
    let both = format!(
        "UPDATE import_origin SET
            state = (state::jsonb || jsonb_build_object('elsewhere', state::jsonb -> 'ranges'))::json {OF}"
    );
    after(Target::Write, &both, Invariant::OnePlace, "elsewhere").await;
    let none = format!(
        r#"UPDATE import_origin SET state = (state::jsonb || '{{"ranges": {{}}}}')::json {OF}"#
    );
    after(
        Target::Write,
        &none,
        Invariant::OnePlace,
        "0 Wh are known to be here",
    )
    .await;
}
