//! Bundles that a rule may act on, as the WRITE database shows them.

use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Client;
use ledger::action::MAX_BUNDLES;
use ledger::entry::RecurringRule;
use ledger::recurring::left_to_act_on;
use schemas::WattHours;
use schemas::id::BundleId;
use tokio_postgres::types::ToSql;

/// Bundles listed beyond those that suffice, for those that others act on meanwhile.
const SPARE: usize = 100;
/// Longest production interval.
const MAX_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Bundles that match, oldest production first.
pub(super) struct Candidates {
    pub bundle_ids: Vec<BundleId>,
    /// Whether more match than are listed.
    pub more: bool,
}

/// Bundles for the next step of the rule's run: as many as one action lists, or, unless `all` are asked
/// for, as many as suffice.
pub(super) async fn find(
    client: &mut Client,
    rule: &RecurringRule,
    now: DateTime<Utc>,
    all: bool,
) -> Result<Candidates, tokio_postgres::Error> {
    let filter = &rule.terms.filter;
    let statuses: Vec<_> = filter.statuses.iter().map(|one| one.as_str()).collect();
    let sources = filter.energy_sources.iter().map(|one| one.as_str());
    let sources: Vec<_> = sources.collect();
    let devices: Vec<i64> = filter.device_ids.iter().map(|id| id.0).collect();
    let (range_devices, starts): (Vec<i64>, Vec<DateTime<Utc>>) = filter
        .bundles
        .iter()
        .map(|range| (range.device_id.0, range.interval_start))
        .unzip();
    let (firsts, lasts): (Vec<i64>, Vec<i64>) = filter
        .bundles
        .iter()
        .map(|range| (range.start.0, range.end.0))
        .unzip();
    let (after_start, after_id, horizon) = match &rule.open {
        Some(so_far) => (
            so_far.open.after_start,
            so_far.open.after_id.0,
            so_far.open.horizon.0,
        ),
        None => (DateTime::UNIX_EPOCH, 0, i64::MAX),
    };
    let of_any_age = filter.min_age_s.is_none();
    let youngest = now - TimeDelta::seconds(filter.min_age_s.unwrap_or(0));
    // An age is counted in whole seconds.
    let oldest = filter.max_age_s.map_or(DateTime::UNIX_EPOCH, |age| {
        now - TimeDelta::seconds(age + 1)
    });
    let began = after_start.max(oldest - MAX_INTERVAL);
    let fetched = i64::try_from(MAX_BUNDLES + 1).unwrap_or(i64::MAX);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &rule.terms.source_id.0,
        &statuses,
        &now,
        &began,
        &after_start,
        &after_id,
        &horizon,
        &of_any_age,
        &youngest,
        &oldest,
        &devices,
        &sources,
        &fetched,
    ];
    let is_named = !filter.bundles.is_empty();
    if is_named {
        let ranges: [&(dyn ToSql + Sync); 4] = [&range_devices, &firsts, &lasts, &starts];
        parameters.extend(ranges);
    }
    let (planned, statement) = if is_named {
        (ONE_BY_ONE, NAMED)
    } else {
        (IN_ORDER, ALL)
    };
    let transaction = client.transaction().await?;
    transaction.batch_execute(planned).await?;
    let select = transaction
        .prepare_cached(&format!("{statement} {MATCHING}"))
        .await?;
    let rows = transaction.query(&select, &parameters).await?;
    transaction.commit().await?;
    let suffices = left_to_act_on(rule, now).filter(|_| !all);
    let (mut bundle_ids, mut sum, mut spare) = (Vec::new(), WattHours::ZERO, SPARE);
    for row in rows.iter().take(MAX_BUNDLES) {
        if suffices.is_some_and(|wanted| sum >= wanted) {
            if spare == 0 {
                break;
            }
            spare -= 1;
        }
        bundle_ids.push(BundleId(row.try_get(0)?));
        sum += WattHours(row.try_get(1)?);
    }
    Ok(Candidates {
        more: rows.len() > bundle_ids.len(),
        bundle_ids,
    })
}

/// The index has the order: whoever sorts reads all that the account holds first.
const IN_ORDER: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
     SET LOCAL enable_sort = off";
/// Named bundles are few: each is looked up by its interval.
const ONE_BY_ONE: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
     SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
const ALL: &str = "SELECT bundle_id, range_end - range_start + 1 FROM bundle WHERE true";
const NAMED: &str = "SELECT bundle_id, range_end - range_start + 1
     FROM unnest($14::bigint[], $15::bigint[], $16::bigint[], $17::timestamptz[])
         AS named (device, first, last, start)
     JOIN bundle ON device_id = device AND interval_start = start
         AND first <= range_start AND range_end <= last WHERE true";
const MATCHING: &str = "AND account_id = $1
     AND status IN ('Active', 'Reserved') AND status = ANY($2) AND expiry > $3
     AND interval_start >= $4 AND (interval_start, bundle_id) > ($5, $6) AND bundle_id < $7
     AND ($8 OR interval_end <= $9) AND interval_end > $10
     AND (cardinality($11::bigint[]) = 0 OR device_id = ANY($11))
     AND (cardinality($12::text[]) = 0 OR energy_source = ANY($12))
     ORDER BY interval_start, bundle_id LIMIT $13";
