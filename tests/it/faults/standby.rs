//! Projectors that are stopped, each beside one that stands by; all of them processes of their own.

use super::suite::ENTRY;
use futures_util::future::join_all;
use projections::postgres::{Connection, connect};
use std::time::{Duration, Instant};
use tests::{Clusters, Program, Registry, Role, World, eventually};

const ROLES: [Role; 2] = [Role::WriteProjector, Role::ReadProjector];
/// It takes four seconds where the machine does nothing else.
const TAKES_OVER: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_standby_takes_over_from_a_projector_that_is_stopped_and_that_stands_by_when_it_goes_on()
 {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let config = registry.config.clone();
    let databases = [&config.database.write, &config.database.read];
    let start = |role| Program::start(role, &config, ENTRY, &[]);
    let mut projectors = join_all(ROLES.map(start)).await;
    let mut serving = start(Role::Registry).await;
    registry.config.http.host = serving.address().ip().to_string();
    registry.config.http.port = serving.address().port();
    let world = World::on(registry).await;
    let [bundle] = world.issue([1_000]).await;
    // Those before are at work, or nobody could have signed in.
    let before = holders(databases).await;
    let mut standbys = join_all(ROLES.map(start)).await;
    both_connected(databases).await;

    projectors.iter().for_each(Program::pause);
    let began = Instant::now();
    let moved = world.trader.transfer(world.s, world.t, &[bundle]).await;
    moved.expect(202);
    world.registry.caught_up().await;
    println!("both databases are caught up after {:.1?}", began.elapsed());
    assert!(began.elapsed() < TAKES_OVER);
    let after = holders(databases).await;
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after);
    }

    projectors.iter().for_each(Program::resume);
    // Their sessions are not there any more: they make new ones.
    both_connected(databases).await;
    world.issue([1_000]).await;
    world.registry.audit().await;
    assert_eq!(holders(databases).await, after);
    for program in projectors.iter_mut().chain(&mut standbys) {
        assert_eq!(program.ended(), None);
    }

    for standby in &mut standbys {
        standby.kill9().await;
    }
    world.issue([1_000]).await;
    world.registry.audit().await;
    serving.kill9().await;
}

/// The sessions that hold the lock of the projector at work in each database.
async fn holders(databases: [&Connection; 2]) -> Vec<i32> {
    let holder = "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                  WHERE locktype = 'advisory' AND granted AND datname = current_database()";
    let holders = databases.map(async |database| {
        let client = connect(database).await.unwrap();
        client.query_one(holder, &[]).await.unwrap().get(0)
    });
    join_all(holders).await
}

/// Waits until two projectors are connected to each database.
async fn both_connected(databases: [&Connection; 2]) {
    let count = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'projector'";
    for database in databases {
        let client = connect(database).await.unwrap();
        eventually("two projectors are connected", || async {
            let count: i64 = client.query_one(count, &[]).await.unwrap().get(0);
            (count == 2).then_some(())
        })
        .await;
    }
}
