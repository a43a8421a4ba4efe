//! Lineages, and whether they hold together.

use crate::Actor;
use registry::lineage::verify::verify;
use schemas::api::certificate::Lineage;
use serde_json::Value;

impl Actor {
    /// The lineage of a bundle in one of its forms, which must hold together.
    pub async fn lineage(&self, id: i64, format: &str) -> Value {
        let path = format!("/certificate/{id}/lineage?format={format}");
        let lineage = self.get(&path).await.expect(200);
        let broken = broken(&lineage);
        assert_eq!(broken, None, "the {format} of bundle {id}: {lineage:#}");
        lineage
    }
}

/// Why a saved lineage is refused; `None` if it is not.
pub fn broken(lineage: &Value) -> Option<String> {
    match serde_json::from_value::<Lineage>(lineage.clone()) {
        Err(error) => Some(error.to_string()),
        Ok(lineage) => {
            let verdict = verify(&lineage);
            (!verdict.holds()).then(|| verdict.to_string())
        }
    }
}
