//! Contract 5.1, scenarios 37 to 41; FEA study 8.1, scenarios 11 and 24.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::{World, ids};

/// Scenario 37.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_echoes_its_filters_and_sums_what_it_finds() {
    let world = World::start().await;
    let issued = world.issue([10, 15, 20]).await;
    let filters = json!({"user_id": world.auditor.id, "energy_source": "wind", "device_id": world.w,
                         "certificate_bundle_status": "Active"});
    let answer = world
        .auditor
        .try_query(world.s, filters.clone())
        .await
        .expect(202);
    for (name, value) in filters.as_object().unwrap() {
        assert_eq!(&answer[name], value, "{name}");
    }
    assert_eq!(
        (&answer["source_id"], &answer["localise_time"]),
        (&json!(world.s), &json!(true))
    );
    assert_eq!(
        ids(answer["granular_certificate_bundles"].as_array().unwrap()),
        issued
    );
    assert_eq!(answer["total_certificate_volume"], 45);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_query_answers_bundles_as_each_is_shown_by_itself() {
    let world = World::start().await;
    let issued = world.issue([10, 15, 20]).await;
    let question = json!({"source_id": world.s, "limit": 2});
    let ask = async |question: &Value| {
        let answer = world
            .auditor
            .post("/certificate/query_full", question.clone())
            .await;
        answer.expect(202)
    };
    let first = ask(&question).await;
    assert_eq!(first["total_certificate_volume"], 45);
    let mut next = question.clone();
    next["cursor"] = first["next_cursor"].clone();
    let second = ask(&next).await;
    assert_eq!(second["next_cursor"], Value::Null);
    let pages = [&first, &second].map(|page| &page["granular_certificate_bundles"]);
    let found: Vec<_> = pages
        .iter()
        .flat_map(|page| page.as_array().unwrap())
        .collect();
    assert_eq!(found.len(), issued.len());
    for bundle in found {
        let path = format!("/certificate/{}", bundle["id"]);
        assert_eq!(*bundle, world.auditor.get(&path).await.expect(200));
    }
}

/// Scenario 37.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_for_members_under_their_own_name() {
    let world = World::start().await;
    world
        .auditor
        .try_query(world.t, json!({}))
        .await
        .refused(404, "account_not_found");
    world
        .admin
        .try_query(world.s, json!({}))
        .await
        .refused(403, "account_access_denied");
    world
        .auditor
        .try_query(9999, json!({}))
        .await
        .refused(404, "account_not_found");
    let forged = json!({"user_id": world.trader.id});
    world
        .auditor
        .try_query(world.s, forged)
        .await
        .refused(403, "user_id_not_yours");
}

/// Scenario 38.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_source_or_with_an_unknown_word_is_refused_by_field() {
    let world = World::start().await;
    let answer = world.auditor.post("/certificate/query", json!({})).await;
    answer.refused_at(422, "request_invalid", "/source_id");
    let windy = world
        .auditor
        .try_query(world.s, json!({"energy_source": "windy"}))
        .await;
    windy
        .clone()
        .refused_at(422, "request_invalid", "/energy_source");
    let all = "solar_pv, wind, hydro, biomass, nuclear, electrolysis, geothermal, battery_storage, chp, other";
    windy.refused_saying(422, "request_invalid", all);
    let withdraw = json!({"certificate_bundle_status": "Withdraw"});
    let answer = world.auditor.try_query(world.s, withdraw).await;
    answer.refused_saying(422, "request_invalid", "Bundle Split");
}

/// Scenarios 39 and 53.
#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_found_by_issuance_id_in_the_own_account_only() {
    let world = World::start().await;
    let issued = world.issue([10, 15, 20]).await;
    let two = [world.issuance_id(0), world.issuance_id(2)];
    let found = world
        .auditor
        .query(world.s, json!({"issuance_ids": two}))
        .await;
    assert_eq!(ids(&found), [issued[0], issued[2]]);
    let with_t = two[0].replace(' ', "T");
    let found = world
        .auditor
        .query(world.s, json!({"issuance_ids": [with_t]}))
        .await;
    assert_eq!(ids(&found), [issued[0]]);
    assert!(
        world
            .admin
            .query(world.x, json!({"issuance_ids": two}))
            .await
            .is_empty()
    );
    let unknown = json!({"issuance_ids": ["999-2024-11-18 10:00:00"]});
    assert!(world.auditor.query(world.s, unknown).await.is_empty());
    assert!(
        world
            .auditor
            .query(world.s, json!({"issuance_ids": []}))
            .await
            .is_empty()
    );
    let wrong = json!({"issuance_ids": ["123-12-03-01 12:12:12"]});
    let answer = world.auditor.try_query(world.s, wrong).await;
    answer.refused_saying(
        422,
        "query_invalid",
        "Invalid issuance ID: 123-12-03-01 12:12:12",
    );
}

/// Scenario 40.
#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_makes_no_sense_is_refused_in_the_words_of_the_contract() {
    let world = World::start().await;
    for (start, end, sentence) in [
        (
            json!("2024-11-20"),
            json!("2024-11-19"),
            "certificate_period_end must be greater than certificate_period_start.",
        ),
        (
            json!("2024-11-01"),
            json!("2024-12-02"),
            "Difference between certificate_period_start and certificate_period_end must be 30 days or less.",
        ),
        (
            json!("2023-01-01"),
            Value::Null,
            "certificate_period_end must be provided if certificate_period_start is more than 30 days ago.",
        ),
        (
            Value::Null,
            json!("2024-11-19"),
            "certificate_period_start must be provided if certificate_period_end is provided.",
        ),
    ] {
        let period = json!({"certificate_period_start": start, "certificate_period_end": end});
        let answer = world.auditor.try_query(world.s, period).await;
        answer.refused_saying(422, "query_invalid", sentence);
    }
    let no_date = json!({"certificate_period_start": "a date string"});
    let answer = world.auditor.try_query(world.s, no_date).await;
    answer.refused_at(422, "request_invalid", "/certificate_period_start");
    let both = json!({"issuance_ids": [world.issuance_id(0)],
                      "certificate_period_start": "2024-11-18", "certificate_period_end": "2024-11-19"});
    world.auditor.try_query(world.s, both).await.refused_saying(
        422,
        "query_invalid",
        "Cannot provide issuance_ids with certificate_period_start or certificate_period_end.",
    );
    let recent = json!({"certificate_period_start": Utc::now() - TimeDelta::days(29)});
    assert!(world.auditor.query(world.s, recent).await.is_empty());
    let thirty =
        json!({"certificate_period_start": "2024-11-01", "certificate_period_end": "2024-12-01"});
    assert!(world.auditor.query(world.s, thirty).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_holds_what_was_made_in_it_from_start_to_end() {
    let world = World::start().await;
    let issued = world.issue([10, 15, 20, 25]).await;
    for (end, offset) in [
        ("2024-11-18T13:00:00Z", "2024-11-18T11:00:00Z"),
        ("2024-11-18T13:00:00", "2024-11-18T12:00:00+01:00"),
    ] {
        let period = json!({"certificate_period_start": offset, "certificate_period_end": end});
        let found = world.auditor.query(world.s, period).await;
        assert_eq!(ids(&found), issued[1..3]);
    }
}

/// Scenario 41.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_finds_nothing_answers_an_empty_list() {
    let world = World::start().await;
    let answer = world.trader.try_query(world.t, json!({})).await.expect(202);
    assert_eq!(answer["granular_certificate_bundles"], json!([]));
    assert_eq!(answer["total_certificate_volume"], 0);
    assert_eq!(answer["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_devices_sources_and_states_are_found_at_once() {
    let world = World::start().await;
    let solar = json!({"energy_source": "solar_pv", "technology_type": "solar_pv"});
    let solar = world.producer.register_device(world.s, solar).await;
    let [active, cancelled, reserved] = world.issue([10, 15, 20]).await;
    world
        .producer
        .submit(solar, &tests::hours(0, [30]))
        .await
        .expect(200);
    world
        .trader
        .cancel(world.s, &[cancelled], "Somebody")
        .await
        .expect(202);
    world
        .trader
        .act("reserve", world.s, &[reserved], json!({}))
        .await
        .expect(202);
    let found = async |fields| tests::quantities(&world.trader.query(world.s, fields).await);
    assert_eq!(
        found(json!({"device_ids": [world.w, solar]})).await,
        [10, 15, 20, 30]
    );
    assert_eq!(found(json!({"device_ids": [solar]})).await, [30]);
    assert_eq!(
        found(json!({"energy_sources": ["wind", "hydro"]})).await,
        [10, 15, 20]
    );
    let states = json!({"certificate_bundle_statuses": ["Active", "Reserved"]});
    assert_eq!(found(states).await, [10, 20, 30]);
    assert_eq!(
        found(json!({"certificate_bundle_status": "Bundle Split"})).await,
        [0_i64; 0]
    );
    assert_eq!(
        found(json!({"device_id": world.w, "certificate_bundle_status": "Active"})).await,
        [10]
    );
    assert_eq!(found(json!({"device_ids": []})).await, [0_i64; 0]);
    let _ = active;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_partition_the_answer_in_either_order_while_it_grows() {
    let world = World::start().await;
    let issued = world.issue([1, 2, 3, 4, 5, 6, 7]).await;
    for (sort, expected) in [
        ("asc", issued.to_vec()),
        ("desc", issued.iter().rev().copied().collect()),
    ] {
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        for page in [3, 3, 1] {
            let fields = json!({"limit": 3, "sort": sort, "cursor": cursor});
            let answer = world.trader.try_query(world.s, fields).await.expect(202);
            assert_eq!(answer["total_certificate_volume"], 28);
            let bundles = answer["granular_certificate_bundles"].as_array().unwrap();
            assert_eq!(bundles.len(), page);
            seen.extend(ids(bundles));
            cursor = answer["next_cursor"].clone();
        }
        assert_eq!((seen, cursor), (expected, Value::Null), "{sort}");
    }
    let wrong = json!({"cursor": "nonsense"});
    world
        .trader
        .try_query(world.s, wrong)
        .await
        .refused_at(422, "request_invalid", "/cursor");
    for limit in [-1, 1001] {
        let answer = world
            .trader
            .try_query(world.s, json!({"limit": limit}))
            .await;
        answer.refused_at(422, "request_invalid", "/limit");
    }
}

/// Scenario 46.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_split_is_never_found_but_still_shown_by_its_id() {
    let world = World::start().await;
    let [parent] = world.issue([1000]).await;
    let part = json!({"certificate_quantity": 250});
    world
        .trader
        .transfer_part(world.s, world.t, &[parent], part)
        .await
        .expect(202);
    for fields in [json!({}), json!({"issuance_ids": [world.issuance_id(0)]})] {
        let found = world.trader.query(world.s, fields).await;
        assert_eq!(tests::quantities(&found), [750]);
        assert!(!ids(&found).contains(&parent));
    }
    let shown = world.trader.bundle(parent).await;
    assert_eq!(shown["certificate_bundle_status"], "Bundle Split");
    assert_eq!(shown["is_deleted"], true);
}
