//! Databases that hang: connections stay open and nothing answers.

use super::load::Load;
use tests::{Clusters, Registry, World};

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_hang_under_load_delay_answers_but_lose_nothing() {
    let mut registry = Registry::prepare(Clusters::own().await).await;
    registry.up().await;
    let world = World::on(registry).await;
    let load = Load::start(&world);
    load.goes_on(5).await;
    let clusters = &world.registry.clusters;
    for cluster in [&clusters.write, &clusters.read] {
        cluster.pause();
        load.is_answered().await;
        cluster.resume();
        load.goes_on(5).await;
    }
    clusters.write.pause();
    clusters.read.pause();
    load.is_answered().await;
    clusters.read.resume();
    clusters.write.resume();
    load.goes_on(5).await;
    load.stop().await.verify(&world).await;
}
