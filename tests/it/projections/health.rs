//! What health checks are told of a projector.

use super::history::{DOMAIN, name};
use super::rig::Rig;
use super::world;
use chrono::TimeDelta;
use ledger::Stream;
use projections::health::{Ailment, ailments};
use projections::postgres::connect;
use projections::{Target, schema};
use schemas::log::Position;
use tests::eventually;

/// How long an event may wait.
const MAX_LAG: TimeDelta = TimeDelta::seconds(60);

/// What is found so long after the last event was recorded.
async fn found(rig: &Rig, target: Target, later: TimeDelta) -> Vec<Ailment> {
    let now = rig.history.now + later;
    let client = schema::connect(rig.connection(target), schema::LIVE);
    let client = client.await.unwrap();
    let found = ailments(target, &client, &rig.store(), DOMAIN, MAX_LAG, now).await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_well_while_a_projector_is_at_work_in_it_and_only_then() {
    let mut rig = Rig::on_shared_servers().await;
    for target in Target::ALL {
        assert_eq!(
            found(&rig, target, MAX_LAG * 2).await,
            [Ailment::NoTables],
            "{target}"
        );
    }
    let running = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up().await;
    for target in Target::ALL {
        assert_eq!(found(&rig, target, MAX_LAG * 2).await, [], "{target}");
    }
    drop(running);
    for target in Target::ALL {
        eventually("the lock of the projector is free", || async {
            (found(&rig, target, MAX_LAG * 2).await == [Ailment::Idle]).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_holds_its_lock_and_does_not_keep_up_is_behind_beyond_the_lag_allowed() {
    let mut rig = Rig::on_shared_servers().await;
    for target in Target::ALL {
        let connection = rig.connection(target);
        schema::migrate_live(connection, target).await.unwrap();
    }
    rig.history.record(&world::user(1)).await.unwrap();
    for target in Target::ALL {
        let stuck = connect(rig.connection(target)).await.unwrap();
        let lock = "SELECT pg_advisory_lock(hashtextextended('projector:registry', 0))";
        stuck.query_one(lock, &[]).await.unwrap();
        assert_eq!(found(&rig, target, MAX_LAG).await, [], "{target}");
        let above = MAX_LAG + TimeDelta::seconds(1);
        let behind = Ailment::Behind {
            stream: name(Stream::Identity),
            position: Position(1),
            head: Position(1),
            waits_s: above.num_seconds(),
        };
        assert_eq!(found(&rig, target, above).await, [behind], "{target}");
    }
}
