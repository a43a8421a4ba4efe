//! Where a bundle comes from and what became of it. FEA study 8.1, scenario 26: lineage verifies.

pub(crate) mod altered;
mod envelope;

use schemas::log::{Position, StreamName};
use serde_json::{Value, json};
use tests::{World, ids, recomputed_hash};

/// Transfers 400 of 1,000 Wh from S to T, where 100 are cancelled for somebody and claimed; gives the
/// bundle as issued, what was transferred, and what was claimed.
async fn history(world: &World) -> [i64; 3] {
    let [issued] = world.issue([1000]).await;
    let trader = &world.trader;
    let part = json!({"certificate_quantity": 400});
    let transfer = trader
        .transfer_part(world.s, world.t, &[issued], part)
        .await
        .expect(202);
    let moved = transfer["bundles"][0]["acted_on"].as_i64().unwrap();
    trader
        .act("reserve", world.t, &[moved], json!({}))
        .await
        .expect(202);
    let part = json!({"certificate_quantity": 100, "beneficiary": "Somebody"});
    let cancel = trader
        .act("cancel", world.t, &[moved], part)
        .await
        .expect(202);
    let cancelled = cancel["bundles"][0]["acted_on"].as_i64().unwrap();
    trader
        .act("claim", world.t, &[cancelled], json!({}))
        .await
        .expect(202);
    let rest = cancel["bundles"][0]["remainder"]["bundle_id"].clone();
    let rest = rest.as_i64().unwrap();
    let reason = json!({"reason": "metering dispute"});
    for action in ["lock", "unlock", "lock", "withdraw"] {
        world
            .admin
            .act(action, world.t, &[rest], reason.clone())
            .await
            .expect(202);
    }
    [issued, moved, cancelled]
}

fn told(lineage: &Value) -> Vec<String> {
    let entries = lineage["timeline"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| match entry["kind"].as_str().unwrap() {
            "action" => format!(
                "{} {} -> {}",
                word(&entry["action_type"]),
                word(&entry["status_before"]),
                word(&entry["status_after"])
            ),
            kind => kind.to_owned(),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_what_happened_from_the_reading_to_now() {
    let world = World::start().await;
    let [issued, moved, claimed] = history(&world).await;
    let lineage = world.trader.lineage(claimed, "timeline").await;
    assert_eq!(
        told(&lineage),
        [
            "reading",
            "issuance",
            "split",
            "transfer Active -> Active",
            "reserve Active -> Reserved",
            "split",
            "cancel Reserved -> Cancelled",
            "claim Cancelled -> Claimed",
        ]
    );
    let entries = &lineage["timeline"];
    assert_eq!(entries[0]["interval_usage"], 1000);
    assert_eq!(entries[1]["bundle_id"], issued);
    assert_eq!(entries[1]["account_id"], world.s);
    assert_eq!(entries[1]["metadata"]["issuing_body"], "OFGEM");
    assert_eq!(entries[2]["parts"][0]["bundle_id"], moved);
    assert_eq!(entries[2]["parts"][1]["bundle_quantity"], 600);
    assert_eq!(entries[3]["to_account_id"], world.t);
    assert_eq!(entries[6]["beneficiary"], "Somebody");
    let leaf = &lineage["leaves"][0];
    assert_eq!(
        (
            &leaf["bundle_id"],
            &leaf["certificate_bundle_status"],
            &leaf["bundle_quantity"]
        ),
        (&json!(claimed), &json!("Claimed"), &json!(100))
    );
    // The same hash as GET answers, over attributes that a client can compute it from.
    for bundle in lineage["bundles"].as_array().unwrap() {
        assert_eq!(bundle["hash"], recomputed_hash(&bundle["attributes"]));
    }
    let shown = world.trader.bundle(claimed).await;
    let bundles = lineage["bundles"].as_array().unwrap();
    let last = bundles.iter().find(|one| one["id"] == claimed).unwrap();
    assert_eq!(last["hash"], shown["hash"]);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lineage_of_what_was_split_leads_to_all_that_became_of_it() {
    let world = World::start().await;
    let [issued, ..] = history(&world).await;
    let lineage = world.trader.lineage(issued, "timeline").await;
    let leaves = lineage["leaves"].as_array().unwrap().iter();
    let leaves: Vec<_> = leaves
        .map(|leaf| {
            (
                leaf["account_id"].as_i64().unwrap(),
                leaf["certificate_bundle_status"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                leaf["bundle_quantity"].as_i64().unwrap(),
            )
        })
        .collect();
    let leaf = |account, status: &str, wh| (account, status.to_owned(), wh);
    assert_eq!(
        leaves,
        [
            leaf(world.s, "Active", 600),
            leaf(world.t, "Claimed", 100),
            leaf(world.t, "Withdrawn", 300),
        ]
    );
    assert!(told(&lineage).contains(&"unlock Locked -> Reserved".to_owned()));
}

/// Somebody who is a member of T only.
async fn later_holder(world: &World) -> tests::Actor {
    let (email, password) = ("later@registry.test", "a long password");
    let created = world
        .admin
        .create_user("Later", email, 2, password)
        .await
        .expect(200);
    let members = [
        world.producer.id,
        world.trader.id,
        created["id"].as_i64().unwrap(),
    ];
    let path = format!("/account/update/{}", world.t);
    let members = json!({"user_ids": members});
    world.producer.patch(&path, members).await.expect(200);
    world.trader.signed_in(email, password).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_holder_sees_which_accounts_held_it_before_but_not_who_acted_and_for_whom() {
    let world = World::start().await;
    let later = later_holder(&world).await;
    let [issued] = world.issue([1000]).await;
    let trader = &world.trader;
    trader
        .act("reserve", world.s, &[issued], json!({}))
        .await
        .expect(202);
    trader
        .act("release", world.s, &[issued], json!({}))
        .await
        .expect(202);
    let path = format!("/certificate/{issued}/lineage");
    later.get(&path).await.refused(404, "bundle_not_found");
    trader
        .transfer(world.s, world.t, &[issued])
        .await
        .expect(202);
    let lineage = later.lineage(issued, "timeline").await;
    let entries = &lineage["timeline"];
    assert_eq!(entries[2]["from_account_id"], world.s);
    for (field, value) in [("user_id", Value::Null), ("is_redacted", json!(true))] {
        assert_eq!(entries[2][field], value, "{field}");
    }
    // The holder is a party of the transfer.
    assert_eq!(entries[4]["user_id"], trader.id);
    let raw = later.lineage(issued, "raw").await;
    let actors: Vec<_> = raw["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["actor"].clone())
        .collect();
    let hidden = Value::Null;
    let shown = json!(format!("user:{}", trader.id));
    assert_eq!(
        actors,
        [
            hidden.clone(),
            hidden.clone(),
            hidden.clone(),
            hidden,
            shown
        ]
    );
    assert_eq!(raw["events"][2]["payload"]["user_id"], Value::Null);

    // Who had it before sees what became of a part, and not for whom.
    let [second] = world.issue([1000]).await;
    let part = json!({"certificate_quantity": 300});
    trader
        .transfer_part(world.s, world.t, &[second], part)
        .await
        .expect(202);
    let moved = ids(&trader.holdings(world.t).await)[1];
    trader
        .cancel(world.t, &[moved], "Secret buyer")
        .await
        .expect(202);
    let lineage = world.auditor.lineage(second, "timeline").await;
    assert!(!lineage.to_string().contains("Secret buyer"));
    assert!(told(&lineage).contains(&"cancel Active -> Cancelled".to_owned()));
    let raw = world.auditor.lineage(second, "raw").await;
    assert!(!raw.to_string().contains("Secret buyer"));
    // A part that went elsewhere is shown with its range, and nobody says what became of it.
    let rest = ids(&trader
        .query(world.s, json!({"issuance_ids": [world.issuance_id(1)]}))
        .await)[0];
    let lineage = world.auditor.lineage(rest, "timeline").await;
    assert_eq!(told(&lineage), ["reading", "issuance", "split"]);
    assert_eq!(lineage["timeline"][2]["parts"][0]["bundle_quantity"], 300);
    assert_eq!(lineage["leaves"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_raw_form_has_the_events_of_the_log_as_far_as_they_concern_the_bundle() {
    let world = World::start().await;
    let [issued, _, claimed] = history(&world).await;
    let [one, other] = world.issue([70, 80]).await;
    world
        .trader
        .transfer(world.s, world.t, &[one, other])
        .await
        .expect(202);
    let log = world.registry.events().await;
    let stream = StreamName::ledger(&world.registry.config.domain).unwrap();
    let log = log.read(&stream, Position::START, 1000).await.unwrap();
    let (mut whole, mut extracts) = (0, 0);
    for id in [issued, claimed, one] {
        let lineage = world.admin.lineage(id, "raw").await;
        for event in lineage["events"].as_array().unwrap() {
            let position = usize::try_from(event["position"].as_i64().unwrap()).unwrap();
            let recorded = &log[position - 1];
            let envelope: Value = serde_json::from_slice(&recorded.metadata).unwrap();
            assert_eq!(event["type"], recorded.event_type);
            assert_eq!(event["version"], recorded.version);
            for field in ["recorded_at", "actor", "command_id"] {
                assert_eq!(event[field], envelope[field], "{field}");
            }
            let payload: Value = serde_json::from_slice(&recorded.data).unwrap();
            if event["is_extract"] == false {
                assert_eq!(event["payload"], payload);
                whole += 1;
                continue;
            }
            extracts += 1;
            // Less of the lists, the same of all else.
            for (field, value) in event["payload"].as_object().unwrap() {
                match field.as_str() {
                    "parts" => assert!(payload["parts"].as_array().unwrap().contains(&value[0])),
                    "runs"
                    | "first_bundle_id"
                    | "first_certificate_id"
                    | "first_measurement_id" => {}
                    _ => assert_eq!(*value, payload[field], "{field}"),
                }
            }
        }
    }
    assert_eq!((whole, extracts), (2 * 2 + 8 + 4, 3));
    let lineage = world.admin.lineage(one, "raw").await;
    let payload = &lineage["events"][1]["payload"];
    assert_eq!(payload["runs"][0]["wh"], json!([70]));
    assert!(
        !lineage
            .to_string()
            .contains(&format!("\"bundle_id\":{other}"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lineage_is_asked_for_in_a_form_that_there_is() {
    let world = World::start().await;
    let [issued] = world.issue([10]).await;
    let path = format!("/certificate/{issued}/lineage?format=svg");
    world
        .trader
        .get(&path)
        .await
        .refused_at(422, "request_invalid", "format");
    world
        .trader
        .get("/certificate/9999/lineage")
        .await
        .refused(404, "bundle_not_found");
    let default = format!("/certificate/{issued}/lineage");
    let default = world.trader.get(&default).await.expect(200);
    assert_eq!(default["format"], "timeline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lineage_of_8191_bundles_or_actions_is_answered_and_a_longer_one_is_not() {
    let world = World::start().await;
    let [issued] = world.issue([8192]).await;
    world
        .producer
        .update_whitelist(world.s, &[world.t], &[])
        .await
        .expect(200);
    let sides = [(world.s, world.t), (world.t, world.s)];
    // Twelve generations of halves: 1 + 2 + 4 + … + 4,096 bundles, 4,095 of them split.
    for _ in 0..12 {
        let mut held = Vec::new();
        for (source, target) in sides {
            held.push((source, target, ids(&world.trader.holdings(source).await)));
        }
        for (source, target, bundles) in held {
            if bundles.is_empty() {
                continue;
            }
            let half = json!({"certificate_bundle_percentage": 0.5});
            world
                .trader
                .transfer_part(source, target, &bundles, half)
                .await
                .expect(202);
        }
    }
    let path = format!("/certificate/{issued}/lineage");
    let lineage = world.trader.lineage(issued, "timeline").await;
    assert_eq!(lineage["bundles"].as_array().unwrap().len(), 8191);
    // And with each of the 4,096 parts reserved, as many actions on them.
    let mut reserved = Vec::new();
    for (source, _) in sides {
        let bundles = ids(&world.trader.holdings(source).await);
        world
            .trader
            .act("reserve", source, &bundles, json!({}))
            .await
            .expect(202);
        reserved.push((source, bundles));
    }
    world.trader.lineage(issued, "raw").await;
    let (source, bundles) = &reserved[0];
    let release = world
        .trader
        .act("release", *source, &bundles[..1], json!({}))
        .await;
    release.expect(202);
    world
        .trader
        .get(&path)
        .await
        .refused_saying(422, "lineage_too_long", "8191 actions");
    let part = json!({"certificate_quantity": 1});
    let cancel = world
        .trader
        .act("cancel", *source, &bundles[..1], part)
        .await;
    cancel.expect(202);
    world
        .trader
        .get(&path)
        .await
        .refused_saying(422, "lineage_too_long", "8191 bundles");
    // That of a part is shorter.
    world.trader.lineage(bundles[0], "timeline").await;
}
