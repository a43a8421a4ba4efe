//! The demo's issuance metadata, as the reference's.

use schemas::api::certificate::Metadata;
use serde_json::json;

use super::error::{SeedError, While};
use crate::client::{Client, ClientError};

/// Records it once.
pub(super) async fn ensure(admin: &Client) -> Result<(), SeedError> {
    record(admin).await.during("issuance metadata")
}

/// The same, for whoever is not the demo.
pub(super) async fn record(admin: &Client) -> Result<(), ClientError> {
    let body = json!({
        "country_of_issuance": "UK",
        "connected_grid_identification": "NESO",
        "issuing_body": "OFGEM",
        "legal_status": "legal",
        "issuance_purpose": "compliance",
        "support_received": null,
        "quality_scheme_reference": null,
        "dissemination_level": null,
        "issue_market_zone": "NESO",
    });
    // It has no name to be found by; under the key the second request is the first.
    let _: Metadata = admin
        .post_as("/certificate/create_metadata", "seed-1:metadata", &body)
        .await?;
    Ok(())
}
