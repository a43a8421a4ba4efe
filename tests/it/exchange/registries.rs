//! Between two whole registries, by signed files and receipts.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_imported_elsewhere_and_nothing_is_minted() {
    let (gb, fr) = two().await;
    let [one, two] = gb.issue([1000, 500]).await;
    assert_eq!(spread(&gb, &fr).await, (1500, 0, 0));

    let id = export(&gb, &[one, two], json!({"certificate_quantity": 400})).await;
    assert_eq!(spread(&gb, &fr).await, (700, 0, 800));
    let signed = file(&gb, id).await;
    assert_eq!(
        file(&gb, id).await,
        signed,
        "the same as often as asked for"
    );
    assert_eq!(signed["payload"]["bundles"].as_array().unwrap().len(), 2);

    let imported = import(&fr.producer, fr.s, &signed).await.expect(201);
    assert_eq!(imported["number_of_imported_certificate_bundles"], 2);
    assert_eq!(imported["total_imported_energy"], 800);
    // What can be spent is at no step more than was issued.
    assert_eq!(spread(&gb, &fr).await, (700, 800, 800));
    let confirmed = confirm(&gb, id, &imported["receipt"]).await.expect(202);
    assert_eq!(confirmed["action_type"], "confirm_export");
    assert_eq!(confirmed["export"]["receiving_reference"], "fr/import/1");
    assert_eq!(spread(&gb, &fr).await, (700, 800, 0));
    assert_eq!(wh(&gb, "Exported").await, 800);

    let first = imported["first_bundle_id"].as_i64().unwrap();
    let here = fr.trader.bundle(first).await;
    let origin = &here["origin"];
    assert_eq!(origin["registry"], "gb");
    assert_eq!(origin["device_id"], gb.w.to_string());
    assert_eq!(
        (&origin["export_id"], &origin["exporting_registry"]),
        (&json!(id), &json!("gb"))
    );
    let there: i64 = origin["bundle_id"].as_str().unwrap().parse().unwrap();
    let there = gb.trader.bundle(there).await;
    assert_eq!(there["certificate_bundle_status"], "Exported");
    for field in [
        "certificate_bundle_id_range_start",
        "certificate_bundle_id_range_end",
        "production_starting_interval",
        "issuance_datestamp",
        "expiry_datestamp",
        "country_of_issuance",
        "issuing_body",
        "device_name",
        "device_capacity",
    ] {
        assert_eq!(here[field], there[field], "{field}");
    }
    assert_eq!(origin["hash"], there["hash"]);
    assert_eq!(origin["issuance_id"], there["issuance_id"]);

    // What was imported moves and ends like what was issued; its parts know where they come from.
    let part = json!({"certificate_quantity": 100, "beneficiary": "Acme"});
    let cancelled = fr
        .trader
        .act("cancel", fr.s, &[first], part)
        .await
        .expect(202);
    let child = cancelled["children"][0].as_i64().unwrap();
    assert_eq!(fr.trader.bundle(child).await["origin"], *origin);
    for format in ["timeline", "raw"] {
        fr.trader.lineage(child, format).await;
        let exported = there["id"].as_i64().unwrap();
        gb.trader.lineage(exported, format).await;
    }
    gb.registry.audit().await;
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_once_and_its_receipt_can_be_had_again() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, id).await;
    let keyed = fr.producer.with("Idempotency-Key", "8d5b2d0e-import");
    let first = import(&keyed, fr.s, &signed).await.expect(201);
    // Whoever lost the answer asks again under the same key.
    assert_eq!(import(&keyed, fr.s, &signed).await.expect(201), first);
    import(&fr.producer, fr.s, &signed)
        .await
        .refused(409, "imported_before");
    import(&fr.producer, fr.t, &signed)
        .await
        .refused(409, "imported_before");
    assert_eq!(volume(&fr.trader.holdings(fr.s).await), 1000);
    let path = format!("/certificate/import/receipt?exporting_registry=gb&export_id={id}");
    assert_eq!(fr.auditor.get(&path).await.expect(200), first["receipt"]);
    let other = format!(
        "/certificate/import/receipt?exporting_registry=gb&export_id={}",
        id + 1
    );
    fr.auditor
        .get(&other)
        .await
        .refused(404, "import_not_found");
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_altered_is_for_somebody_else_or_of_nobody_known_is_refused() {
    let (gb, fr) = two().await;
    let [bundle, other] = gb.issue([1000, 10]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, id).await;
    for (pointer, value) in [
        (
            "/payload/bundles/0/attributes/certificate_bundle_id_range_end",
            json!(2000),
        ),
        ("/payload/receiving_registry", json!("de")),
        ("/payload/export_id", json!(77)),
        ("/payload/devices/0/origin/device", json!("other")),
    ] {
        let mut altered = signed.clone();
        *altered.pointer_mut(pointer).unwrap() = value;
        import(&fr.producer, fr.s, &altered)
            .await
            .refused(422, "file_altered");
    }
    let mut unknown = signed.clone();
    unknown["payload"]["exporting_registry"] = json!("de");
    import(&fr.producer, fr.s, &unknown)
        .await
        .refused(422, "file_not_trusted");
    import(&gb.producer, gb.s, &signed)
        .await
        .refused(422, "file_not_trusted");
    let elsewhere = export(&gb, &[other], json!({"receiving_registry": "de"})).await;
    import(&fr.producer, fr.s, &file(&gb, elsewhere).await)
        .await
        .refused(422, "file_elsewhere");
    import(&fr.producer, fr.s, &json!({"payload": 1}))
        .await
        .refused(422, "malformed_body");
    assert!(fr.trader.holdings(fr.s).await.is_empty());
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_confirmed_only_with_the_receiving_registrys_receipt_for_it() {
    let (gb, fr) = two().await;
    let [one, two] = gb.issue([1000, 10]).await;
    let (first, second) = (
        export(&gb, &[one], json!({})).await,
        export(&gb, &[two], json!({})).await,
    );
    let imported = import(&fr.producer, fr.s, &file(&gb, first).await)
        .await
        .expect(201);
    let receipt = &imported["receipt"];
    confirm(&gb, first, &Value::Null)
        .await
        .refused(422, "receipt_invalid");
    confirm(&gb, second, receipt)
        .await
        .refused(422, "receipt_invalid");
    let mut altered = receipt.clone();
    altered["payload"]["total_certificate_volume"] = json!(1001);
    confirm(&gb, first, &altered)
        .await
        .refused(422, "receipt_invalid");
    confirm(&gb, first, receipt).await.expect(202);
    confirm(&gb, first, receipt)
        .await
        .refused(409, "export_settled");
    // A registry whose key nobody gave is taken at the caller's word, which must be there.
    let [three] = gb.issue([5]).await;
    let elsewhere = export(&gb, &[three], json!({"receiving_registry": "de"})).await;
    let path = format!("/certificate/export/{elsewhere}/confirm");
    gb.trader
        .post(&path, json!({}))
        .await
        .refused(422, "receipt_invalid");
    let named = json!({"receiving_reference": "de-7"});
    gb.trader.post(&path, named).await.expect(202);
    // Where its key is known, the issuing body alone confirms without its receipt, and says why.
    let [four] = gb.issue([7]).await;
    let id = export(&gb, &[four], json!({})).await;
    let path = format!("/certificate/export/{id}/confirm");
    let mut word = json!({"receiving_reference": "fr-rows", "without_receipt": true});
    gb.admin
        .post(&path, word.clone())
        .await
        .refused(422, "receipt_invalid");
    word["reason"] = json!("its issuing body imported rows");
    gb.trader
        .post(&path, word.clone())
        .await
        .refused(403, "capability_required");
    let action = gb.admin.post(&path, word).await.expect(202);
    assert_eq!(action["reason"], "its issuing body imported rows");
    gb.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_taken_back_circulates_again_and_gives_no_file() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, id).await;
    gb.trader
        .transfer(gb.s, gb.t, &[bundle])
        .await
        .refused(409, "bundle_state");
    gb.admin
        .act("withdraw", gb.s, &[bundle], json!({}))
        .await
        .refused(409, "bundle_state");
    let path = format!("/certificate/export/{id}");
    assert_eq!(gb.auditor.get(&path).await.expect(200)["state"], "offered");
    let refusal = refuse(&fr, &signed).await.expect(201);
    take_back(&gb, id, &refusal).await.expect(202);
    let shown = gb.auditor.get(&path).await.expect(200);
    assert_eq!(shown["state"], "taken_back");
    take_back(&gb, id, &refusal)
        .await
        .refused(409, "export_settled");
    let file = gb.trader.get(&format!("{path}/file")).await;
    file.refused(409, "export_settled");
    gb.trader.transfer(gb.s, gb.t, &[bundle]).await.expect(202);
    // Whoever is not of the account does not know of it; the issuing body does.
    gb.admin.get(&path).await.expect(200);
    gb.trader
        .get("/certificate/export/9999")
        .await
        .refused(404, "export_not_found");
    gb.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_taken_back_only_with_the_receiving_registrys_refusal_of_it() {
    let (gb, mut fr) = two().await;
    let [one, two, three] = gb.issue([1000, 10, 5]).await;
    let first = export(&gb, &[one], json!({})).await;
    let second = export(&gb, &[two], json!({})).await;
    let signed = file(&gb, first).await;
    let refusal = refuse(&fr, &signed).await.expect(201);
    assert_eq!(
        refuse(&fr, &signed).await.expect(201),
        refusal,
        "the same again"
    );
    take_back(&gb, first, &Value::Null)
        .await
        .refused(422, "refusal_invalid");
    take_back(&gb, second, &refusal)
        .await
        .refused(422, "refusal_invalid");
    let mut altered = refusal.clone();
    altered["payload"]["export_id"] = json!(second);
    take_back(&gb, second, &altered)
        .await
        .refused(422, "refusal_invalid");
    let receipt = &import(&fr.producer, fr.s, &file(&gb, second).await)
        .await
        .expect(201)["receipt"];
    take_back(&gb, second, receipt)
        .await
        .refused(422, "refusal_invalid");

    // What was refused is not imported, whether or not it was taken back yet, also not after a restart.
    for _ in 0..2 {
        import(&fr.producer, fr.s, &signed)
            .await
            .refused(409, "export_refused");
        fr.registry.down().await;
        fr.registry.up().await;
    }
    take_back(&gb, first, &refusal).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (1005, 10, 10));
    // Offered anew it is another export.
    let again = export(&gb, &[one], json!({})).await;
    import(&fr.producer, fr.s, &file(&gb, again).await)
        .await
        .expect(201);

    // Without a refusal, whether or not the registry's key is known, it is taken back on the issuing body's word alone.
    let [four] = gb.issue([7]).await;
    for (bundle, receiving) in [(three, "de"), (four, "fr")] {
        let named = json!({"receiving_registry": receiving});
        let elsewhere = export(&gb, &[bundle], named).await;
        take_back(&gb, elsewhere, &Value::Null)
            .await
            .refused(422, "refusal_invalid");
        let path = format!("/certificate/export/{elsewhere}/take_back");
        let word = json!({"reason": "the registry is closed", "without_refusal": true});
        gb.trader
            .post(&path, word.clone())
            .await
            .refused(403, "capability_required");
        let action = gb.admin.post(&path, word).await.expect(202);
        assert_eq!(action["reason"], "the registry is closed");
    }
    gb.registry.audit().await;
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_imported_is_not_refused_and_so_not_taken_back() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, id).await;
    let imported = import(&fr.producer, fr.s, &signed).await.expect(201);
    refuse(&fr, &signed).await.refused(409, "imported_before");
    confirm(&gb, id, &imported["receipt"]).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (0, 1000, 0));
    // Only what this registry could import is refused by it.
    let mut altered = signed.clone();
    altered["payload"]["export_id"] = json!(77);
    refuse(&fr, &altered).await.refused(422, "file_altered");
    refuse(&gb, &signed).await.refused(422, "file_not_trusted");
    refuse(&fr, &json!({"payload": 1}))
        .await
        .refused(422, "malformed_body");
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_come_home_leave_again_and_are_refused_where_they_were_before() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let (first, signed, imported) = moved(&gb, &fr, bundle).await;
    let there = imported["first_bundle_id"].as_i64().unwrap();
    let back = export(&fr, &[there], json!({"receiving_registry": "gb"})).await;
    let home = file(&fr, back).await;
    // Not before it has left for good.
    import(&gb.producer, gb.s, &home)
        .await
        .refused(422, "import_from_here");
    confirm(&gb, first, &imported["receipt"]).await.expect(202);
    let returned = import(&gb.producer, gb.s, &home).await.expect(201);
    confirm(&fr, back, &returned["receipt"]).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (1000, 0, 0));
    let here = returned["first_bundle_id"].as_i64().unwrap();
    let shown = gb.trader.bundle(here).await;
    assert_eq!(shown["origin"]["registry"], "gb");
    assert_eq!(shown["origin"]["device_id"], gb.w.to_string());
    assert_eq!(shown["origin"]["export_id"], json!(back));

    // Where they were before they are refused like others, and imported like others.
    let again = export(&gb, &[here], json!({})).await;
    let refusal = refuse(&fr, &file(&gb, again).await).await.expect(201);
    take_back(&gb, again, &refusal).await.expect(202);
    let (last, _, imported) = moved(&gb, &fr, here).await;
    confirm(&gb, last, &imported["receipt"]).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (0, 1000, 0));
    let newest = imported["first_bundle_id"].as_i64().unwrap();
    let (old, new) = (
        fr.trader.bundle(there).await,
        fr.trader.bundle(newest).await,
    );
    assert_eq!(old["origin"]["export_id"], json!(first));
    assert_eq!(new["origin"]["export_id"], json!(last));
    for format in ["timeline", "raw"] {
        gb.trader.lineage(here, format).await;
        fr.trader.lineage(newest, format).await;
    }
    // The first file brings nothing any more.
    import(&fr.producer, fr.s, &signed)
        .await
        .refused(409, "imported_before");
    gb.registry.audit().await;
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_outlives_a_restart_of_both_registries_between_its_steps() {
    let (mut gb, mut fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    gb.registry.down().await;
    gb.registry.up().await;
    let signed = file(&gb, id).await;
    let imported = import(&fr.producer, fr.s, &signed).await.expect(201);
    fr.registry.down().await;
    fr.registry.up().await;
    import(&fr.producer, fr.s, &signed)
        .await
        .refused(409, "imported_before");
    let path = format!("/certificate/import/receipt?exporting_registry=gb&export_id={id}");
    let receipt = fr.producer.get(&path).await.expect(200);
    assert_eq!(receipt, imported["receipt"]);
    gb.registry.down().await;
    gb.registry.up().await;
    confirm(&gb, id, &receipt).await.expect(202);
    assert_eq!(spread(&gb, &fr).await, (0, 1000, 0));
    gb.registry.audit().await;
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_keys_are_there_for_everybody() {
    let world = World::start().await;
    let keys = world
        .registry
        .anonymous()
        .get("/.well-known/registry-keys.json")
        .await
        .expect(200);
    assert_eq!(keys["registry"], "gb");
    assert_eq!(keys["keys"][0]["is_current"], true);
    assert_eq!(keys["keys"][0]["algorithm"], "Ed25519");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_before_its_device_changed_is_imported_all_the_same() {
    let (gb, fr) = two().await;
    let [first, second] = gb.issue([9_000_000, 500]).await;
    gone(&gb, &fr, second).await;
    let smaller = json!({"capacity": 1, "energy_source": "solar_pv", "technology_type": "solar_pv",
        "operational_date": "2026-01-01T00:00:00Z"});
    let path = format!("/device/update/{}", gb.w);
    gb.producer.patch(&path, smaller).await.expect(200);
    let there = gone(&gb, &fr, first).await;
    let kept = fr.trader.bundle(there).await;
    assert_eq!(kept["energy_source"], "wind");
    // What the device is, its own registry says.
    let device = kept["device_id"].as_i64().unwrap();
    let path = format!("/device/update/{device}");
    let refused = fr.producer.patch(&path, json!({"capacity": 2})).await;
    refused.refused(422, "device_imported");
    gb.registry.audit().await;
    fr.registry.audit().await;
}
