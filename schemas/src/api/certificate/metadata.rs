//! Issuance metadata.

use crate::api::field::{Fields, FromFields};
use crate::event::issuance::IssuanceMetadata;
use crate::id::MetadataId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Issuance metadata to record; it applies to what is issued from readings after it.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = IssuanceMetaDataBase, example = json!({
    "country_of_issuance": "UK", "connected_grid_identification": "NESO",
    "issuing_body": "OFGEM", "issue_market_zone": "NESO", "legal_status": null,
    "issuance_purpose": "disclosure", "support_received": null, "quality_scheme_reference": null,
    "dissemination_level": null, "registry_configuration": 1
}))]
pub struct NewMetadata {
    /// Country of issuance.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    pub country_of_issuance: String,
    /// Grid the devices are connected to.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    pub connected_grid_identification: String,
    /// The issuing body.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    pub issuing_body: String,
    /// Market zone of issuance.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    pub issue_market_zone: String,
    /// Legal status of the certificates.
    #[schema(max_length = 500)]
    pub legal_status: Option<String>,
    /// Purpose of issuance.
    #[schema(max_length = 500)]
    pub issuance_purpose: Option<String>,
    /// Public support received.
    #[schema(max_length = 500)]
    pub support_received: Option<String>,
    /// Reference to a quality scheme.
    #[schema(max_length = 500)]
    pub quality_scheme_reference: Option<String>,
    /// Whether usable for disclosure.
    #[schema(max_length = 500)]
    pub dissemination_level: Option<String>,
    /// EnergyTag configuration 1, 2 or 3; 1 where absent.
    #[schema(minimum = 1, maximum = 3, required = false)]
    pub registry_configuration: u8,
}

impl FromFields for NewMetadata {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let country_of_issuance = fields.required("country_of_issuance");
        let connected_grid_identification = fields.required("connected_grid_identification");
        let issuing_body = fields.required("issuing_body");
        let issue_market_zone = fields.required("issue_market_zone");
        let configuration: i64 = fields.or("registry_configuration", 1);
        Some(Self {
            legal_status: fields.optional("legal_status"),
            issuance_purpose: fields.optional("issuance_purpose"),
            support_received: fields.optional("support_received"),
            quality_scheme_reference: fields.optional("quality_scheme_reference"),
            dissemination_level: fields.optional("dissemination_level"),
            country_of_issuance: country_of_issuance?,
            connected_grid_identification: connected_grid_identification?,
            issuing_body: issuing_body?,
            issue_market_zone: issue_market_zone?,
            // What does not fit is out of range like any other number than 1, 2 and 3.
            registry_configuration: u8::try_from(configuration).unwrap_or(0),
        })
    }
}

impl From<NewMetadata> for IssuanceMetadata {
    fn from(new: NewMetadata) -> Self {
        Self {
            country_of_issuance: new.country_of_issuance,
            connected_grid_identification: new.connected_grid_identification,
            issuing_body: new.issuing_body,
            issue_market_zone: new.issue_market_zone,
            legal_status: new.legal_status,
            issuance_purpose: new.issuance_purpose,
            support_received: new.support_received,
            quality_scheme_reference: new.quality_scheme_reference,
            dissemination_level: new.dissemination_level,
            registry_configuration: new.registry_configuration,
        }
    }
}

/// Recorded issuance metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IssuanceMetaDataRead, example = json!({
    "id": 1, "created_at": "2024-11-18T09:00:00.5Z", "country_of_issuance": "UK",
    "connected_grid_identification": "NESO", "issuing_body": "OFGEM", "issue_market_zone": "NESO",
    "legal_status": null, "issuance_purpose": "disclosure", "support_received": null,
    "quality_scheme_reference": null, "dissemination_level": null, "registry_configuration": 1
}))]
pub struct Metadata {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: MetadataId,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// Country of issuance.
    pub country_of_issuance: String,
    /// Grid the devices are connected to.
    pub connected_grid_identification: String,
    /// The issuing body.
    pub issuing_body: String,
    /// Market zone of issuance.
    pub issue_market_zone: String,
    /// Legal status of the certificates.
    pub legal_status: Option<String>,
    /// Purpose of issuance.
    pub issuance_purpose: Option<String>,
    /// Public support received.
    pub support_received: Option<String>,
    /// Reference to a quality scheme.
    pub quality_scheme_reference: Option<String>,
    /// Whether usable for disclosure.
    pub dissemination_level: Option<String>,
    /// EnergyTag configuration 1, 2 or 3.
    pub registry_configuration: i16,
}

impl Metadata {
    /// The metadata as recorded at `recorded_at`.
    #[must_use]
    pub fn of(id: MetadataId, metadata: IssuanceMetadata, recorded_at: DateTime<Utc>) -> Self {
        Self {
            id,
            created_at: recorded_at,
            country_of_issuance: metadata.country_of_issuance,
            connected_grid_identification: metadata.connected_grid_identification,
            issuing_body: metadata.issuing_body,
            issue_market_zone: metadata.issue_market_zone,
            legal_status: metadata.legal_status,
            issuance_purpose: metadata.issuance_purpose,
            support_received: metadata.support_received,
            quality_scheme_reference: metadata.quality_scheme_reference,
            dissemination_level: metadata.dissemination_level,
            registry_configuration: metadata.registry_configuration.into(),
        }
    }
}
