//! A database that is not there when the registry starts.

use super::load::Load;
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
