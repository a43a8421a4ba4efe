//! Rows that the issuing body answers for.

use super::*;
use crate::lineage::altered::assert_alterations_are_noticed;

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

pub(super) fn with_device(form: Form) -> Form {
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
