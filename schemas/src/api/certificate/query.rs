//! Questions for bundles.

use super::bundle::Bundle;
use super::bundle_full::BundleFull;
use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::page::PageQuery;
use crate::api::problem::{FieldError, code};
use crate::api::value::{At, FromValue, Given};
use crate::energy::{EnergySource, UnknownWord};
use crate::id::{AccountId, DeviceId, UserId};
use crate::life_cycle::CertificateStatus;
use crate::words;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

words! {
    /// Order of bundles by start of production.
    SortOrder { Ascending = "asc", Descending = "desc" }
}

impl FromValue for SortOrder {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let text = match given {
            Given::Text(text) | Given::Loose(text) => text.as_str(),
            _ => "",
        };
        text.parse()
            .map_err(|unknown: UnknownWord| {
                errors.push(at.error(code::UNKNOWN_VALUE, unknown.to_string()));
            })
            .ok()
    }
}

/// Most values a list of a query may have.
pub const MAX_LISTED: usize = 1_000;

/// Which bundles of an account are wanted. Every filter given narrows the answer; an empty list
/// matches nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GranularCertificateQuery, example = json!({
    "source_id": 1,
    "energy_source": "wind",
    "certificate_period_start": "2024-11-01T00:00:00Z",
    "certificate_period_end": "2024-11-30T00:00:00Z",
    "certificate_bundle_status": "Active"
}))]
pub struct BundleQuery {
    /// The account that holds the bundles.
    #[schema(value_type = i64)]
    pub source_id: Named<AccountId>,
    /// Must be the caller's own id where given, unless the caller administers users.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<Named<UserId>>,
    /// Accepted and without effect: the registry counts in UTC.
    #[schema(required = false)]
    pub localise_time: bool,
    /// `{device_id}-{start of production}`, at most 1,000. Not together with a period.
    #[schema(max_items = 1_000)]
    pub issuance_ids: Option<Vec<String>>,
    /// The device that produced.
    #[schema(value_type = Option<i64>)]
    pub device_id: Option<DeviceId>,
    /// The devices that produced, at most 1,000.
    #[schema(value_type = Option<Vec<i64>>, max_items = 1_000)]
    pub device_ids: Option<Vec<DeviceId>>,
    /// Source of energy.
    pub energy_source: Option<EnergySource>,
    /// Sources of energy.
    pub energy_sources: Option<Vec<EnergySource>>,
    /// First start of production; with an end at most 30 days later.
    pub certificate_period_start: Option<DateTime<Utc>>,
    /// Last end of production.
    pub certificate_period_end: Option<DateTime<Utc>>,
    /// State.
    pub certificate_bundle_status: Option<CertificateStatus>,
    /// States. Bundles that were split are never found.
    pub certificate_bundle_statuses: Option<Vec<CertificateStatus>>,
    /// Bundles per page; absent or 0 means 1,000, which is the most.
    #[schema(minimum = 0, maximum = 1_000, required = false)]
    pub limit: i64,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Order by start of production.
    #[schema(required = false)]
    pub sort: SortOrder,
}

impl FromFields for BundleQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let source_id = fields.required("source_id");
        let PageQuery { limit, cursor } = PageQuery::from_fields(fields)?;
        let user_id = fields.optional("user_id");
        let localise_time = fields.or("localise_time", true);
        let issuance_ids = bounded(fields, "issuance_ids");
        let device_id = fields.optional("device_id");
        let device_ids = bounded(fields, "device_ids");
        let energy_source = fields.optional("energy_source");
        let energy_sources = bounded(fields, "energy_sources");
        let certificate_period_start = fields.optional("certificate_period_start");
        let certificate_period_end = fields.optional("certificate_period_end");
        let certificate_bundle_status = fields.optional("certificate_bundle_status");
        let certificate_bundle_statuses = bounded(fields, "certificate_bundle_statuses");
        let sort = fields.or("sort", SortOrder::Ascending);
        Some(Self {
            source_id: source_id?,
            user_id,
            localise_time,
            issuance_ids,
            device_id,
            device_ids,
            energy_source,
            energy_sources,
            certificate_period_start,
            certificate_period_end,
            certificate_bundle_status,
            certificate_bundle_statuses,
            limit,
            cursor,
            sort,
        })
    }
}

/// A list of at most [`MAX_LISTED`] values.
fn bounded<T: FromValue>(fields: &mut Fields<'_>, name: &str) -> Option<Vec<T>> {
    let list = fields.optional::<Vec<T>>(name)?;
    if list.len() > MAX_LISTED {
        fields.refuse(
            name,
            code::OUT_OF_RANGE,
            format!("`{name}` lists at most {MAX_LISTED} values"),
        );
        return None;
    }
    Some(list)
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
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// The question and its answer, with all that EnergyTag wants certificates to carry.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GranularCertificateQueryReadFull)]
pub struct BundleQueryFullAnswer {
    /// The question.
    #[serde(flatten)]
    pub query: BundleQuery,
    /// A page of the bundles that match.
    pub granular_certificate_bundles: Vec<BundleFull>,
    /// Wh over all bundles that match, not only this page.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_of_a_query_has_at_most_1_000_values() {
        let query = |count: usize| {
            let body = serde_json::json!({"source_id": 1, "device_ids": vec![1; count]});
            let body = serde_json::to_vec(&body).unwrap();
            let read = Fields::from_json(&body).unwrap().read::<BundleQuery>();
            read.map(|query| query.device_ids.unwrap().len())
        };
        assert_eq!(query(MAX_LISTED), Ok(MAX_LISTED));
        let errors = query(MAX_LISTED + 1).unwrap_err();
        assert_eq!(errors[0].pointer.as_deref(), Some("/device_ids"));
    }
}
