//! What an account holds, by period of production.

use super::field::{Fields, FromFields};
use super::problem::FieldError;
use super::value::{At, FromValue, Given, word};
use crate::WattHours;
use crate::energy::{EnergySource, TechnologyType};
use crate::id::{AccountId, DeviceId};
use crate::life_cycle::CertificateStatus;
use crate::words;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

words! {
    /// Length of the periods, which begin on the hour, at midnight or on the first of a month in UTC.
    Period { Hour = "hour", Day = "day", Month = "month" }
}

words! {
    /// What the holdings of a period are told apart by.
    Grouping { Source = "source", Status = "status", Device = "device", Technology = "technology" }
}

impl FromValue for Period {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        word(given, at, errors)
    }
}

/// What to tell apart by: words between commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groupings(pub Vec<Grouping>);

impl FromValue for Groupings {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let text = String::from_value(given, at, errors)?;
        let before = errors.len();
        let words = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let mut found: Vec<_> = words
            .filter_map(|one| word(&Given::Loose(one.to_owned()), at, errors))
            .collect();
        found.sort_unstable();
        found.dedup();
        (errors.len() == before).then_some(Self(found))
    }
}

/// Which holdings are wanted.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HoldingQuery {
    /// Length of the periods; a month where absent.
    #[param(value_type = Option<Period>)]
    pub period: Period,
    /// Start of the first period; needed for hours and days.
    pub from: Option<DateTime<Utc>>,
    /// End of the last period; needed for hours and days. At most 1,000 periods after `from`.
    pub to: Option<DateTime<Utc>>,
    /// `source`, `status`, `device` and `technology`, any of them, between commas. The source is that of
    /// the bundles, the technology that of the device as it is now.
    #[param(
        value_type = Option<String>,
        example = "source,status",
        pattern = r"^\s*(source|status|device|technology)?\s*(,\s*(source|status|device|technology)?\s*)*$"
    )]
    pub group_by: Groupings,
    /// Only bundles in this state. Where absent, in any but `Withdrawn`.
    pub status: Option<CertificateStatus>,
    /// Only bundles of this source of energy.
    pub source: Option<EnergySource>,
    /// Only bundles of this device.
    #[param(value_type = Option<i64>)]
    pub device_id: Option<DeviceId>,
}

impl FromFields for HoldingQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            period: fields.or("period", Period::Month),
            from: fields.optional("from"),
            to: fields.optional("to"),
            group_by: fields.or("group_by", Groupings::default()),
            status: fields.optional("status"),
            source: fields.optional("source"),
            device_id: fields.optional("device_id"),
        })
    }
}

/// What is held of one period, or of one group of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Holding {
    /// When the period begins.
    pub period_start: DateTime<Utc>,
    /// Source of energy of the bundles; absent unless told apart by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<EnergySource>,
    /// State of the bundles; absent unless told apart by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<CertificateStatus>,
    /// The device that produced; absent unless told apart by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub device_id: Option<DeviceId>,
    /// Its technology now; absent unless told apart by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub technology: Option<TechnologyType>,
    /// Bundles.
    pub bundles: i64,
    /// Their energy in Wh.
    #[schema(value_type = i64)]
    pub wh: WattHours,
}

/// A page of what an account holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldingPage {
    /// The account.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// Length of the periods.
    pub period: Period,
    /// Start of the first period asked for.
    pub from: Option<DateTime<Utc>>,
    /// End of the last period asked for.
    pub to: Option<DateTime<Utc>>,
    /// What the holdings are told apart by.
    pub group_by: Vec<Grouping>,
    /// In the order of periods and groups; periods in which nothing was produced are left out.
    pub holdings: Vec<Holding>,
    /// Bundles of all periods asked for, not only of this page.
    pub total_bundles: i64,
    /// Their energy in Wh.
    #[schema(value_type = i64)]
    pub total_wh: WattHours,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}
