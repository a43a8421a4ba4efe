//! Databases that have forgotten the connections to them, as behind a firewall that was restarted.

use tests::{Clusters, Proxy, Registry, Way, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_forgot_all_connections_are_reached_by_new_ones() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let databases = &mut registry.config.database;
    let mut ways = Vec::new();
    for connection in [&mut databases.write, &mut databases.read] {
        let way = Proxy::to(connection.port).await;
        connection.port = way.port();
        ways.push(way);
    }
    registry.up().await;
    let world = World::on(registry).await;
    let [bundle] = world.issue([1_000]).await;
    world.registry.audit().await;
    for way in &ways {
        way.set(Way::HalfOpen);
    }
    let auditor = world.auditor.alone();
    eventually("a bundle can be read", || async {
        let answer = auditor.get(&format!("/certificate/{bundle}")).await;
        assert!([200, 503].contains(&answer.status), "{answer}");
        (answer.status == 200).then_some(())
    })
    .await;
    // Nobody has asked for account 9999 before, so only the database knows that there is none.
    let trader = world.trader.alone();
    eventually("a transfer is decided", || async {
        let answer = trader.transfer(world.s, 9999, &[bundle]).await;
        assert!([404, 503].contains(&answer.status), "{answer}");
        (answer.status == 404).then_some(())
    })
    .await;
    // Nothing was to be projected meanwhile, so the projectors have found out as well.
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    world.registry.audit().await;
}
