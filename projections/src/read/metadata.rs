//! Issuance metadata.

use super::entity::{Entities, Entity};
use chrono::{DateTime, Utc};
use schemas::event::issuance::{IssuanceMetadata, IssuanceMetadataRecorded};
use schemas::id::MetadataId;
use schemas::log::Position;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Metadata {
    metadata_id: MetadataId,
    #[serde(flatten)]
    content: IssuanceMetadata,
    created_at: DateTime<Utc>,
    position: Position,
}

impl Entity for Metadata {
    const TABLE: &'static str = "issuance_metadata";
    const COLUMNS: &'static [&'static str] = &[
        "metadata_id",
        "country_of_issuance",
        "connected_grid_identification",
        "issuing_body",
        "issue_market_zone",
        "legal_status",
        "issuance_purpose",
        "support_received",
        "quality_scheme_reference",
        "dissemination_level",
        "registry_configuration",
        "created_at",
        "position",
    ];

    fn id(&self) -> i64 {
        self.metadata_id.0
    }
}

impl Entities<Metadata> {
    pub(super) fn recorded(
        &mut self,
        event: &IssuanceMetadataRecorded,
        at: DateTime<Utc>,
        position: Position,
    ) {
        self.insert(Metadata {
            metadata_id: event.metadata_id,
            content: event.metadata.clone(),
            created_at: at,
            position,
        });
    }
}
