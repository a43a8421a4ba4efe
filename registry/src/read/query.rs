//! Which bundles an account holds.

use super::bundle::{COLUMNS, bundle};
use super::cursor::{Page, decode};
use super::{ReadError, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::certificate::{Bundle, SortOrder};
use schemas::energy::EnergySource;
use schemas::id::{AccountId, DeviceId};
use schemas::life_cycle::CertificateStatus;
use tokio_postgres::types::ToSql;

/// Bundles of an account; every filter given narrows them, an empty list leaves none. Bundles that were
/// split are never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The account that holds them.
    pub account_id: AccountId,
    /// Device and start of production of their issuances.
    pub issuances: Option<Vec<(DeviceId, DateTime<Utc>)>>,
    /// Devices that produced; each list narrows.
    pub devices: Vec<Vec<DeviceId>>,
    /// Sources of energy; each list narrows.
    pub sources: Vec<Vec<EnergySource>>,
    /// States; each list narrows.
    pub statuses: Vec<Vec<CertificateStatus>>,
    /// First start of production.
    pub from: Option<DateTime<Utc>>,
    /// Last end of production.
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    /// All bundles of an account.
    #[must_use]
    pub const fn all_of(account_id: AccountId) -> Self {
        Self {
            account_id,
            issuances: None,
            devices: Vec::new(),
            sources: Vec::new(),
            statuses: Vec::new(),
            from: None,
            to: None,
        }
    }

    /// Whether the sums kept per account, device, day and state answer for it.
    fn is_in_holdings(&self) -> bool {
        self.issuances.is_none()
            && self.sources.is_empty()
            && self.from.is_none()
            && self.to.is_none()
    }
}

/// A statement in the making: one per combination of filters, so that each is planned for its own.
struct Statement {
    text: String,
    parameters: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Statement {
    fn new(text: String) -> Self {
        Self {
            text,
            parameters: Vec::new(),
        }
    }

    /// Adds a condition in which `?` stands for the value.
    fn and(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static) {
        self.parameters.push(Box::new(value));
        let place = format!("${}", self.parameters.len());
        self.text.push_str(" AND ");
        self.text.push_str(&condition.replace('?', &place));
    }

    fn and_holdings_of(&mut self, filter: &Filter) {
        for devices in &filter.devices {
            let ids: Vec<i64> = devices.iter().map(|id| id.0).collect();
            self.and("device_id = ANY(?)", ids);
        }
        for statuses in &filter.statuses {
            let words: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
            self.and("status = ANY(?)", words);
        }
    }

    fn and_bundles_of(&mut self, filter: &Filter) {
        self.and("account_id = ?", filter.account_id.0);
        self.and_holdings_of(filter);
        for sources in &filter.sources {
            let words: Vec<&str> = sources.iter().map(|source| source.as_str()).collect();
            self.and("energy_source = ANY(?)", words);
        }
        if let Some(from) = filter.from {
            self.and("production_start >= ?", from);
        }
        if let Some(to) = filter.to {
            // The first says it; the second bounds the range of the index.
            self.and("production_end <= ? AND production_start < ?", to);
        }
        if let Some(issuances) = &filter.issuances {
            let (devices, starts): (Vec<i64>, Vec<DateTime<Utc>>) = issuances
                .iter()
                .map(|(device, start)| (device.0, *start))
                .unzip();
            self.parameters.push(Box::new(devices));
            let devices = self.parameters.len();
            self.and(
                &format!(
                    "(device_id, production_start) IN (SELECT * FROM unnest(${devices}::bigint[], ?::timestamptz[]))"
                ),
                starts,
            );
        }
    }

    async fn rows(self, client: &Client) -> Result<Vec<tokio_postgres::Row>, ReadError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = self
            .parameters
            .iter()
            .map(|parameter| parameter.as_ref() as &(dyn ToSql + Sync))
            .collect();
        rows(client, &self.text, &parameters).await
    }
}

/// Start of production and id of the last bundle of a page.
pub type Key = (DateTime<Utc>, i64);

const fn list(sort: SortOrder) -> &'static str {
    match sort {
        SortOrder::Ascending => "bundles_asc",
        SortOrder::Descending => "bundles_desc",
    }
}

/// The key in a cursor of a list in this order.
#[must_use]
pub fn key(sort: SortOrder, cursor: &str) -> Option<Key> {
    decode(list(sort), cursor)
}

/// A page of the bundles, by start of production and id.
pub async fn page(
    client: &Client,
    filter: &Filter,
    sort: SortOrder,
    after: Option<Key>,
    limit: i64,
) -> Result<Page<Bundle>, ReadError> {
    let (beyond, direction) = match sort {
        SortOrder::Ascending => (">", "ASC"),
        SortOrder::Descending => ("<", "DESC"),
    };
    let mut statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM bundle b WHERE status <> 'Bundle Split'"
    ));
    statement.and_bundles_of(filter);
    if let Some((production_start, bundle_id)) = after {
        statement.parameters.push(Box::new(production_start));
        let start = statement.parameters.len();
        statement.and(
            &format!("(production_start, bundle_id) {beyond} (${start}, ?)"),
            bundle_id,
        );
    }
    statement.parameters.push(Box::new(limit + 1));
    statement.text.push_str(&format!(
        " ORDER BY production_start {direction}, bundle_id {direction} LIMIT ${}",
        statement.parameters.len()
    ));
    let rows = statement.rows(client).await?;
    let bundles = rows.iter().map(bundle).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(bundles, limit, list(sort), |last| {
        (last.production_starting_interval, last.id.0)
    }))
}

/// Wh over all bundles that match.
pub async fn total(client: &Client, filter: &Filter) -> Result<WattHours, ReadError> {
    let mut statement;
    if filter.is_in_holdings() {
        statement =
            Statement::new("SELECT coalesce(sum(wh), 0)::bigint FROM holding WHERE true".into());
        statement.and("account_id = ?", filter.account_id.0);
        statement.and_holdings_of(filter);
    } else {
        statement = Statement::new(
            "SELECT coalesce(sum(range_end - range_start + 1), 0)::bigint FROM bundle
             WHERE status <> 'Bundle Split'"
                .into(),
        );
        statement.and_bundles_of(filter);
    }
    match statement.rows(client).await?.first() {
        Some(row) => Ok(WattHours(row.try_get(0)?)),
        None => Ok(WattHours::ZERO),
    }
}
