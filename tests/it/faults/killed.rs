//! Databases that are killed.

use super::load::Load;
use tests::{Clusters, Registry, World};

async fn world() -> World {
    let mut registry = Registry::prepare(Clusters::own().await).await;
    registry.up().await;
    World::on(registry).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_are_killed_under_load_and_nothing_acknowledged_is_lost() {
    let mut world = world().await;
    let load = Load::start(&world);
    load.goes_on(5).await;
    world.registry.clusters.write.kill9().await;
    load.is_answered().await;
    world.registry.clusters.read.kill9().await;
    load.is_answered().await;
    world.registry.clusters.write.restart().await.unwrap();
    world.registry.clusters.read.restart().await.unwrap();
    load.goes_on(5).await;
    load.stop().await.verify(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_read_database_reads_are_refused_and_come_back_by_themselves() {
    let mut world = world().await;
    let [bundle] = world.issue([1000]).await;
    world.registry.clusters.read.kill9().await;
    let refused = world.trader.get(&format!("/certificate/{bundle}")).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert!(!refused.header("retry-after").is_empty());
    let anonymous = world.registry.anonymous();
    assert_eq!(anonymous.get("/readyz").await.status, 503);
    assert_eq!(anonymous.get("/healthz").await.status, 200);
    world.registry.clusters.read.restart().await.unwrap();
    tests::eventually("the bundle can be read again", || async {
        (world
            .trader
            .get(&format!("/certificate/{bundle}"))
            .await
            .status
            == 200)
            .then_some(())
    })
    .await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_write_database_reads_go_on() {
    let mut world = world().await;
    let [bundle] = world.issue([1000]).await;
    world.registry.clusters.write.kill9().await;
    for _ in 0..5 {
        world.trader.bundle(bundle).await;
    }
    assert_eq!(world.registry.anonymous().get("/readyz").await.status, 503);
    // Nobody has asked for account 9999 before, so only the database knows that there is none.
    let unknown = world.trader.transfer(world.s, 9999, &[bundle]).await;
    assert_eq!(unknown.status, 503, "{unknown}");
    world.registry.clusters.write.restart().await.unwrap();
    tests::eventually("the transfer is decided again", || async {
        (world.trader.transfer(world.s, 9999, &[bundle]).await.status == 404).then_some(())
    })
    .await;
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    world.registry.audit().await;
}
