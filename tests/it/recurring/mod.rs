//! Recurring transfers and cancellations: rules that the registry runs by itself.

mod change;
mod create;
mod restart;
mod run;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::{Answer, World, eventually};

/// A transfer of 100 Wh per hour from S to T, or what `fields` says; gives the answer.
async fn try_create(world: &World, fields: Value) -> Answer {
    let mut body = json!({
        "source_id": world.s, "target_id": world.t, "certificate_quantity": 100,
        "recurring_period_units": "hour",
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    world
        .trader
        .post("/certificate/recurring_transfer", body)
        .await
}

/// As [`try_create`]; gives its id.
async fn create(world: &World, fields: Value) -> i64 {
    let rule = try_create(world, fields).await.expect(202);
    rule["id"].as_i64().unwrap()
}

/// So many hours before now, by the registry's clock.
fn ago(world: &World, hours: i64) -> DateTime<Utc> {
    world.registry.clock.now() - TimeDelta::hours(hours)
}

async fn rule(world: &World, id: i64) -> Value {
    let path = format!("/certificate/recurring/{id}");
    world.trader.get(&path).await.expect(200)
}

/// The rule, once so many periods are behind it.
async fn done(world: &World, id: i64, periods: i64) -> Value {
    let what = format!("rule {id} has {periods} periods behind it");
    let path = format!("/certificate/recurring/{id}");
    eventually(&what, || async {
        let answer = world.trader.get(&path).await;
        // A run over thousands of bundles may take longer to be shown than a read waits for.
        if answer.status == 503 {
            return None;
        }
        let rule = answer.expect(200);
        (rule["periods_done"].as_i64().unwrap() >= periods).then_some(rule)
    })
    .await
}

/// Period, periods, outcome and Wh of each run, oldest first.
fn shown(rule: &Value) -> Vec<(i64, i64, String, i64)> {
    let number = |run: &Value, name: &str| run[name].as_i64().unwrap();
    let runs = rule["runs"].as_array().unwrap().iter().rev();
    runs.map(|run| {
        let outcome = run["outcome"].as_str().unwrap().to_owned();
        (
            number(run, "period"),
            number(run, "periods"),
            outcome,
            number(run, "moved_wh"),
        )
    })
    .collect()
}

fn ran(period: i64, periods: i64, outcome: &str, moved_wh: i64) -> (i64, i64, String, i64) {
    (period, periods, outcome.to_owned(), moved_wh)
}

async fn held(world: &World, account: i64) -> i64 {
    let live = json!({"certificate_bundle_status": "Active"});
    tests::volume(&world.trader.query(account, live).await)
}
