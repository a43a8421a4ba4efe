//! Databases that were filled before a migration.

use super::random::lived;
use super::rig::Rig;
use ledger::{Code, Command, command};
use projections::{Target, schema};
use registry::sequencer::{ExecuteError, Request};
use registry::system::{Core, Projectors};
use schemas::event::identity::UserChanges;
use schemas::id::UserId;
use schemas::life_cycle::Role;
use tests::{Registry, eventually};

const HOLDINGS_BY_HOUR: &str =
    include_str!("../../../projections/migrations/read/V4__holdings_by_hour_and_lineage.sql");
const TOTALS: &str =
    include_str!("../../../projections/migrations/read/V27__totals_of_accounts.sql");

const V1: &str = include_str!("../../../projections/migrations/write/V1__state_of_the_ledger.sql");
const V2: &str =
    include_str!("../../../projections/migrations/write/V2__corrections_and_meters.sql");

const ADMINISTRATORS: &str =
    include_str!("../../../projections/migrations/write/V25__administrators.sql");

/// Tables as they were before, with what is in the live ones.
const BEFORE: &str = "
    DROP SCHEMA IF EXISTS before CASCADE; CREATE SCHEMA before; SET search_path = before;
    CREATE TABLE checkpoint AS SELECT * FROM registry.checkpoint;
    CREATE TABLE bundle AS SELECT * FROM registry.bundle;
    CREATE TABLE action AS SELECT * FROM registry.action;
    ALTER TABLE action DROP COLUMN actor;
    CREATE TABLE holding (account_id bigint);";

#[tokio::test(flavor = "multi_thread")]
async fn holdings_and_histories_made_by_the_migration_are_those_made_from_the_log() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 60, 400).await;
    rig.caught_up().await;
    let client = schema::connect(rig.connection(Target::Read), schema::LIVE)
        .await
        .unwrap();
    client.batch_execute(BEFORE).await.unwrap();
    client
        .batch_execute(&format!("BEGIN; {HOLDINGS_BY_HOUR}; {TOTALS}; COMMIT"))
        .await
        .unwrap();
    for (rows, least) in [
        ("SELECT * FROM {}.holding", 50),
        ("SELECT * FROM {}.holding_total", 4),
        ("SELECT * FROM {}.action_bundle", 50),
        (
            "SELECT action_id, regexp_replace(actor, '^system:.*', 'system') FROM {}.action",
            50,
        ),
    ] {
        let (old, new) = (rows.replace("{}", "before"), rows.replace("{}", "registry"));
        let count = format!("SELECT count(*) FROM ({new}) AS all_rows");
        let count: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
        assert!(count > least, "{count} rows of {new}");
        for (one, other) in [(&old, &new), (&new, &old)] {
            let only = format!("SELECT count(*) FROM ({one} EXCEPT {other}) AS only_one");
            let only: i64 = client.query_one(&only, &[]).await.unwrap().get(0);
            assert_eq!(only, 0, "{one} EXCEPT {other}");
        }
    }
    client
        .batch_execute("DROP SCHEMA before CASCADE")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_manages_users_is_known_of_databases_from_before_the_last_was_kept() {
    let rig = Rig::on_shared_servers().await;
    let client = schema::connect(rig.connection(Target::Write), "before")
        .await
        .unwrap();
    client.batch_execute("CREATE SCHEMA before").await.unwrap();
    client
        .batch_execute(
            r#"CREATE TABLE counters (stream text, state json, position bigint);
            CREATE TABLE registry_user (user_id bigint, state json);
            INSERT INTO counters VALUES ('ledger', '{"account": 1}', 7), ('identity', '{"user": 6}', 9);"#,
        )
        .await
        .unwrap();
    client.batch_execute(ADMINISTRATORS).await.unwrap();
    let states = async || {
        let statement = "SELECT state::text, position FROM counters ORDER BY stream";
        let rows = client.query(statement, &[]).await.unwrap();
        let rows = rows.iter().map(|row| (row.get(0), row.get(1)));
        rows.collect::<Vec<(String, i64)>>()
    };
    let ledger = (r#"{"account": 1}"#.to_owned(), 7);
    let nobody = (r#"{"user": 6}"#.to_owned(), 9);
    assert_eq!(states().await, [nobody, ledger.clone()]);
    client
        .batch_execute(
            r#"INSERT INTO registry_user VALUES (5, '{"role": "ADMIN", "is_removed": false}'),
            (2, '{"role": "ADMIN", "is_removed": false}'), (3, '{"role": "ADMIN", "is_removed": true}'),
            (4, '{"role": "TRADING_USER", "is_removed": false}')"#,
        )
        .await
        .unwrap();
    client.batch_execute(ADMINISTRATORS).await.unwrap();
    let found = states().await;
    assert_eq!(found[1], ledger);
    assert_eq!(found[0].1, 9);
    let read: ledger::entry::IdentityCounters = serde_json::from_str(&found[0].0).unwrap();
    assert_eq!(read.user.0, 6);
    let ids: Vec<_> = read.administrators.iter().map(|id| id.0).collect();
    assert_eq!(ids, [2, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_on_tables_that_are_not_migrated_yet() {
    let mut registry = Registry::start().await;
    let admin = UserId(registry.admin().await.id);
    registry.caught_up().await;
    registry.down().await;
    let write = &registry.config.database.write;
    let client = schema::connect(write, schema::LIVE).await.unwrap();
    client
        .batch_execute(
            "UPDATE counters SET state = (state::jsonb - 'administrators')::json WHERE stream = 'identity';
             ALTER TABLE checkpoint DROP COLUMN version;
             DELETE FROM refinery_schema_history WHERE version >= 25",
        )
        .await
        .unwrap();
    let core = Core::start(&registry.config, Projectors::Elsewhere).await;
    let core = core.unwrap();
    let demote = async || {
        let update = command::UpdateUser {
            user_id: admin,
            changes: UserChanges {
                role: Some(Role::Trading),
                ..UserChanges::default()
            },
            session: None,
        };
        let request = Request::of_system("test", Command::UpdateUser(update));
        core.sequencers().execute(request).await.unwrap_err()
    };
    let refused = demote().await;
    assert!(
        matches!(&refused, ExecuteError::Unavailable(why) if why.contains("migrations")),
        "{refused}"
    );
    schema::migrate_live(write, Target::Write).await.unwrap();
    let refused = eventually("commands are decided", || async {
        match demote().await {
            ExecuteError::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    })
    .await;
    assert_eq!(refused, Code::LastAdministrator);
    core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_before_readings_said_so_stays_with_the_issuing_body() {
    let rig = Rig::on_shared_servers().await;
    let client = schema::connect(rig.connection(Target::Write), "before")
        .await
        .unwrap();
    client.batch_execute("CREATE SCHEMA before").await.unwrap();
    client.batch_execute(V1).await.unwrap();
    // Day 19,723 is 2024-01-01. The first hour was withdrawn in part, the second withdrawn and issued
    // anew, the third is of a device that issues nothing, as is all of device 2.
    client
        .batch_execute(
            r#"INSERT INTO device_day VALUES
                (1, 19723, '{"0": [3600, 100, 60, 1], "3600": [3600, 50, 50, 2], "7200": [3600, 9, 0, 3]}', 7),
                (2, 19723, '{"0": [3600, 100, 0, 4]}', 8);
            INSERT INTO bundle (bundle_id, account_id, device_id, status, range_start, range_end,
                interval_start, interval_end, expiry, position)
            SELECT row_number() OVER (), 1, 1, status, 1, 40, at::timestamptz, at::timestamptz + '1 h', now(), 7
            FROM (VALUES ('Withdrawn', '2024-01-01T00:00Z'), ('Active', '2024-01-01T00:00Z'),
                ('Withdrawn', '2024-01-01T01:00Z')) AS b (status, at)"#,
        )
        .await
        .unwrap();
    client.batch_execute(V2).await.unwrap();
    let rows = client
        .query(
            "SELECT state::text, position FROM device_day ORDER BY device_id",
            &[],
        )
        .await
        .unwrap();
    let state = |row: usize| rows[row].get::<_, String>(0);
    assert_eq!(
        state(0),
        r#"{"0": [3600, 100, 60, 1, 40, 0, 0], "3600": [3600, 50, 50, 2], "7200": [3600, 9, 0, 3]}"#
    );
    assert_eq!(state(1), r#"{"0": [3600, 100, 0, 4]}"#);
    assert_eq!(rows[0].get::<_, i64>(1), 7);
    let read: ledger::entry::DeviceDay = serde_json::from_str(&state(0)).unwrap();
    assert_eq!(read.0[&0].unissued().0, 0);
    assert_eq!(read.0[&7200].unissued().0, 9);
}
