//! The black-box scenarios of the contract (section 5.1), answered as its section 0 says. Each is a test
//! that names its number, in the file of its topic; here is that none is missing.

use std::collections::BTreeMap;
use std::path::Path;

/// Scenarios of section 5.1.
const SCENARIOS: std::ops::RangeInclusive<u32> = 1..=56;

/// The tests of this folder by the scenarios they name in their doc comments.
fn tests_by_scenario() -> BTreeMap<u32, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let mut numbers = Vec::new();
        for line in source.lines() {
            if let Some(named) = line.strip_prefix("/// Scenario") {
                let words = named.split(|c: char| !c.is_ascii_digit());
                numbers = words.filter_map(|word| word.parse().ok()).collect();
            } else if let Some(signature) = line.strip_prefix("async fn ") {
                let name = signature.split('(').next().unwrap_or_default();
                for number in numbers.drain(..) {
                    found.entry(number).or_default().push(name.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn every_scenario_of_the_contract_is_a_test_and_no_test_names_another() {
    let found = tests_by_scenario();
    let missing: Vec<_> = SCENARIOS.filter(|n| !found.contains_key(n)).collect();
    assert!(missing.is_empty(), "no test for the scenarios {missing:?}");
    let unknown: Vec<_> = found.keys().filter(|n| !SCENARIOS.contains(n)).collect();
    assert!(unknown.is_empty(), "no such scenarios: {unknown:?}");
}
