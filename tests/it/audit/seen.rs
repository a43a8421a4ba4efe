//! Who sees which entries, and in which form.

use super::{entries, of_request};
use serde_json::Value;
use tests::{World, eventually};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn members_see_what_was_tried_for_their_accounts_and_no_addresses_but_their_own() {
    let world = World::start().await;
    let [own, others, elsewhere] = [(); 3].map(|()| Uuid::now_v7().to_string());
    let tried = |actor: &tests::Actor, id: &String| actor.with("x-request-id", id);
    let trader = tried(&world.trader, &others);
    trader
        .transfer(world.s, world.t, &[9_999])
        .await
        .refused(404, "bundle_not_found");
    let auditor = tried(&world.auditor, &own);
    let refused = auditor.transfer(world.s, world.t, &[9_999]).await;
    assert_eq!(refused.status, 403, "{refused}");
    let admin = tried(&world.admin, &elsewhere);
    admin.update_whitelist(world.x, &[9_999], &[]).await;

    let seen = entries(&world.auditor, "").await;
    let entry = of_request(&seen, &own);
    assert_eq!(entry["address"], "127.0.0.1");
    let entry = of_request(&seen, &others);
    assert_eq!(entry["account_id"], world.s);
    assert_eq!(
        (&entry["address"], &entry["via"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        seen.iter()
            .all(|entry| entry["request_id"] != elsewhere.as_str())
    );
    let all = entries(&world.admin, "").await;
    assert_eq!(of_request(&all, &others)["address"], "127.0.0.1");
    of_request(&all, &elsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_narrows_the_trail_and_pages_make_up_the_whole() {
    let world = World::start().await;
    for _ in 0..5 {
        let refused = world.trader.transfer(world.s, world.t, &[9_999]).await;
        refused.refused(404, "bundle_not_found");
    }
    world
        .producer
        .update_whitelist(world.t, &[], &[world.s])
        .await
        .expect(200);
    let all = entries(&world.admin, "").await;
    for (filter, is_wanted) in [
        (
            format!("&user_id={}", world.trader.id),
            Box::new(|entry: &Value| entry["user_id"] == world.trader.id)
                as Box<dyn Fn(&Value) -> bool>,
        ),
        (
            format!("&account_id={}", world.t),
            Box::new(|entry| entry["account_id"] == world.t),
        ),
        (
            "&outcome=refused&code=bundle_not_found".to_owned(),
            Box::new(|entry| entry["code"] == "bundle_not_found"),
        ),
        (
            "&outcome=accepted".to_owned(),
            Box::new(|entry| entry["code"].is_null()),
        ),
        (
            "&operation=update_whitelist".to_owned(),
            Box::new(|entry| entry["operation"] == "update_whitelist"),
        ),
    ] {
        let wanted: Vec<_> = all.iter().filter(|entry| is_wanted(entry)).collect();
        let found = entries(&world.admin, &filter).await;
        // An address may have come in meanwhile.
        let ids = |entry: &Value| (entry["stream"].clone(), entry["position"].clone());
        assert!(!wanted.is_empty(), "{filter}");
        let wanted: Vec<_> = wanted.into_iter().map(ids).collect();
        assert_eq!(
            found.iter().map(ids).collect::<Vec<_>>(),
            wanted,
            "{filter}"
        );
    }
    let middle = all[all.len() / 2]["at"].as_str().unwrap();
    let before = entries(&world.admin, &format!("&to={middle}")).await.len();
    let from = entries(&world.admin, &format!("&from={middle}"))
        .await
        .len();
    assert_eq!(before + from, all.len());
    let mut paged = 0;
    let mut cursor = String::new();
    loop {
        let page = world.admin.get(&format!("/audit?limit=3{cursor}")).await;
        let next = page.header("x-next-cursor").to_owned();
        paged += page.expect(200).as_array().unwrap().len();
        if next.is_empty() {
            break;
        }
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_a_csv_file_for_whoever_asks_for_one() {
    let world = World::start().await;
    let csv = world.admin.with("accept", "text/csv");
    // Addresses are told of later than what was done from them.
    let (all, answer) = eventually("the trail stands still", async || {
        let before = entries(&world.admin, "").await;
        let answer = csv.get("/audit").await;
        (before == entries(&world.admin, "").await).then_some((before, answer))
    })
    .await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(
        answer.header("content-type").starts_with("text/csv"),
        "{answer}"
    );
    let mut reader = csv::Reader::from_reader(answer.body.as_slice());
    let names = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), all.len());
    for (row, entry) in rows.iter().zip(&all) {
        let entry = entry.as_object().unwrap();
        assert_eq!(names.len(), entry.len(), "{names:?}");
        for (name, shown) in names.iter().zip(row) {
            let expected = match &entry[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(shown, expected, "{name}");
        }
    }
    let refused = "/audit?outcome=refused&operation=login";
    let answer = world.admin.with("accept", "text/csv").get(refused).await;
    let few = csv::Reader::from_reader(answer.body.as_slice())
        .records()
        .count();
    let expected = entries(&world.admin, "&outcome=refused&operation=login").await;
    assert_eq!(few, expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    let admin = &world.admin;
    let range = "/audit?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z";
    admin
        .get(range)
        .await
        .refused_at(422, "query_invalid", "from");
    for (filter, name) in [
        ("outcome=maybe", "outcome"),
        ("from=yesterday", "from"),
        ("cursor=x", "cursor"),
    ] {
        let refused = admin.get(&format!("/audit?{filter}")).await;
        refused.refused_at(422, "request_invalid", name);
    }
    let anonymous = world.registry.anonymous();
    anonymous
        .get("/audit")
        .await
        .refused(401, "not_authenticated");
    let validator = admin
        .create_user("V", "v@registry.test", 0, tests::PASSWORD)
        .await;
    validator.expect(200);
    let validator = anonymous
        .signed_in("v@registry.test", tests::PASSWORD)
        .await;
    let refused = validator.get("/audit").await;
    refused.refused(403, "capability_required");
}
