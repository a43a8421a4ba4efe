//! Exports and imports: nothing is minted, nothing is spent twice.

mod circles;
mod races;
mod registries;
mod rows;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::{Actor, Answer, Bundles, Clusters, Registry, World, volume};

/// Two registries that know each other's keys, each with its own people and accounts.
async fn two() -> (World, World) {
    let (mut gb, mut fr) = (
        Registry::prepare_as(Clusters::shared().await, "gb").await,
        Registry::prepare_as(Clusters::shared().await, "fr").await,
    );
    gb.trust(&fr);
    fr.trust(&gb);
    gb.up().await;
    fr.up().await;
    (World::on(gb).await, World::on(fr).await)
}

/// All of a bundle is offered by one registry and imported by another: the export, its file and the answer.
async fn moved(from: &World, to: &World, bundle: i64) -> (i64, Value, Value) {
    let named = json!({"receiving_registry": to.registry.config.domain});
    let id = export(from, &[bundle], named).await;
    let signed = file(from, id).await;
    let imported = import(&to.producer, to.s, &signed).await.expect(201);
    (id, signed, imported)
}

/// As [`moved`], and confirmed: the bundle there.
async fn gone(from: &World, to: &World, bundle: i64) -> i64 {
    let (id, _, imported) = moved(from, to, bundle).await;
    confirm(from, id, &imported["receipt"]).await.expect(202);
    imported["first_bundle_id"].as_i64().unwrap()
}

/// An export that everybody who may see it does see.
async fn export(world: &World, bundles: &[i64], fields: Value) -> i64 {
    let mut body = json!({"receiving_registry": "fr"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let action = world.trader.act("export", world.s, bundles, body).await;
    let id = action.expect(202)["id"].as_i64().unwrap();
    world.registry.caught_up().await;
    id
}

async fn file(world: &World, export: i64) -> Value {
    let path = format!("/certificate/export/{export}/file");
    world.trader.get(&path).await.expect(200)
}

fn form(account: i64, file: impl Into<String>) -> Form {
    let file = Part::text(file.into()).file_name("certificates");
    Form::new()
        .part("file", file)
        .text("account_id", account.to_string())
}

async fn import(actor: &Actor, account: i64, file: &Value) -> Answer {
    let form = form(account, file.to_string());
    actor.upload("/certificate/import", form).await
}

async fn confirm(world: &World, export: i64, receipt: &Value) -> Answer {
    let path = format!("/certificate/export/{export}/confirm");
    let body = json!({"receipt": receipt});
    world.trader.post(&path, body).await
}

async fn refuse(world: &World, file: &Value) -> Answer {
    let path = "/certificate/import/refuse";
    world.producer.post(path, file.clone()).await
}

async fn take_back(world: &World, export: i64, refusal: &Value) -> Answer {
    let path = format!("/certificate/export/{export}/take_back");
    let body = json!({"reason": "refused there", "refusal": refusal});
    world.trader.post(&path, body).await
}

fn in_state<'a>(bundles: &'a Bundles, state: &str) -> Vec<&'a Value> {
    let of_state = |bundle: &&Value| bundle["certificate_bundle_status"] == state;
    bundles.iter().filter(of_state).collect()
}

async fn wh(world: &World, state: &str) -> i64 {
    let bundles = world.trader.holdings(world.s).await;
    let found: Bundles = in_state(&bundles, state).into_iter().cloned().collect();
    volume(&found)
}

/// Wh that can be spent in the one and the other, and Wh on the way.
async fn spread(gb: &World, fr: &World) -> (i64, i64, i64) {
    let offered = wh(gb, "Export Offered").await;
    (wh(gb, "Active").await, wh(fr, "Active").await, offered)
}
