//! Many refusals of a kind share entries, and none is lost.

use super::entries;
use futures_util::future::join_all;
use tests::World;

const FLOOD: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_is_counted_to_the_last_in_few_entries() {
    let world = World::start().await;
    let trader = world.trader.alone();
    for _ in 0..6 {
        let flood = (0..FLOOD / 6).map(|_| trader.transfer(world.s, world.t, &[9_999]));
        for answer in join_all(flood).await {
            answer.refused(404, "bundle_not_found");
        }
    }
    let trail = entries(&world.admin, "&code=bundle_not_found").await;
    let attempts = trail
        .iter()
        .map(|entry| entry["attempts"].as_i64().unwrap());
    assert_eq!(attempts.sum::<i64>(), i64::try_from(FLOOD).unwrap());
    assert!(trail.len() < FLOOD / 2, "{} entries", trail.len());
    let shared = trail.iter().find(|entry| entry["attempts"] != 1).unwrap();
    assert!(
        shared["at"].as_str() <= shared["last_at"].as_str(),
        "{shared}"
    );
    assert_eq!(shared["user_id"], world.trader.id);
    assert_eq!(shared["account_id"], world.s);
    world.registry.audit().await;
}
