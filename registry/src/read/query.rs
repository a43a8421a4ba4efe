//! Which bundles an account holds.

use super::bundle::{COLUMNS, bundle};
use super::cursor::{Page, decode};
use super::{ReadError, rows};
use chrono::{DateTime, Timelike, Utc};
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

    /// The devices that all lists name; `None` where there is no list.
    fn device_ids(&self) -> Option<Vec<i64>> {
        let (first, others) = self.devices.split_first()?;
        let named_by_all = |id: &&DeviceId| others.iter().all(|list| list.contains(id));
        let mut ids: Vec<i64> = first.iter().filter(named_by_all).map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// Whether the sums kept per account, device, hour, source and state answer for it: an interval of
    /// production lies within an hour.
    fn is_in_holdings(&self) -> bool {
        let is_whole_hour =
            |at: &DateTime<Utc>| at.timestamp_subsec_nanos() == 0 && at.timestamp() % 3600 == 0;
        self.issuances.is_none() && self.from.iter().chain(&self.to).all(is_whole_hour)
    }

    /// Whether the sums kept per account, source and state answer for it, of which there are a few, however many
    /// devices and days the account has.
    fn is_in_totals(&self) -> bool {
        let is_of_any_time = self.from.is_none() && self.to.is_none();
        self.issuances.is_none() && self.devices.is_empty() && is_of_any_time
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

    /// Where the value stands.
    fn place(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.parameters.push(Box::new(value));
        format!("${}", self.parameters.len())
    }

    /// Adds a condition in which `?` stands for the value.
    fn and(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static) {
        let place = self.place(value);
        self.text.push_str(" AND ");
        self.text.push_str(&condition.replace('?', &place));
    }

    fn and_devices_of(&mut self, filter: &Filter) {
        if let Some(ids) = filter.device_ids() {
            self.and("device_id = ANY(?)", ids);
        }
    }

    fn and_statuses_of(&mut self, filter: &Filter) {
        for statuses in &filter.statuses {
            let words: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
            self.and("status = ANY(?)", words);
        }
    }

    fn and_sources_of(&mut self, filter: &Filter) {
        for sources in &filter.sources {
            let words: Vec<&str> = sources.iter().map(|source| source.as_str()).collect();
            self.and("energy_source = ANY(?)", words);
        }
    }

    /// `of_device` says that the statement goes device by device. It has to use the index of devices then,
    /// whatever is known of the table when it is planned; that of accounts leads past everything the
    /// account holds of other devices. A sum is not what an index is on, so it is left out.
    fn and_bundles_of(&mut self, filter: &Filter, of_device: bool) {
        let account = if of_device {
            "account_id + 0 = ?"
        } else {
            "account_id = ?"
        };
        self.and(account, filter.account_id.0);
        self.and_statuses_of(filter);
        self.and_sources_of(filter);
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

/// Most devices whose bundles are merged; beyond, the account's are looked through.
const MAX_MERGED: usize = 100;

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
    let statement = page_statement(filter, sort, after, limit);
    let rows = statement.rows(client).await?;
    let bundles = rows.iter().map(bundle).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(bundles, limit, list(sort), |last| {
        (last.production_starting_interval, last.id.0)
    }))
}

fn page_statement(filter: &Filter, sort: SortOrder, after: Option<Key>, limit: i64) -> Statement {
    let (beyond, direction) = match sort {
        SortOrder::Ascending => (">", "ASC"),
        SortOrder::Descending => ("<", "DESC"),
    };
    let order = format!("ORDER BY production_start {direction}, bundle_id {direction}");
    let by_device = filter.device_ids().filter(|ids| ids.len() <= MAX_MERGED);
    let is_merged = by_device.is_some();
    let mut statement = Statement::new(String::new());
    match by_device {
        // Bundles of a device of which the account holds any come in order out of the device's own
        // index; the few streams are merged.
        Some(ids) => {
            statement.parameters.push(Box::new(ids));
            statement.text = format!(
                "SELECT {COLUMNS} FROM (
                     SELECT device FROM unnest($1::bigint[]) AS named(device)
                     WHERE EXISTS (SELECT FROM holding WHERE device_id = device"
            );
            statement.and("account_id = ?", filter.account_id.0);
            statement.and_statuses_of(filter);
            statement.text.push_str(
                ")) AS held CROSS JOIN LATERAL (
                     SELECT * FROM bundle WHERE status <> 'Bundle Split' AND device_id = held.device",
            );
        }
        None => {
            statement.text =
                format!("SELECT {COLUMNS} FROM bundle b WHERE status <> 'Bundle Split'");
            statement.and_devices_of(filter);
        }
    }
    statement.and_bundles_of(filter, is_merged);
    if let Some((production_start, bundle_id)) = after {
        statement.parameters.push(Box::new(production_start));
        let start = statement.parameters.len();
        statement.and(
            &format!("(production_start, bundle_id) {beyond} (${start}, ?)"),
            bundle_id,
        );
    }
    statement.parameters.push(Box::new(limit + 1));
    let end = format!(" {order} LIMIT ${}", statement.parameters.len());
    statement.text.push_str(&end);
    if is_merged {
        statement.text.push_str(&format!(") b {end}"));
    }
    statement
}

/// Wh over all bundles that match.
pub async fn total(client: &Client, filter: &Filter) -> Result<WattHours, ReadError> {
    match total_statement(filter).rows(client).await?.first() {
        Some(row) => Ok(WattHours(row.try_get(0)?)),
        None => Ok(WattHours::ZERO),
    }
}

fn total_statement(filter: &Filter) -> Statement {
    if filter.is_in_totals() {
        return totals_statement(filter);
    }
    if filter.is_in_holdings() {
        return holdings_statement(filter);
    }
    let by_device = filter.device_ids().filter(|ids| ids.len() <= MAX_MERGED);
    let Some(ids) = by_device else {
        let mut statement = Statement::new(
            "SELECT coalesce(sum(range_end - range_start + 1), 0)::bigint FROM bundle
             WHERE status <> 'Bundle Split'"
                .into(),
        );
        statement.and_devices_of(filter);
        statement.and_bundles_of(filter, false);
        return statement;
    };
    // As for the page: out of the device's own index, not past all that the account holds of others.
    let mut statement = Statement::new(
        "SELECT coalesce(sum(wh), 0)::bigint FROM unnest($1::bigint[]) AS named(device)
         CROSS JOIN LATERAL (
             SELECT sum(range_end - range_start + 1) AS wh FROM bundle
             WHERE status <> 'Bundle Split' AND device_id = named.device"
            .into(),
    );
    statement.parameters.push(Box::new(ids));
    statement.and_bundles_of(filter, true);
    statement.text.push_str(") AS of_device");
    statement
}

fn totals_statement(filter: &Filter) -> Statement {
    let mut statement =
        Statement::new("SELECT coalesce(sum(wh), 0)::bigint FROM holding_total WHERE true".into());
    statement.and("account_id = ?", filter.account_id.0);
    statement.and_statuses_of(filter);
    statement.and_sources_of(filter);
    statement
}

/// Whole days by their sum, of a day that the period cuts only the hours inside.
fn holdings_statement(filter: &Filter) -> Statement {
    let mut statement = Statement::new(String::new());
    // The n-th hour of a day ends at n o'clock.
    let (mut whole_days, mut days, mut hours) = (String::new(), String::new(), String::new());
    if let Some(from) = filter.from {
        let day = statement.place(from.date_naive());
        let hour = statement.place(i64::from(from.hour()));
        whole_days.push_str(&format!(" AND day > {day}"));
        days.push_str(&format!(" AND day >= {day}"));
        hours.push_str(&format!(" AND (day, n) > ({day}, {hour})"));
    }
    if let Some(to) = filter.to {
        let day = statement.place(to.date_naive());
        let hour = statement.place(i64::from(to.hour()));
        whole_days.push_str(&format!(" AND day < {day}"));
        days.push_str(&format!(" AND day <= {day}"));
        hours.push_str(&format!(" AND (day, n) <= ({day}, {hour})"));
    }
    statement.text = format!(
        "SELECT coalesce(sum(CASE WHEN true{whole_days} THEN wh ELSE (
             SELECT sum(hour_of_day.wh) FROM unnest(hour_wh) WITH ORDINALITY AS hour_of_day (wh, n)
             WHERE true{hours}) END), 0)::bigint
         FROM holding WHERE true{days}"
    );
    statement.and("account_id = ?", filter.account_id.0);
    statement.and_devices_of(filter);
    statement.and_statuses_of(filter);
    statement.and_sources_of(filter);
    statement
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn filter() -> impl Strategy<Value = Filter> {
        let devices = proptest::collection::vec(
            proptest::collection::vec((1_i64..5).prop_map(DeviceId), 0..150),
            0..3,
        );
        let issuances = proptest::option::of(Just(vec![(DeviceId(1), DateTime::UNIX_EPOCH)]));
        let quarters = (0_i64..96).prop_map(|n| DateTime::from_timestamp(900 * n, 0).unwrap());
        let instant = proptest::option::of(quarters);
        (
            devices,
            0_usize..3,
            0_usize..3,
            issuances,
            instant.clone(),
            instant,
        )
            .prop_map(|(devices, sources, statuses, issuances, from, to)| Filter {
                account_id: AccountId(1),
                issuances,
                devices,
                sources: vec![vec![EnergySource::Wind]; sources],
                statuses: vec![vec![CertificateStatus::Active]; statuses],
                from,
                to,
            })
    }

    fn placeholders(text: &str) -> BTreeSet<usize> {
        text.split('$')
            .skip(1)
            .map(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap()
            })
            .collect()
    }

    fn assert_sound(statement: &Statement) {
        let expected: BTreeSet<usize> = (1..=statement.parameters.len()).collect();
        assert_eq!(
            placeholders(&statement.text),
            expected,
            "{}",
            statement.text
        );
        assert!(!statement.text.contains('?'), "{}", statement.text);
        let count = |bracket| statement.text.matches(bracket).count();
        assert_eq!(count('('), count(')'), "{}", statement.text);
    }

    proptest! {
        #[test]
        fn every_parameter_of_every_combination_of_filters_has_its_place(
            filter in filter(), descending in any::<bool>(), goes_on in any::<bool>(),
        ) {
            let sort = if descending { SortOrder::Descending } else { SortOrder::Ascending };
            let after = goes_on.then_some((DateTime::UNIX_EPOCH, 7));
            assert_sound(&page_statement(&filter, sort, after, 100));
            assert_sound(&total_statement(&filter));
        }
    }

    #[test]
    fn a_device_must_be_in_every_list() {
        let mut filter = Filter::all_of(AccountId(1));
        assert_eq!(filter.device_ids(), None);
        let ids = |ids: &[i64]| ids.iter().copied().map(DeviceId).collect::<Vec<_>>();
        filter.devices = vec![ids(&[3, 1, 2, 1])];
        assert_eq!(filter.device_ids(), Some(vec![1, 2, 3]));
        filter.devices.push(ids(&[2, 4]));
        assert_eq!(filter.device_ids(), Some(vec![2]));
    }

    #[test]
    fn sums_per_hour_answer_only_where_no_hour_is_cut() {
        let at = |seconds| Some(DateTime::from_timestamp(seconds, 0).unwrap());
        let mut filter = Filter::all_of(AccountId(1));
        filter.statuses = vec![vec![CertificateStatus::Active]];
        filter.sources = vec![vec![EnergySource::Wind]];
        (filter.from, filter.to) = (at(3600), at(3600 * 30));
        assert!(total_statement(&filter).text.contains("FROM holding "));
        filter.to = at(3600 * 30 - 900);
        assert!(total_statement(&filter).text.contains("FROM bundle"));
        (filter.from, filter.to) = (at(900), None);
        assert!(total_statement(&filter).text.contains("FROM bundle"));
    }

    #[test]
    fn what_an_account_holds_is_summed_without_its_devices_and_days() {
        let sums_totals =
            |filter: &Filter| total_statement(filter).text.contains("FROM holding_total ");
        let mut filter = Filter::all_of(AccountId(1));
        assert!(sums_totals(&filter));
        filter.statuses = vec![vec![CertificateStatus::Active]];
        filter.sources = vec![vec![EnergySource::Wind]];
        assert!(sums_totals(&filter));
        let narrowed: [fn(&mut Filter); 4] = [
            |filter| filter.devices = vec![vec![DeviceId(1)]],
            |filter| filter.issuances = Some(Vec::new()),
            |filter| filter.from = Some(DateTime::UNIX_EPOCH),
            |filter| filter.to = Some(DateTime::UNIX_EPOCH),
        ];
        for narrow in narrowed {
            let mut filter = filter.clone();
            narrow(&mut filter);
            assert!(!sums_totals(&filter), "{filter:?}");
        }
    }
}
