//! Pausing, resuming and ending.

use super::{create, done, held, ran, rule, shown};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::{Answer, World};

async fn change(world: &World, id: i64, what: &str) -> Answer {
    let path = format!("/certificate/recurring/{id}/{what}");
    world.trader.post_nothing(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_rule_waits_and_goes_on_with_the_next_period_when_it_is_resumed() {
    let world = World::start().await;
    world.issue([1000]).await;
    let id = create(&world, json!({})).await;
    done(&world, id, 1).await;
    change(&world, id, "resume")
        .await
        .refused(409, "recurring_rule_state");
    let paused = change(&world, id, "pause").await.expect(200);
    assert_eq!(
        (&paused["status"], &paused["next_run"]),
        (&json!("paused"), &Value::Null)
    );
    change(&world, id, "pause")
        .await
        .refused(409, "recurring_rule_state");
    world.registry.clock.advance(TimeDelta::hours(2));
    world.registry.caught_up().await;
    assert_eq!(world.registry.core().scheduler().look().await.unwrap(), 0);
    let resumed = change(&world, id, "resume").await.expect(200);
    assert_eq!(
        (&resumed["status"], &resumed["periods_done"]),
        (&json!("active"), &json!(3))
    );
    let passed = &rule(&world, id).await["runs"][0];
    assert_eq!(
        (&passed["outcome"], &passed["reason"]),
        (&json!("skipped"), &json!("paused"))
    );
    world.registry.clock.advance(TimeDelta::hours(1));
    let after = done(&world, id, 4).await;
    assert_eq!(
        shown(&after),
        [
            ran(0, 1, "met", 100),
            ran(1, 2, "skipped", 0),
            ran(3, 1, "met", 100)
        ]
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_was_ended_never_runs_again() {
    let world = World::start().await;
    world.issue([1000]).await;
    let id = create(&world, json!({})).await;
    done(&world, id, 1).await;
    let ended = change(&world, id, "end").await.expect(200);
    assert_eq!(
        (&ended["status"], &ended["end_reason"], &ended["next_run"]),
        (&json!("ended"), &json!("by_hand"), &Value::Null)
    );
    for what in ["pause", "resume", "end"] {
        change(&world, id, what)
            .await
            .refused(409, "recurring_rule_state");
    }
    world.registry.clock.advance(TimeDelta::hours(5));
    world.registry.caught_up().await;
    assert_eq!(world.registry.core().scheduler().look().await.unwrap(), 0);
    assert_eq!(held(&world, world.t).await, 100);
    let listed = world
        .trader
        .get("/certificate/recurring?status=ended")
        .await
        .expect(200);
    assert_eq!(listed[0]["id"], id);
    world.registry.audit().await;
}
