//! Rebuilds, while everything goes on.

use super::history::DOMAIN;
use super::random::{Random, live, lived};
use super::rig::Rig;
use ledger::{Key, Stream};
use projections::postgres::pool;
use projections::rebuild::{Step, rebuild};
use projections::{Positions, Target, entries, schema};
use schemas::id::BundleId;
use schemas::log::Position;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tests::eventually;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

async fn rebuilt(rig: &Rig, target: Target, rows: u64) -> Positions {
    let connection = rig.connection(target);
    let done = rebuild(target, connection, &rig.store(), DOMAIN, rows, |_| {}).await;
    done.unwrap().positions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_what_was_live_after_random_histories() {
    for seed in 20..=21 {
        let mut rig = Rig::on_shared_servers().await;
        let _running = rig.start_both();
        lived(&mut rig.history, seed, 120).await;
        rig.audit().await;
        for target in Target::ALL {
            let positions = rebuilt(&rig, target, 100).await;
            assert_eq!(positions.ledger, rig.history.head(Stream::Ledger));
        }
        rig.audit().await;
        // The projectors go on, on the new tables.
        live(&mut rig.history, &mut Random::new(seed), 30).await;
        rig.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_without_live_tables_makes_them() {
    let mut rig = Rig::on_shared_servers().await;
    lived(&mut rig.history, 30, 60).await;
    for target in Target::ALL {
        rebuilt(&rig, target, 1000).await;
    }
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_a_rebuild_have_all_indexes() {
    let mut rig = Rig::on_shared_servers().await;
    lived(&mut rig.history, 31, 10).await;
    for target in Target::ALL {
        let client = schema::connect(rig.connection(target), schema::LIVE)
            .await
            .unwrap();
        schema::migrate_live(rig.connection(target), target)
            .await
            .unwrap();
        let indexes = "SELECT string_agg(indexdef, E'\\n' ORDER BY indexname) FROM pg_indexes
            WHERE schemaname = 'registry'";
        let before: String = client.query_one(indexes, &[]).await.unwrap().get(0);
        rebuilt(&rig, target, 1000).await;
        let after: String = client.query_one(indexes, &[]).await.unwrap().get(0);
        assert_eq!(before, after);
        assert!(before.contains("CREATE INDEX"));
        let others = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'registry\\_%'";
        assert_eq!(
            client
                .query_one(others, &[])
                .await
                .unwrap()
                .get::<_, i64>(0),
            0
        );
    }
}

/// Reads without a pause, as the API and the sequencer do, and fails at the first error.
fn reader(rig: &Rig, target: Target, stop: &Arc<AtomicBool>) -> JoinHandle<u32> {
    let pool = pool(rig.connection(target)).unwrap();
    let stop = Arc::clone(stop);
    let ids: Vec<_> = (1..50).collect();
    let keys: Vec<_> = ids.iter().map(|id| Key::Bundle(BundleId(*id))).collect();
    tokio::spawn(async move {
        let (mut reads, mut seen) = (0, Position::START);
        while !stop.load(Ordering::Relaxed) {
            let client = pool.get().await.unwrap();
            let rows = client
                .prepare_cached(
                    "SELECT b.bundle_id, d.device_id FROM bundle AS b LEFT JOIN device AS d
                     USING (device_id) WHERE bundle_id = ANY($1)",
                )
                .await
                .unwrap();
            let rows = client.query(&rows, &[&ids]).await.unwrap();
            assert_eq!(rows.len(), ids.len(), "{target}: bundles are gone");
            if target == Target::Write {
                let loaded = entries::load(&client, Stream::Ledger, &keys).await.unwrap();
                assert!(
                    loaded.checkpoint.position >= seen,
                    "the checkpoint went back"
                );
                assert!(loaded.slots.values().all(|slot| slot.entry.is_some()));
                seen = loaded.checkpoint.position;
            }
            reads += 1;
        }
        reads
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_notice_nothing_of_the_swap_while_commands_go_on() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 40, 120).await;
    rig.caught_up().await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = Target::ALL
        .iter()
        .flat_map(|target| [*target, *target])
        .map(|target| reader(&rig, target, &stop))
        .collect();
    let mut random = Random::new(41);
    for round in 0..2 {
        for target in Target::ALL {
            let connection = rig.connection(target).clone();
            let store = rig.store();
            let rebuilding = tokio::spawn(async move {
                rebuild(target, &connection, &store, DOMAIN, 200, |_| {}).await
            });
            // A log that grew without end would be rebuilt without end.
            for _ in 0..20 {
                if !rebuilding.is_finished() {
                    live(&mut rig.history, &mut random, 5).await;
                }
            }
            rebuilding
                .await
                .unwrap()
                .unwrap_or_else(|error| panic!("round {round}, {target}: {error}"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 10);
    }
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_interrupted_again_and_again_arrives() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 50, 100).await;
    for target in Target::ALL {
        let interruptions = AtomicU32::new(0);
        for steps in 1.. {
            let (enough, told) = (Arc::new(Notify::new()), AtomicU32::new(0));
            let tell = |_: Step| {
                if told.fetch_add(1, Ordering::Relaxed) + 1 == steps {
                    enough.notify_one();
                }
            };
            let (connection, store) = (rig.connection(target), rig.store());
            tokio::select! {
                biased;
                () = enough.notified() => {
                    interruptions.fetch_add(1, Ordering::Relaxed);
                }
                done = rebuild(target, connection, &store, DOMAIN, 50, tell) => {
                    match done {
                        Ok(_) => break,
                        // The server has not noticed yet that the one before is gone.
                        Err(error) => assert!(error.to_string().contains("another rebuild"), "{error}"),
                    }
                }
            }
            alone(&rig, target).await;
        }
        assert!(interruptions.load(Ordering::Relaxed) > 3);
    }
    rig.audit().await;
}

/// Waits until the server has noticed that a rebuild is gone.
async fn alone(rig: &Rig, target: Target) {
    let connection = rig.connection(target);
    eventually("the rebuild that was interrupted is gone", || async {
        let client = schema::connect(connection, schema::LIVE).await.ok()?;
        let held = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE locktype = 'advisory' AND datname = current_database()";
        // The live projector's.
        let locks: i64 = client.query_one(held, &[]).await.ok()?.get(0);
        (locks <= 1).then_some(())
    })
    .await;
}
