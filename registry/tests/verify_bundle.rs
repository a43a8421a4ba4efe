//! `registry verify-bundle`, as somebody runs it who has nothing but a saved answer.
#![allow(clippy::unwrap_used)]

use schemas::bundle::HashedAttributes;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn attributes(start: i64, end: i64, parent: Option<(i64, &str)>) -> Value {
    json!({
        "certificate_bundle_id_range_end": end, "certificate_bundle_id_range_start": start,
        "device_id": 7, "emissions_factor_production_device": null,
        "emissions_factor_source": null, "energy_carrier": "electricity",
        "energy_source": "wind", "expiry_datestamp": "2027-01-01T00:00:00Z", "face_value": 1,
        "is_storage": false, "issuance_datestamp": "2025-01-02T00:00:00.5Z",
        "issuance_id": "7-2025-01-01 00:00:00",
        "issuance_post_energy_carrier_conversion": false, "metadata_id": 1,
        "parent_hash": parent.map(|(_, hash)| hash), "parent_id": parent.map(|(id, _)| id),
        "production_ending_interval": "2025-01-01T01:00:00Z",
        "production_starting_interval": "2025-01-01T00:00:00Z", "registry_configuration": 1,
    })
}

fn hash(attributes: &Value) -> String {
    let attributes: HashedAttributes = serde_json::from_value(attributes.clone()).unwrap();
    hex::encode(attributes.hash())
}

/// Of 1,000 Wh, 400 were transferred from account 1 to account 2.
fn lineage() -> Value {
    let issued = attributes(1, 1000, None);
    let parent = hash(&issued);
    let taken = attributes(1, 400, Some((11, &parent)));
    let rest = attributes(401, 1000, Some((11, &parent)));
    let part = |id: i64, of: &Value, wh: i64| {
        json!({
            "bundle_id": id, "bundle_quantity": wh, "hash": hash(of),
            "certificate_bundle_id_range_start": of["certificate_bundle_id_range_start"],
            "certificate_bundle_id_range_end": of["certificate_bundle_id_range_end"],
        })
    };
    let bundle = |id: i64, of: &Value| json!({"id": id, "hash": hash(of), "attributes": of});
    let at = "2025-01-03T00:00:00Z";
    json!({
        "bundle_id": 12, "format": "timeline", "ledger_position": 30, "events": null,
        "bundles": [bundle(11, &issued), bundle(12, &taken), bundle(13, &rest)],
        "leaves": [{
            "bundle_id": 12, "account_id": 2, "certificate_bundle_status": "Active",
            "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 400,
            "bundle_quantity": 400,
        }],
        "timeline": [
            {"kind": "reading", "at": "2025-01-02T00:00:00.5Z", "measurement_id": 1, "device_id": 7,
             "interval_start_datetime": "2025-01-01T00:00:00Z",
             "interval_end_datetime": "2025-01-01T01:00:00Z", "interval_usage": 1000,
             "gross_net_indicator": "NET", "ledger_position": 20},
            {"kind": "issuance", "at": "2025-01-02T00:00:00.5Z", "bundle_id": 11, "account_id": 1,
             "device_id": 7, "device_name": "Hill Farm", "device_unique_id": null,
             "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 1000,
             "bundle_quantity": 1000, "expiry_datestamp": "2027-01-01T00:00:00Z",
             "hash": parent, "metadata_id": 1, "metadata": {
                 "country_of_issuance": "UK", "connected_grid_identification": "NESO",
                 "issuing_body": "OFGEM", "issue_market_zone": "NESO", "registry_configuration": 1},
             "ledger_position": 21},
            {"kind": "split", "at": at, "action_id": 5, "bundle_id": 11, "ledger_position": 22,
             "parts": [part(12, &taken, 400), part(13, &rest, 600)]},
            {"kind": "action", "at": at, "requested_at": at, "action_id": 5,
             "action_type": "transfer", "bundle_id": 12, "from_account_id": 1, "to_account_id": 2,
             "status_before": "Active", "status_after": "Active", "user_id": null,
             "beneficiary": null, "beneficiary_account_id": null, "reason": null,
             "is_redacted": true, "ledger_position": 22},
        ],
    })
}

/// Runs it in a folder with a configuration that nobody could start a registry with.
fn verify(file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_registry"))
        .arg("verify-bundle")
        .arg(file)
        .env("GCR_NONSENSE", "1")
        .current_dir(file.parent().unwrap())
        .output()
        .unwrap()
}

#[test]
fn a_saved_lineage_that_holds_ends_with_0_and_a_line_per_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lineage.json");
    fs::write(&file, lineage().to_string()).unwrap();
    let output = verify(&file);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let names: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("ok   ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        [
            "family",
            "hashes",
            "attributes",
            "ranges",
            "order",
            "reading",
            "transitions",
            "now"
        ]
    );
    let own = lineage()["bundles"][1]["hash"].as_str().unwrap().to_owned();
    assert!(said.contains(&own), "{said}");
}

#[test]
fn a_broken_lineage_ends_with_1_and_says_what_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lineage.json");
    for (pointer, value, sentence) in [
        (
            "/bundles/1/attributes/certificate_bundle_id_range_end",
            json!(401),
            "bundle 12: the attributes hash to",
        ),
        (
            "/timeline/0/interval_usage",
            json!(999),
            "1000 Wh were issued, and 999 Wh read",
        ),
        (
            "/leaves/0/account_id",
            json!(1),
            "leads to Active in account 2",
        ),
        (
            "/timeline/3/action_type",
            json!("claim"),
            "action 5 (claim) is not allowed",
        ),
    ] {
        let mut altered = lineage();
        *altered.pointer_mut(pointer).unwrap() = value;
        fs::write(&file, altered.to_string()).unwrap();
        let output = verify(&file);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("FAIL"), "{said}");
        assert!(said.contains(sentence), "{sentence:?} in {said}");
    }
}

#[test]
fn what_is_no_lineage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lineage.json");
    assert_eq!(verify(&file).status.code(), Some(2));
    for text in ["", "{}", "[1, 2", "{\"bundle_id\": 1}"] {
        fs::write(&file, text).unwrap();
        let output = verify(&file);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(!output.stderr.is_empty());
    }
}
