//! Each rule of the audit finds what breaks it: a rule that can not fail holds nothing.

use super::history::DOMAIN;
use super::random::lived;
use super::rig::Rig;
use projections::verify::Invariant;
use projections::{Target, schema};

const RULES: &str = include_str!("../../../projections/src/verify/rules.rs");

/// Rows that nothing in the log tells of, or that say something else than it does. `OWN` is a bundle that is active,
/// of a device of the registry.
const WRITE: &[&str] = &[
    r#"INSERT INTO device_day VALUES (999, 1, '{"0": [3600, 5, 9, 1], "3600": [3600, 5, 0, 2, 0, 7, 0]}', 1)"#,
    r#"INSERT INTO storage_day VALUES (999, 1, '{"0": [3600, 5, 9, 1]}', 1)"#,
    r#"INSERT INTO storage_allocation VALUES (999, '{"consumed": 1, "produced": 2, "is_issued": false}', 1)"#,
    r#"INSERT INTO import_origin VALUES (gen_random_uuid(),
        '{"device_id": 999, "ranges": {"1": 5}, "elsewhere": {"3": 4}}', 1)"#,
    r#"UPDATE account SET state = (state::jsonb || '{"live_wh": 123456789}')::json WHERE account_id = 1"#,
    "UPDATE counters SET position = 1000000 WHERE stream = 'ledger'",
    "INSERT INTO device SELECT 998, json_build_object('origin', json_build_object('registry', 'DOMAIN', 'device',
        device_id::text)), 1 FROM bundle WHERE bundle_id = OWN",
    r#"INSERT INTO bundle SELECT (jsonb_populate_record(b, '{"bundle_id": 999998, "device_id": 998}')).*
        FROM bundle AS b WHERE bundle_id = OWN"#,
];
const READ: &[&str] = &[
    r#"INSERT INTO bundle SELECT (jsonb_populate_record(b, '{"bundle_id": 999997, "status": "Bundle Split"}')).*
        FROM bundle AS b WHERE bundle_id = OWN"#,
    "INSERT INTO bundle SELECT (jsonb_populate_record(b, jsonb_build_object('bundle_id', 999996, 'parent_id', OWN))).*
        FROM bundle AS b WHERE bundle_id = OWN",
    "INSERT INTO gateway_device VALUES (999, NULL, 7, NULL, 1)",
    "UPDATE device SET debt_wh = debt_wh + 1 WHERE device_id = 1",
    "INSERT INTO storage_record VALUES (999, 999, now(), now(), 3, NULL, 5, false, now(), 1)",
    r#"INSERT INTO storage_allocation SELECT (jsonb_populate_record(NULL::storage_allocation, '{"allocation_id": 999,
        "device_id": 999, "scr_id": 1, "sdr_id": 2, "scr_start": "2024-01-01", "scr_end": "2024-01-02",
        "sdr_start": "2024-01-01", "sdr_end": "2024-01-02", "consumed": 1, "produced": 2, "method": "fifo",
        "window_start": "2024-01-01", "window_end": "2024-01-02", "numerator": 1, "denominator": 1,
        "is_measured": false, "is_issued": false, "created_at": "2024-01-01", "position": 1}')).*"#,
    "DELETE FROM holding WHERE ctid = (SELECT ctid FROM holding LIMIT 1)",
    "UPDATE holding SET wh = wh + 1 WHERE ctid = (SELECT ctid FROM holding LIMIT 1)",
    "DELETE FROM action_bundle WHERE ctid = (SELECT ctid FROM action_bundle LIMIT 1)",
    "INSERT INTO imported_bundle VALUES (999, 1, 999, 1, 5, 'x', 'x', NULL, 1)",
    "INSERT INTO export SELECT action_id, source_id, 'fr', 'confirmed', NULL, NULL, now(), 1 FROM action
        WHERE jsonb_array_length(parts) > 0 AND action_id NOT IN (SELECT export_id FROM export) LIMIT 1",
    "INSERT INTO recurring_run VALUES (999, 5, 1, now(), 'done', NULL, 123, 123, '{}', now(), 1)",
];

/// What the rules say of that, one by one.
const FOUND: &[(Target, Invariant, &str)] = &[
    (
        Target::Read,
        Invariant::Partition,
        "bundle 999997 is split, but its 0 parts",
    ),
    (
        Target::Read,
        Invariant::Partition,
        "bundle 999996 is a part of",
    ),
    (Target::Read, Invariant::OnePlace, "and in the one before"),
    (
        Target::Write,
        Invariant::Metered,
        "day 1, second 0: issued 9 of 5 Wh",
    ),
    (
        Target::Write,
        Invariant::Metered,
        "device 999 owes  Wh, its readings say 7",
    ),
    (
        Target::Write,
        Invariant::Metered,
        "storage device 999, day 1, second 0: allocated 9 of 5 Wh",
    ),
    (
        Target::Write,
        Invariant::Metered,
        "allocation 999 consumed 1 Wh and produced 2",
    ),
    (
        Target::Write,
        Invariant::OnePlace,
        "account 1 says it holds 123456789 Wh",
    ),
    (
        Target::Write,
        Invariant::OnePlace,
        "device 999 of another registry: 5 Wh are known to be here",
    ),
    (
        Target::Write,
        Invariant::OnePlace,
        "certificates [1, 5] of device 999 are known to be here and, from 3 on",
    ),
    (
        Target::Write,
        Invariant::Checkpoint,
        "the counters of ledger are at position 1000000",
    ),
    (
        Target::Write,
        Invariant::OnePlace,
        "of this registry came home as bundle 999998",
    ),
    (
        Target::Read,
        Invariant::Acknowledged,
        "device 999: its next envelope is number 7",
    ),
    (Target::Read, Invariant::Metered, "): issued"),
    (Target::Read, Invariant::Metered, "device 1 owes"),
    (
        Target::Read,
        Invariant::Metered,
        "storage record 999 of 3 Wh: allocated 5 Wh",
    ),
    (
        Target::Read,
        Invariant::Metered,
        "allocation 999 consumed 1 Wh and produced 2",
    ),
    (Target::Read, Invariant::OnePlace, "the holding is"),
    (
        Target::Read,
        Invariant::OnePlace,
        "the hours of the holding are not its day",
    ),
    (Target::Read, Invariant::OnePlace, "the holdings are"),
    (
        Target::Read,
        Invariant::OnePlace,
        "are not in both histories",
    ),
    (
        Target::Read,
        Invariant::Partition,
        "imported bundle 999 of 5 Wh has 0 Wh in its parts",
    ),
    (
        Target::Read,
        Invariant::OnePlace,
        "is confirmed, but bundle",
    ),
    (
        Target::Read,
        Invariant::Acknowledged,
        "rule 999, period 5: the run before it ends at period 0",
    ),
    (
        Target::Read,
        Invariant::Acknowledged,
        "its runs tell of 123 Wh",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_of_the_audit_finds_what_breaks_it() {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 5, 60).await;
    rig.audit().await;
    drop(running);
    let own = |origins: &str| {
        format!(
            "(SELECT min(bundle_id) FROM bundle WHERE status = 'Active' AND device_id NOT IN ({origins}))"
        )
    };
    let of_origin =
        "SELECT device_id FROM device WHERE state -> 'origin' IS NOT NULL AND device_id <> 998";
    for (target, statements, own) in [
        (Target::Write, WRITE, own(of_origin)),
        (
            Target::Read,
            READ,
            own("SELECT device_id FROM import_device"),
        ),
    ] {
        let connection = rig.connection(target);
        let client = schema::connect(connection, schema::LIVE).await.unwrap();
        for statement in statements {
            let statement = statement.replace("OWN", &own).replace("DOMAIN", DOMAIN);
            let rows = client.execute(&statement, &[]).await;
            let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
            assert_eq!(rows, 1, "{statement}");
        }
    }
    let report = rig.report().await;
    for (target, invariant, expected) in FOUND {
        let found = report.checks.iter().any(|check| {
            check.invariant == *invariant
                && check.target == Some(*target)
                && check
                    .failures
                    .iter()
                    .any(|failure| failure.contains(expected))
        });
        assert!(found, "{target}, {expected}: {report}");
    }
    // Whoever adds a rule breaks it here.
    assert_eq!(RULES.matches("SELECT format('").count(), FOUND.len());
}
