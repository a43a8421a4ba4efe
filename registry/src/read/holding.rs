//! What accounts hold, by period and group: read from the sums kept by hour and day.

use super::cursor::{Page, decode};
use super::{ReadError, rows, word};
use chrono::{DateTime, Timelike, Utc};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::holding::{Grouping, Holding, HoldingQuery, Period};
use schemas::id::{AccountId, DeviceId};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Start of the period and what tells the group apart: source, status, device, technology.
pub type Key = (
    DateTime<Utc>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
);

/// A page of holdings, and the sums over all pages.
pub struct Found {
    /// The page.
    pub page: Page<Holding>,
    /// Bundles over all.
    pub bundles: i64,
    /// Wh over all.
    pub wh: WattHours,
}

/// A cursor belongs to one kind of period and groups.
fn list(query: &HoldingQuery) -> String {
    let groups: Vec<_> = query.group_by.0.iter().map(|one| one.as_str()).collect();
    format!("holdings {} {}", query.period, groups.join(","))
}

/// The key in a cursor of this list.
#[must_use]
pub fn key(query: &HoldingQuery, cursor: &str) -> Option<Key> {
    decode(&list(query), cursor)
}

const fn column(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Source => "energy_source",
        Grouping::Status => "status",
        Grouping::Device => "device_id",
        Grouping::Technology => "technology_type",
    }
}

type Parameters = Vec<Box<dyn ToSql + Sync + Send>>;

/// Where the value stands.
fn place(parameters: &mut Parameters, value: impl ToSql + Sync + Send + 'static) -> String {
    parameters.push(Box::new(value));
    format!("${}", parameters.len())
}

/// One row of each period and group: `period_start`, the columns told apart by, `bundles`, `wh`.
fn grouped(account_id: AccountId, query: &HoldingQuery, parameters: &mut Parameters) -> String {
    let mut conditions = vec![format!("account_id = {}", place(parameters, account_id.0))];
    for (bound, by_day, by_hour) in [(query.from, ">=", ">"), (query.to, "<=", "<=")] {
        let Some(at) = bound else { continue };
        let day = place(parameters, at.date_naive());
        if query.period == Period::Hour {
            // The n-th hour of a day ends at n o'clock.
            let hour = place(parameters, i64::from(at.hour()));
            conditions.push(format!(
                "day {by_day} {day} AND (day, n) {by_hour} ({day}, {hour})"
            ));
        } else {
            let by_day = if by_day == "<=" { "<" } else { by_day };
            conditions.push(format!("day {by_day} {day}"));
        }
    }
    conditions.push(match query.status {
        Some(status) => format!("status = {}", place(parameters, status.as_str())),
        None => "status <> 'Withdrawn'".to_owned(),
    });
    if let Some(source) = query.source {
        conditions.push(format!(
            "energy_source = {}",
            place(parameters, source.as_str())
        ));
    }
    if let Some(device_id) = query.device_id {
        conditions.push(format!("device_id = {}", place(parameters, device_id.0)));
    }
    let (start, amounts, mut from) = match query.period {
        Period::Hour => (
            "day + (n - 1) * interval '1 hour'",
            "h.bundles, h.wh",
            "holding CROSS JOIN LATERAL unnest(hour_bundles, hour_wh) WITH ORDINALITY
                 AS h (bundles, wh, n)"
                .to_owned(),
        ),
        Period::Day => (
            "day::timestamp",
            "holding.bundles, holding.wh",
            "holding".to_owned(),
        ),
        Period::Month => (
            "date_trunc('month', day::timestamp)",
            "holding.bundles, holding.wh",
            "holding".to_owned(),
        ),
    };
    if query.period == Period::Hour {
        conditions.push("h.bundles <> 0".to_owned());
    }
    if query.group_by.0.contains(&Grouping::Technology) {
        from.push_str(
            " JOIN (SELECT device_id, technology_type FROM device) AS d USING (device_id)",
        );
    }
    let columns: String = query
        .group_by
        .0
        .iter()
        .map(|one| format!(", {}", column(*one)))
        .collect();
    let (bundles, wh) = amounts.split_once(", ").unwrap_or_default();
    format!(
        "SELECT ({start}) AT TIME ZONE 'UTC' AS period_start{columns},
             sum({bundles})::bigint AS bundles, sum({wh})::bigint AS wh
         FROM {from} WHERE {} GROUP BY 1{columns}",
        conditions.join(" AND ")
    )
}

/// A page of the holdings, in the order of periods and groups.
///
/// # Errors
/// [`ReadError`] if the database does not answer.
pub async fn page(
    client: &Client,
    account_id: AccountId,
    query: &HoldingQuery,
    after: Option<Key>,
    limit: i64,
) -> Result<Found, ReadError> {
    let mut parameters = Parameters::new();
    let grouped = grouped(account_id, query, &mut parameters);
    let groups = &query.group_by.0;
    let order = groups.iter().fold("period_start".to_owned(), |order, one| {
        format!("{order}, {}", column(*one))
    });
    let beyond = match after {
        None => String::new(),
        Some((start, source, status, device, technology)) => {
            let mut last = place(&mut parameters, start);
            for one in groups {
                let next = match one {
                    Grouping::Source => place(&mut parameters, source.clone()),
                    Grouping::Status => place(&mut parameters, status.clone()),
                    Grouping::Device => place(&mut parameters, device),
                    Grouping::Technology => place(&mut parameters, technology.clone()),
                };
                last = format!("{last}, {next}");
            }
            format!("WHERE ({order}) > ({last})")
        }
    };
    let most = place(&mut parameters, limit + 1);
    // One statement, so that sums and rows are of one moment.
    let statement = format!(
        "WITH grouped AS MATERIALIZED ({grouped})
         SELECT total.bundles, total.wh, page.* FROM (
             SELECT COALESCE(sum(bundles), 0)::bigint AS bundles, COALESCE(sum(wh), 0)::bigint AS wh
             FROM grouped) AS total
         LEFT JOIN (SELECT * FROM grouped {beyond} ORDER BY {order} LIMIT {most}) AS page ON true
         ORDER BY {order}"
    );
    let parameters: Vec<&(dyn ToSql + Sync)> = parameters
        .iter()
        .map(|parameter| parameter.as_ref() as &(dyn ToSql + Sync))
        .collect();
    let found = rows(client, &statement, &parameters).await?;
    let (bundles, wh) = match found.first() {
        Some(row) => (row.try_get(0)?, WattHours(row.try_get(1)?)),
        None => (0, WattHours::ZERO),
    };
    let mut entries = Vec::with_capacity(found.len());
    for row in &found {
        entries.extend(entry(row, groups)?);
    }
    let page = Page::of(entries, limit, &list(query), |last: &Holding| -> Key {
        (
            last.period_start,
            last.source.map(|source| source.to_string()),
            last.status.map(|status| status.to_string()),
            last.device_id.map(|device| device.0),
            last.technology.map(|technology| technology.to_string()),
        )
    });
    Ok(Found { page, bundles, wh })
}

/// The holding in a row; none where there is only the total.
fn entry(row: &Row, groups: &[Grouping]) -> Result<Option<Holding>, ReadError> {
    const TOTALS: usize = 2;
    let Some(period_start) = row.try_get(TOTALS)? else {
        return Ok(None);
    };
    let amounts = TOTALS + 1 + groups.len();
    let mut holding = Holding {
        period_start,
        source: None,
        status: None,
        device_id: None,
        technology: None,
        bundles: row.try_get(amounts)?,
        wh: WattHours(row.try_get(amounts + 1)?),
    };
    for (at, one) in (TOTALS + 1..).zip(groups) {
        match one {
            Grouping::Source => holding.source = Some(word(row, at)?),
            Grouping::Status => holding.status = Some(word(row, at)?),
            Grouping::Device => holding.device_id = Some(DeviceId(row.try_get(at)?)),
            Grouping::Technology => holding.technology = Some(word(row, at)?),
        }
    }
    Ok(Some(holding))
}
