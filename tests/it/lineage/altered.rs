//! A saved lineage of which one value was altered.

use super::history;
use registry::lineage::verify::NOT_COVERED;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{World, broken};

/// Paths to every value that is neither a list nor an object.
fn values(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                path.push(name.clone());
                values(member, path, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                values(item, path, found);
                path.pop();
            }
        }
        _ => found.push(path.clone()),
    }
}

/// Other values that could stand there.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(1), json!("text"), json!([])],
        Value::Bool(is_so) => vec![json!(!is_so), Value::Null],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![
                json!(number + 1),
                json!(number - 1),
                json!(0),
                json!(i64::MAX),
                json!(i64::MIN),
            ]
        }
        Value::String(text) => {
            let mut others = vec![Value::Null, json!(format!("{text}0")), json!("")];
            let mut flipped = text.clone().into_bytes();
            if let Some(last) = flipped.last_mut() {
                *last = if *last == b'0' { b'1' } else { b'0' };
                others.push(json!(String::from_utf8(flipped).unwrap()));
            }
            let words = [
                "Active",
                "Cancelled",
                "Claimed",
                "Expired",
                "Withdrawn",
                "Locked",
                "Reserved",
                "Bundle Split",
                "transfer",
                "cancel",
                "claim",
                "reserve",
                "release",
                "lock",
                "unlock",
                "withdraw",
                "expire",
                "wind",
                "solar_pv",
                "raw",
                "timeline",
                "reading",
                "issuance",
                "split",
                "action",
                "BundlesLocked",
                "BundlesReserved",
                "BundlesIssued",
                "2020-01-01T00:00:00Z",
                "2090-01-01T00:00:00Z",
            ];
            others.extend(
                words
                    .iter()
                    .filter(|word| *word != text)
                    .map(|word| json!(word)),
            );
            others
        }
        _ => Vec::new(),
    }
}

fn replaced(lineage: &Value, path: &[String], other: &Value) -> Value {
    let mut altered = lineage.clone();
    let pointer: String = path.iter().map(|name| format!("/{name}")).collect();
    *altered.pointer_mut(&pointer).unwrap() = other.clone();
    altered
}

fn ends_with(path: &[String], pattern: &str) -> bool {
    let pattern: Vec<_> = pattern.split('/').collect();
    path.len() >= pattern.len()
        && path[path.len() - pattern.len()..]
            .iter()
            .zip(&pattern)
            .all(|(name, wanted)| *wanted == "*" || name == wanted)
}

/// Every altered value is noticed, or documented as not covered. Gives the patterns that were needed.
pub(crate) fn assert_alterations_are_noticed(lineage: &Value) -> BTreeSet<&'static str> {
    let mut paths = Vec::new();
    values(lineage, &mut Vec::new(), &mut paths);
    let mut needed = BTreeSet::new();
    for path in paths {
        let pointer: String = path.iter().map(|name| format!("/{name}")).collect();
        let value = lineage.pointer(&pointer).unwrap();
        for other in others(value) {
            if other == *value || broken(&replaced(lineage, &path, &other)).is_some() {
                continue;
            }
            let pattern = NOT_COVERED
                .iter()
                .find(|(pattern, _)| ends_with(&path, pattern));
            let (pattern, _) =
                pattern.unwrap_or_else(|| panic!("{pointer} may be {other} instead of {value}"));
            needed.insert(*pattern);
        }
    }
    needed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_altered_value_is_noticed_or_documented_as_not_covered() {
    let world = World::start().await;
    let later = super::later_holder(&world).await;
    let [issued, moved, claimed] = history(&world).await;
    let mut needed = BTreeSet::new();
    for format in ["timeline", "raw"] {
        for id in [issued, moved, claimed] {
            let lineage = world.admin.lineage(id, format).await;
            needed.extend(assert_alterations_are_noticed(&lineage));
        }
        let lineage = later.lineage(claimed, format).await;
        needed.extend(assert_alterations_are_noticed(&lineage));
    }
    // What a hash or another value covers must not be on the list.
    let covered = [
        "hash",
        "account_id",
        "to_account_id",
        "bundle_quantity",
        "status_before",
        "status_after",
        "action_type",
        "certificate_bundle_status",
        "parent_hash",
        "parent_id",
        "wh",
        "id",
    ];
    for name in covered {
        assert!(!needed.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_or_put_in_is_noticed() {
    let world = World::start().await;
    let [issued, ..] = history(&world).await;
    for (format, lists) in [
        ("timeline", ["bundles", "leaves", "timeline"]),
        ("raw", ["bundles", "leaves", "events"]),
    ] {
        let lineage = world.admin.lineage(issued, format).await;
        for list in lists {
            let length = lineage[list].as_array().unwrap().len();
            for index in 0..length {
                let mut without = lineage.clone();
                let left_out = without[list].as_array_mut().unwrap().remove(index);
                // Events do not say from which state: a bundle is withdrawn with a lock and without.
                let changes_nothing = left_out["type"] == "BundlesLocked";
                assert!(
                    changes_nothing || broken(&without).is_some(),
                    "{format} without {left_out}"
                );
                let mut twice = lineage.clone();
                twice[list]
                    .as_array_mut()
                    .unwrap()
                    .insert(index, left_out.clone());
                assert!(broken(&twice).is_some(), "{format} with twice {left_out}");
            }
        }
        let mut more = lineage.clone();
        more["note"] = json!("trust me");
        assert!(broken(&more).is_some());
    }
}
