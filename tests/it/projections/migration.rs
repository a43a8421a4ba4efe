//! Databases that were filled before a migration.

use super::random::lived;
use super::rig::Rig;
use projections::{Target, schema};

const HOLDINGS_BY_HOUR: &str =
    include_str!("../../../projections/migrations/read/V4__holdings_by_hour_and_lineage.sql");

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
    lived(&mut rig.history, 60, 150).await;
    rig.caught_up().await;
    let client = schema::connect(rig.connection(Target::Read), schema::LIVE)
        .await
        .unwrap();
    client.batch_execute(BEFORE).await.unwrap();
    client
        .batch_execute(&format!("BEGIN; {HOLDINGS_BY_HOUR}; COMMIT"))
        .await
        .unwrap();
    for rows in [
        "SELECT * FROM {}.holding",
        "SELECT * FROM {}.action_bundle",
        "SELECT action_id, regexp_replace(actor, '^system:.*', 'system') FROM {}.action",
    ] {
        let (old, new) = (rows.replace("{}", "before"), rows.replace("{}", "registry"));
        let count = format!("SELECT count(*) FROM ({new}) AS all_rows");
        let count: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
        assert!(count > 50, "{count} rows of {new}");
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
