//! Bundles in answers.

use serde_json::Value;

/// Bundles as a query or a list answers them.
pub type Bundles = Vec<Value>;

/// Their ids, in order.
pub fn ids(bundles: &[Value]) -> Vec<i64> {
    bundles
        .iter()
        .map(|bundle| bundle["id"].as_i64().unwrap())
        .collect()
}

/// Their quantities in Wh, sorted.
pub fn quantities(bundles: &[Value]) -> Vec<i64> {
    let mut quantities: Vec<_> = bundles
        .iter()
        .map(|bundle| bundle["bundle_quantity"].as_i64().unwrap())
        .collect();
    quantities.sort_unstable();
    quantities
}

/// Wh over all of them.
pub fn volume(bundles: &[Value]) -> i64 {
    quantities(bundles).iter().sum()
}
