//! Contract 5.1, scenarios 20 to 22.

use serde_json::Value;
use tests::{Actor, World};

async fn ids(actor: &Actor, path: &str) -> Vec<i64> {
    let list = actor.get(path).await.expect(200);
    list.as_array()
        .unwrap()
        .iter()
        .map(|account: &Value| account["id"].as_i64().unwrap())
        .collect()
}

/// Scenario 20.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_send_is_listed_on_both_sides() {
    let world = World::start().await;
    let whitelist = format!("/account/{}/whitelist", world.t);
    assert_eq!(ids(&world.trader, &whitelist).await, [world.s]);
    let inverse = format!("/account/{}/whitelist_inverse", world.s);
    assert_eq!(ids(&world.trader, &inverse).await, [world.t]);
    world
        .trader
        .update_whitelist(world.t, &[world.x], &[])
        .await
        .expect(200);
    assert_eq!(
        ids(&world.trader, &whitelist).await,
        [world.s, world.x],
        "what was there stays"
    );
}

/// Scenario 21.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_added_or_removed_is_named_and_nothing_changes() {
    let world = World::start().await;
    let update = async |add: Vec<i64>, remove: Vec<i64>| {
        world.trader.update_whitelist(world.t, &add, &remove).await
    };
    let again = format!("Account ID {} is already in the whitelist.", world.s);
    update(vec![world.s], vec![])
        .await
        .refused_saying(422, "whitelist_repeated", &again);
    let unknown = "Account ID to add not found: 999";
    update(vec![world.x, 999], vec![])
        .await
        .refused_saying(404, "account_not_found", unknown);
    let own = "Cannot add an account to its own whitelist.";
    update(vec![world.t], vec![])
        .await
        .refused_saying(422, "whitelist_self", own);
    let missing = "Account ID to remove not found: 999";
    update(vec![world.x], vec![999])
        .await
        .refused_saying(404, "whitelist_missing", missing);
    let whitelist = format!("/account/{}/whitelist", world.t);
    assert_eq!(ids(&world.trader, &whitelist).await, [world.s]);
}

/// Scenario 22.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_taken_off_the_whitelist_can_not_send_until_it_is_back() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let trader = &world.trader;
    trader
        .update_whitelist(world.t, &[], &[world.s])
        .await
        .expect(200);
    assert!(
        ids(trader, &format!("/account/{}/whitelist", world.t))
            .await
            .is_empty()
    );
    trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .refused(422, "not_whitelisted");
    trader
        .update_whitelist(world.t, &[world.s], &[])
        .await
        .expect(200);
    trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whitelist_is_seen_and_changed_by_trading_members_only() {
    let world = World::start().await;
    let path = format!("/account/{}/whitelist", world.s);
    world
        .auditor
        .get(&path)
        .await
        .refused(403, "capability_required");
    world
        .admin
        .get(&path)
        .await
        .refused(403, "account_access_denied");
    let foreign = world
        .trader
        .get(&format!("/account/{}/whitelist", world.x))
        .await;
    foreign.refused(404, "account_not_found");
    let foreign = world
        .trader
        .update_whitelist(world.x, &[world.s], &[])
        .await;
    foreign.refused(404, "account_not_found");
}
