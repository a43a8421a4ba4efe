//! Exports and imports, between two whole registries: nothing is minted, nothing is spent twice.

use crate::faults::process;
use crate::lineage::altered::assert_alterations_are_noticed;
use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tests::{Actor, Answer, Bundles, Clusters, Process, Registry, World, eventually, volume};

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

async fn export(world: &World, bundles: &[i64], fields: Value) -> i64 {
    let mut body = json!({"receiving_registry": "fr"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let action = world.trader.act("export", world.s, bundles, body).await;
    action.expect(202)["id"].as_i64().unwrap()
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

async fn take_back(world: &World, export: i64) -> Answer {
    let path = format!("/certificate/export/{export}/take_back");
    let body = json!({"reason": "refused there"});
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
    gb.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_taken_back_circulates_again_and_gives_no_file() {
    let (gb, _fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
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
    take_back(&gb, id).await.expect(202);
    let shown = gb.auditor.get(&path).await.expect(200);
    assert_eq!(shown["state"], "taken_back");
    take_back(&gb, id).await.refused(409, "export_settled");
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
async fn of_confirming_and_taking_back_at_once_exactly_one_wins() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let imported = import(&fr.producer, fr.s, &file(&gb, id).await)
        .await
        .expect(201);
    let receipt = &imported["receipt"];
    let race = (0..16).map(|n| {
        let gb = &gb;
        async move {
            match n % 2 {
                0 => confirm(gb, id, receipt).await.status,
                _ => take_back(gb, id).await.status,
            }
        }
    });
    let statuses = futures_util::future::join_all(race).await;
    let won = statuses.iter().filter(|status| **status == 202).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [202, 409].contains(status)));
    gb.registry.audit().await;
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

const HEADER: &str = "origin_registry,origin_device_id,origin_bundle_id,certificate_bundle_status,\
certificate_bundle_id_range_start,certificate_bundle_id_range_end,bundle_quantity,energy_source,\
production_starting_interval,production_ending_interval,issuance_datestamp,expiry_datestamp,\
country_of_issuance,connected_grid_identification,issuing_body,issue_market_zone\n";

fn line(number: i64, status: &str, start: i64, quantity: i64) -> String {
    format!(
        "dk,44,{number},{status},{start},{},{quantity},wind,2024-06-01T10:00:00Z,2024-06-01T11:00:00Z,\
         2024-06-01T12:00:00Z,2034-06-01T12:00:00Z,DK,Energinet,ENDK,DK1\n",
        start + quantity - 1
    )
}

fn with_device(form: Form) -> Form {
    let device = json!({
        "device_name": "Horns Rev", "local_device_identifier": "571313", "grid": "Energinet",
        "energy_source": "wind", "technology_type": "wind_turbine",
        "operational_date": "2009-09-17T00:00:00Z", "power_mw": 209.3, "location": "55.6, 7.59",
        "is_storage": false,
    });
    form.text("device_json", device.to_string())
}

async fn import_rows(actor: &Actor, account: i64, rows: &[String]) -> Answer {
    let form = with_device(form(account, HEADER.to_owned() + &rows.concat()));
    actor.upload("/certificate/import", form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuing_body_imports_rows_and_all_bad_ones_are_named_at_once() {
    let world = World::start().await;
    let rows = [
        line(1, "Active", 1, 1000),
        line(2, "Cancelled", 2001, 10),
        line(3, "Active", 500, 10),
        line(4, "Active", 5001, 10).replace("wind", "coal dust"),
    ];
    let refused = import_rows(&world.admin, world.s, &rows).await;
    let problem = refused.refused(422, "import_refused");
    let found: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["row"].as_i64().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (2, "import_not_active"),
            (3, "import_overlap"),
            (4, "unknown_value")
        ]
    );
    assert!(world.trader.holdings(world.s).await.is_empty());

    let good = [line(1, "Active", 1, 1000), line(2, "Active", 1001, 10)];
    let imported = import_rows(&world.admin, world.s, &good).await.expect(201);
    assert_eq!(imported["total_imported_energy"], 1010);
    assert_eq!(imported["receipt"], Value::Null);
    let shown = world
        .trader
        .bundle(imported["first_bundle_id"].as_i64().unwrap())
        .await;
    assert_eq!(shown["origin"]["registry"], "dk");
    assert_eq!(shown["device_name"], "Horns Rev");
    let again = import_rows(&world.admin, world.t, &[line(9, "Active", 1010, 1)]).await;
    again.refused(409, "imported_before");
    // The device is not metered here.
    let readings = tests::hours(0, [10]);
    let device = shown["device_id"].as_i64().unwrap();
    let metered = world.producer.submit(device, &readings).await;
    metered.refused(422, "device_imported");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_signed_are_for_the_issuing_body_and_columns_must_be_there() {
    let world = World::start().await;
    let rows = [line(1, "Active", 1, 1000)];
    import_rows(&world.producer, world.s, &rows)
        .await
        .refused(403, "capability_required");
    import_rows(&world.trader, world.s, &rows)
        .await
        .refused(403, "capability_required");
    let short = with_device(form(world.s, "bundle_quantity\n1\n"));
    let refused = world.admin.upload("/certificate/import", short).await;
    refused.refused_saying(
        422,
        "malformed_body",
        "the first line of the file must name the columns",
    );
    let bare = form(world.s, HEADER.to_owned() + &rows.concat());
    let refused = world.admin.upload("/certificate/import", bare).await;
    refused.refused(422, "request_invalid");
    let own = [rows[0].replace("dk,44", "gb,44")];
    import_rows(&world.admin, world.s, &own)
        .await
        .refused(422, "import_from_here");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_is_an_import_in_both_forms() {
    let world = World::start().await;
    let path = "/certificate/certificate_import_template";
    let csv = world.auditor.get(path).await;
    assert_eq!(csv.status, 200);
    let csv = String::from_utf8(csv.body).unwrap();
    let json = world
        .auditor
        .get(&format!("{path}?format=json"))
        .await
        .expect(200);
    world
        .auditor
        .get(&format!("{path}?format=xml"))
        .await
        .refused(422, "request_invalid");
    // The example device, too, is of another registry.
    for (text, status) in [(csv, 201), (json.to_string(), 409)] {
        let form = with_device(form(world.s, text));
        let answer = world.admin.upload("/certificate/import", form).await;
        assert_eq!(answer.status, status, "{answer}");
    }
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
async fn every_altered_value_in_the_lineage_of_an_import_is_noticed_or_documented() {
    let world = World::start().await;
    let rows = [line(1, "Active", 1, 1000)];
    let imported = import_rows(&world.admin, world.s, &rows).await.expect(201);
    let first = imported["first_bundle_id"].as_i64().unwrap();
    let part = json!({"certificate_quantity": 400});
    let transfer = world
        .trader
        .transfer_part(world.s, world.t, &[first], part)
        .await;
    let moved = transfer.expect(202)["bundles"][0]["acted_on"]
        .as_i64()
        .unwrap();
    for format in ["timeline", "raw"] {
        let lineage = world.admin.lineage(moved, format).await;
        assert_alterations_are_noticed(&lineage);
    }
}

/// One Wh after the other through all steps, each repeated under its key until it is answered.
async fn exchanged(gb: &World, fr: &World, bundle: i64, done: &AtomicI64) {
    let key = |step: &str| format!("exchange-{bundle}-{step}");
    let repeated = async |actor: &Actor, path: &str, body: Value| loop {
        match actor
            .try_send(actor.request("POST", path).json(&body))
            .await
        {
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) => return answer,
            // Killed: whether it was done, only the key can tell.
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let trader = gb.trader.with("idempotency-key", key("export"));
    let body = json!({
        "source_id": gb.s, "granular_certificate_bundle_ids": [bundle], "receiving_registry": "fr",
    });
    let offer = repeated(&trader, "/certificate/export", body).await;
    let id = offer.expect(202)["id"].as_i64().unwrap();
    let path = format!("/certificate/export/{id}");
    let signed = loop {
        let asked = gb.trader.request("GET", &format!("{path}/file"));
        match gb.trader.try_send(asked).await {
            Ok(answer) if answer.status != 503 => break answer.expect(200),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let imported = import(&fr.producer, fr.s, &signed).await.expect(201);
    let trader = gb.trader.with("idempotency-key", key("confirm"));
    let body = json!({"receipt": imported["receipt"]});
    let confirmed = repeated(&trader, &format!("{path}/confirm"), body).await;
    confirmed.expect(202);
    done.fetch_add(1, Ordering::AcqRel);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporting_process_killed_between_the_steps_ends_with_each_wh_in_one_registry() {
    const BUNDLES: usize = 60;
    let mut gb = Registry::prepare_as(Clusters::shared().await, "gb").await;
    let mut fr = Registry::prepare_as(Clusters::shared().await, "fr").await;
    gb.trust(&fr);
    fr.trust(&gb);
    fr.up().await;
    let mut process = Process::start(&mut gb.config, process::ENTRY);
    let mut gb = World::on(gb).await;
    let fr = World::on(fr).await;
    let bundles = gb.issue([100; BUNDLES]).await;
    let done = AtomicI64::new(0);
    let mut config = gb.registry.config.clone();
    let exchanges = futures_util::stream::iter(bundles)
        .map(|bundle| exchanged(&gb, &fr, bundle, &done))
        .buffer_unordered(4)
        .collect::<()>();
    let kills = async {
        for kill in 1..=3 {
            eventually("exchanges go on", || async {
                (done.load(Ordering::Acquire) >= kill * 12).then_some(())
            })
            .await;
            process.kill9();
            process = Process::start(&mut config, process::ENTRY);
        }
    };
    tokio::join!(kills, exchanges);
    gb.registry.config = config;

    let all = 100 * i64::try_from(BUNDLES).unwrap();
    assert_eq!(spread(&gb, &fr).await, (0, all, 0));
    assert_eq!(wh(&gb, "Exported").await, all);
    gb.registry.audit().await;
    fr.registry.audit().await;
    drop(process);
}
