//! Questions for bundles.

use super::bundle::Bundle;
use crate::WattHours;
use crate::energy::EnergySource;
use crate::id::{AccountId, DeviceId, UserId};
use crate::life_cycle::CertificateStatus;
use crate::words;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// Order of bundles by start of production.
    SortOrder { Ascending = "asc", Descending = "desc" }
}

const fn some_true() -> Option<bool> {
    Some(true)
}

/// Which bundles of an account are wanted. Every filter given narrows the answer; an empty list
/// matches nothing.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[schema(as = GranularCertificateQuery, example = json!({
    "source_id": 1,
    "energy_source": "wind",
    "certificate_period_start": "2024-11-01",
    "certificate_period_end": "2024-11-30",
    "certificate_bundle_status": "Active"
}))]
pub struct BundleQuery {
    /// The account that holds the bundles.
    pub source_id: AccountId,
    /// Must be the caller's own id where given, unless the caller administers users.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// Accepted and without effect: the registry counts in UTC.
    #[serde(default = "some_true")]
    pub localise_time: Option<bool>,
    /// `{device_id}-{start of production}`, at most 1,000. Not together with a period.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    pub issuance_ids: Option<Vec<String>>,
    /// The device that produced.
    #[serde(default)]
    pub device_id: Option<DeviceId>,
    /// The devices that produced, at most 1,000.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    pub device_ids: Option<Vec<DeviceId>>,
    /// Source of energy.
    #[serde(default)]
    pub energy_source: Option<EnergySource>,
    /// Sources of energy.
    #[serde(default)]
    pub energy_sources: Option<Vec<EnergySource>>,
    /// First start of production; with an end at most 30 days later.
    #[serde(default)]
    pub certificate_period_start: Option<DateTime<Utc>>,
    /// Last end of production.
    #[serde(default)]
    pub certificate_period_end: Option<DateTime<Utc>>,
    /// State.
    #[serde(default)]
    pub certificate_bundle_status: Option<CertificateStatus>,
    /// States. Bundles that were split are never found.
    #[serde(default)]
    pub certificate_bundle_statuses: Option<Vec<CertificateStatus>>,
    /// Bundles per page, 1 to 1,000; 1,000 where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Order by start of production; ascending where absent.
    #[serde(default)]
    pub sort: Option<SortOrder>,
}

/// The question and its answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GranularCertificateQueryRead)]
pub struct BundleQueryAnswer {
    /// The question.
    #[serde(flatten)]
    pub query: BundleQuery,
    /// A page of the bundles that match.
    pub granular_certificate_bundles: Vec<Bundle>,
    /// Wh over all bundles that match, not only this page.
    pub total_certificate_volume: WattHours,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}
