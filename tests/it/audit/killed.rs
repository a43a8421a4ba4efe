//! What was answered is in the trail, also when the process is killed the moment after.

use super::{entries, of_request};
use tests::{Clusters, Process, Registry, World};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves in a process that another test starts and kills"]
async fn a_registry_for_the_test_beside() {
    Process::serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_answered_survives_the_death_of_the_process() {
    const ENTRY: &str = "audit::killed::a_registry_for_the_test_beside";
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let mut process = Process::start(&mut registry.config, ENTRY);
    let mut world = World::on(registry).await;
    for _ in 0..3 {
        let request_id = Uuid::now_v7().to_string();
        let trader = world.trader.with("x-request-id", &request_id);
        let refused = trader.transfer(world.s, world.t, &[9_999]).await;
        process.kill9();
        refused.refused(404, "bundle_not_found");
        process = Process::start(&mut world.registry.config, ENTRY);
        let trail = entries(&world.admin, "&code=bundle_not_found").await;
        assert_eq!(of_request(&trail, &request_id)["user_id"], world.trader.id);
    }
    world.registry.audit().await;
    drop(process);
}
