//! Tables of another version of the projection than this release makes.

use super::history::DOMAIN;
use super::random::{Random, live, lived};
use super::rig::{Rig, Running};
use projections::rebuild::{CHUNK_ROWS, rebuild};
use projections::verify::audit;
use projections::{Error, Target, schema};
use tests::eventually;

/// Makes the tables of another version, as another release would have.
async fn become_version(rig: &Rig, target: Target, by: i32) {
    let client = schema::connect(rig.connection(target), schema::LIVE)
        .await
        .unwrap();
    let version = target.version() + by;
    let changed = client
        .execute("UPDATE checkpoint SET version = $1", &[&version])
        .await;
    assert!(changed.unwrap() > 0);
}

async fn version(rig: &Rig, target: Target) -> Option<i32> {
    let client = schema::connect(rig.connection(target), schema::LIVE)
        .await
        .unwrap();
    schema::tables(&client, target, schema::LIVE)
        .await
        .unwrap()
        .version
}

/// A row that no event makes.
async fn spoil(rig: &Rig) {
    let client = schema::connect(rig.connection(Target::Read), schema::LIVE)
        .await
        .unwrap();
    let spoilt = client
        .execute("UPDATE account SET account_name = 'spoilt'", &[])
        .await;
    assert!(spoilt.unwrap() > 0);
}

async fn in_both(rig: &Rig, change: &str) {
    for target in Target::ALL {
        let client = schema::connect(rig.connection(target), schema::LIVE).await;
        client.unwrap().batch_execute(change).await.unwrap();
    }
}

async fn ended(mut running: Running) -> Error {
    (&mut running.task).await.unwrap().unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_an_earlier_version_are_built_anew_by_one_of_all_projectors() {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 71, 100).await;
    rig.audit().await;
    drop(running);
    spoil(&rig).await;
    for target in Target::ALL {
        become_version(&rig, target, -1).await;
    }
    // They are the earlier release's until then.
    for target in Target::ALL {
        schema::migrate_live(rig.connection(target), target)
            .await
            .unwrap();
        assert_eq!(version(&rig, target).await, Some(target.version() - 1));
    }
    let _running = [rig.start_both(), rig.start_both()];
    for target in Target::ALL {
        eventually("the tables are built anew", || async {
            (version(&rig, target).await == Some(target.version())).then_some(())
        })
        .await;
    }
    live(&mut rig.history, &mut Random::new(72), 30).await;
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_whose_tables_a_later_release_has_replaced_writes_nothing_more_and_ends() {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 73, 60).await;
    rig.caught_up().await;
    let before = rig.history.head(ledger::Stream::Ledger);
    for target in Target::ALL {
        become_version(&rig, target, 1).await;
    }
    live(&mut rig.history, &mut Random::new(74), 20).await;
    for (running, target) in running.into_iter().zip(Target::ALL) {
        let positions = running.progress.borrow().ledger;
        assert!(positions <= before, "{target} went on to {positions}");
        // This release neither goes on nor replaces them, also if it is started again.
        for error in [ended(running).await, ended(rig.start(target)).await] {
            assert!(matches!(error, Error::Replaced { .. }), "{target}: {error}");
        }
        let (connection, store) = (rig.connection(target), rig.store());
        let rebuilt = rebuild(target, connection, &store, DOMAIN, CHUNK_ROWS, |_| ()).await;
        assert!(
            matches!(rebuilt, Err(Error::Replaced { .. })),
            "{target}: {rebuilt:?}"
        );
    }
    for target in Target::ALL {
        become_version(&rig, target, 0).await;
    }
    let _running = rig.start_both();
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_of_a_later_release_do_not_stop_a_projector_that_starts() {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 75, 30).await;
    rig.caught_up().await;
    drop(running);
    let later = "ALTER TABLE checkpoint ADD COLUMN of_a_later_release integer;
        INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'of_a_later_release', '2030-01-01T00:00:00Z', '1')";
    in_both(&rig, later).await;
    let _running = rig.start_both();
    live(&mut rig.history, &mut Random::new(76), 20).await;
    rig.caught_up().await;
    // What this release does not know it can not vouch for.
    let audited = audit(&rig.databases, &rig.store(), DOMAIN).await;
    assert!(audited.is_err_and(|error| error.to_string().contains("1 are of a later release")));
    let gone = "ALTER TABLE checkpoint DROP COLUMN of_a_later_release;
        DELETE FROM refinery_schema_history WHERE version = 9999";
    in_both(&rig, gone).await;
    rig.audit().await;
}
