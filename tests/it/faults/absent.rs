//! A database that is not there when the registry starts.

use super::load::Load;
use ledger::Command;
use projections::postgres::connect;
use registry::sequencer::Request;
use registry::system::{Core, Projectors};
use schemas::id::UserId;
use tests::{Clusters, Registry, World, eventually};

/// A registry with some history, stopped.
async fn stopped() -> (World, i64) {
    let mut registry = Registry::prepare(Clusters::own().await).await;
    registry.up().await;
    let mut world = World::on(registry).await;
    let [bundle] = world.issue([1000]).await;
    world.registry.audit().await;
    world.registry.down().await;
    (world, bundle)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_starts_without_the_write_database_and_decides_once_it_is_there() {
    let (mut world, bundle) = stopped().await;
    world.registry.clusters.write.stop().await.unwrap();
    world.registry.up().await;
    world.trader.bundle(bundle).await;
    let refused = world.trader.transfer(world.s, world.t, &[bundle]).await;
    refused.refused(503, "unavailable");
    world.registry.clusters.write.restart().await.unwrap();
    eventually("the transfer is taken", || async {
        let answer = world.trader.transfer(world.s, world.t, &[bundle]).await;
        assert!([202, 503].contains(&answer.status), "{answer}");
        (answer.status == 202).then_some(())
    })
    .await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_starts_without_the_read_database_and_answers_once_it_is_there() {
    let (mut world, bundle) = stopped().await;
    world.registry.clusters.read.stop().await.unwrap();
    world.registry.up().await;
    let refused = world.trader.get(&format!("/certificate/{bundle}")).await;
    assert_eq!(refused.status, 503, "{refused}");
    world.registry.clusters.read.restart().await.unwrap();
    let load = Load::start(&world);
    load.goes_on(3).await;
    load.stop().await.verify(&world).await;
    world.trader.bundle(bundle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_who_was_removed_comes_back_by_a_restart_while_read_hangs() {
    let mut world = World::start().await;
    world.registry.caught_up().await;
    world.registry.down().await;
    let read = connect(&world.registry.config.database.read).await.unwrap();
    // What is read stays as it is.
    let hold = "BEGIN; SELECT FROM checkpoint FOR UPDATE";
    read.batch_execute(hold).await.unwrap();
    let core = Core::start(&world.registry.config, Projectors::Elsewhere)
        .await
        .unwrap();
    eventually("the user is removed", || async {
        let remove = Command::RemoveUser(UserId(world.trader.id));
        let removed = core
            .sequencers()
            .execute(Request::of_system("test", remove))
            .await;
        removed.ok()
    })
    .await;
    core.shutdown().await;
    world.registry.config.http.read_wait_ms = 500;
    world.registry.up().await;
    let me = world.trader.get("/user/me").await;
    me.refused(503, "read_lagging");
    read.batch_execute("ROLLBACK").await.unwrap();
    eventually("READ catches up", || async {
        let me = world.trader.get("/user/me").await;
        assert!([401, 503].contains(&me.status), "{me}");
        (me.status == 401).then_some(())
    })
    .await;
}
