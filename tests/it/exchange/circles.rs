//! Certificates that come to a registry again, or came there by rows.

use super::*;
use registry::exchange::{Exchange, sealed};

async fn three() -> [World; 3] {
    let mut all = Vec::new();
    for domain in ["gb", "fr", "de"] {
        all.push(Registry::prepare_as(Clusters::shared().await, domain).await);
    }
    let [mut gb, mut fr, mut de]: [Registry; 3] = all.try_into().ok().unwrap();
    gb.trust(&fr);
    gb.trust(&de);
    fr.trust(&gb);
    fr.trust(&de);
    de.trust(&gb);
    de.trust(&fr);
    for registry in [&mut gb, &mut fr, &mut de] {
        registry.up().await;
    }
    [
        World::on(gb).await,
        World::on(fr).await,
        World::on(de).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_go_round_three_registries_twice_and_are_in_one_at_a_time() {
    let [gb, fr, de] = three().await;
    let [mut bundle] = gb.issue([1000]).await;
    let active = async || {
        [
            wh(&gb, "Active").await,
            wh(&fr, "Active").await,
            wh(&de, "Active").await,
        ]
    };
    for _ in 0..2 {
        bundle = gone(&gb, &fr, bundle).await;
        assert_eq!(active().await, [0, 1000, 0]);
        bundle = gone(&fr, &de, bundle).await;
        assert_eq!(active().await, [0, 0, 1000]);
        bundle = gone(&de, &gb, bundle).await;
        assert_eq!(active().await, [1000, 0, 0]);
    }
    // Part of it stays, the rest goes on.
    let part = json!({"receiving_registry": "de", "certificate_quantity": 300});
    let id = export(&gb, &[bundle], part).await;
    let imported = import(&de.producer, de.s, &file(&gb, id).await)
        .await
        .expect(201);
    confirm(&gb, id, &imported["receipt"]).await.expect(202);
    assert_eq!(active().await, [700, 0, 300]);
    for world in [&gb, &fr, &de] {
        world.registry.audit().await;
    }
}

/// A part of a bundle is offered, imported and confirmed: the bundle there.
async fn gone_in_part(from: &World, to: &World, bundle: i64, wh: i64) -> i64 {
    let named =
        json!({"receiving_registry": to.registry.config.domain, "certificate_quantity": wh});
    let id = export(from, &[bundle], named).await;
    let signed = file(from, id).await;
    let imported = import(&to.producer, to.s, &signed).await.expect(201);
    confirm(from, id, &imported["receipt"]).await.expect(202);
    imported["first_bundle_id"].as_i64().unwrap()
}

async fn active(world: &World) -> Vec<i64> {
    let bundles = world.trader.holdings(world.s).await;
    let active = in_state(&bundles, "Active").into_iter();
    active
        .map(|bundle| bundle["id"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stayed_of_a_bundle_stems_from_its_import_also_once_the_rest_came_back() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let first = gone(&gb, &fr, bundle).await;
    let home = gone_in_part(&fr, &gb, first, 300).await;
    let back = gone(&gb, &fr, home).await;
    let stayed = active(&fr)
        .await
        .into_iter()
        .find(|id| *id != back)
        .unwrap();
    let part = json!({"certificate_quantity": 100, "beneficiary": "Acme"});
    let cancelled = fr.trader.act("cancel", fr.s, &[stayed], part).await;
    let parts = cancelled.expect(202)["children"].clone();
    let import = fr.trader.bundle(first).await["origin"].clone();
    for part in parts.as_array().unwrap() {
        let part = part.as_i64().unwrap();
        assert_eq!(fr.trader.bundle(part).await["origin"], import);
        for format in ["timeline", "raw"] {
            fr.trader.lineage(part, format).await;
        }
    }
    assert_ne!(fr.trader.bundle(back).await["origin"], import);
    fr.registry.audit().await;
}

/// The file as the registry would have signed it if it said this.
fn signed_anew(world: &World, payload: &Value) -> Value {
    let keys = Exchange::open(&world.registry.config).unwrap();
    serde_json::to_value(sealed(&keys, payload).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_a_file_lists_as_its_own_and_as_come_home_is_one_and_its_certificates_come_once()
 {
    let [gb, fr, de] = three().await;
    let [bundle] = gb.issue([1000]).await;
    let there = gone_in_part(&gb, &fr, bundle, 400).await;
    let home = gone(&fr, &gb, there).await;
    let both = active(&gb).await;
    assert!(both.len() == 2 && both.contains(&home), "{both:?}");
    let id = export(&gb, &both, json!({"receiving_registry": "de"})).await;
    let signed = file(&gb, id).await;
    let devices = &signed["payload"]["devices"];
    assert_eq!(devices.as_array().unwrap().len(), 2);
    assert_eq!(devices[0]["origin"], devices[1]["origin"]);

    // Somebody who is trusted, and should not be, lists the same certificates under both.
    let mut twice = signed["payload"].clone();
    let mut again = twice["bundles"][0].clone();
    again["device"] = json!(1 - again["device"].as_i64().unwrap());
    let wh = |bundle: &Value| {
        let of = &bundle["attributes"];
        let [first, last] = ["start", "end"].map(|end| {
            let end = &of[format!("certificate_bundle_id_range_{end}")];
            end.as_i64().unwrap()
        });
        last - first + 1
    };
    twice["total_certificate_volume"] = json!(1000 + wh(&again));
    twice["bundles"].as_array_mut().unwrap().push(again);
    let refused = import(&de.producer, de.s, &signed_anew(&gb, &twice)).await;
    let refused = refused.refused(422, "import_refused");
    assert_eq!(refused["errors"][0]["code"], "import_overlap", "{refused}");

    let imported = import(&de.producer, de.s, &signed).await.expect(201);
    confirm(&gb, id, &imported["receipt"]).await.expect(202);
    let bundles = de.trader.holdings(de.s).await;
    assert_eq!(volume(&bundles), 1000);
    assert_eq!(bundles[0]["device_id"], bundles[1]["device_id"]);
    for world in [&gb, &fr, &de] {
        world.registry.audit().await;
    }
}

/// The bundles of a file as rows, of the one device it has.
fn rows_of(signed: &Value) -> String {
    let file = &signed["payload"];
    let metadata = &file["issuance_metadata"][0];
    let rows = file["bundles"].as_array().unwrap().iter().map(|bundle| {
        let of = &bundle["attributes"];
        let first = of["certificate_bundle_id_range_start"].as_i64().unwrap();
        let last = of["certificate_bundle_id_range_end"].as_i64().unwrap();
        json!({
            "origin_registry": file["devices"][0]["origin"]["registry"],
            "origin_device_id": file["devices"][0]["origin"]["device"],
            "origin_bundle_id": bundle["id"].to_string(),
            "certificate_bundle_status": "Active",
            "certificate_bundle_id_range_start": first,
            "certificate_bundle_id_range_end": last,
            "bundle_quantity": last - first + 1,
            "energy_source": of["energy_source"],
            "production_starting_interval": of["production_starting_interval"],
            "production_ending_interval": of["production_ending_interval"],
            "issuance_datestamp": of["issuance_datestamp"],
            "expiry_datestamp": of["expiry_datestamp"],
            "country_of_issuance": metadata["country_of_issuance"],
            "connected_grid_identification": metadata["connected_grid_identification"],
            "issuing_body": metadata["issuing_body"],
            "issue_market_zone": metadata["issue_market_zone"],
        })
    });
    Value::Array(rows.collect()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_rows_is_settled_by_the_issuing_bodies_and_by_no_signed_file() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let old = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, old).await;
    let by_rows = async || {
        let form = rows::with_device(form(fr.s, rows_of(&signed)));
        fr.admin.upload("/certificate/import", form).await
    };
    let neither = async |signed: &Value| {
        let imported = import(&fr.producer, fr.s, signed).await;
        imported.refused(409, "imported_by_rows");
        let refused = refuse(&fr, signed).await;
        refused.refused(409, "imported_by_rows");
    };
    let imported = by_rows().await.expect(201);
    let there = imported["first_bundle_id"].as_i64().unwrap();
    neither(&signed).await;
    let word = json!({"receiving_reference": "fr-rows", "without_receipt": true, "reason": "imported by rows"});
    let path = format!("/certificate/export/{old}/confirm");
    gb.admin.post(&path, word).await.expect(202);
    // It leaves again. Now the old file looks like one that brings it back.
    let back = export(&fr, &[there], json!({"receiving_registry": "gb"})).await;
    let home = import(&gb.producer, gb.s, &file(&fr, back).await)
        .await
        .expect(201);
    confirm(&fr, back, &home["receipt"]).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (1000, 0, 0));
    neither(&signed).await;
    by_rows().await.refused(409, "import_elsewhere");
    // Nor does one that would: what is offered is taken back on the issuing body's word.
    let here = home["first_bundle_id"].as_i64().unwrap();
    let again = export(&gb, &[here], json!({})).await;
    neither(&file(&gb, again).await).await;
    let word = json!({"without_refusal": true, "reason": "it came by rows there once"});
    let path = format!("/certificate/export/{again}/take_back");
    gb.admin.post(&path, word).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (1000, 0, 0));
    gb.registry.audit().await;
    fr.registry.audit().await;
}
