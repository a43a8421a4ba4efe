//! What must hold within a database, as questions whose answers are what is wrong.

use super::report::{AuditReport, Invariant};
use crate::{Error, Target};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

/// More findings than anybody reads.
const MAX_FINDINGS: usize = 20;

/// Each answers one text per finding.
const OF_BOTH: &[(Invariant, &str)] = &[
    (
        Invariant::Partition,
        "SELECT format('bundle %s is split, but its %s parts do not partition [%s, %s]', p.bundle_id,
            count(c.bundle_id), min(p.range_start), max(p.range_end))
         FROM bundle AS p LEFT JOIN bundle AS c ON c.parent_id = p.bundle_id
         WHERE p.status = 'Bundle Split' GROUP BY p.bundle_id
         HAVING count(c.bundle_id) <> 2 OR min(c.range_start) <> min(p.range_start)
            OR max(c.range_end) <> max(p.range_end)
            OR sum(c.range_end - c.range_start + 1) <> min(p.range_end - p.range_start + 1)",
    ),
    (
        Invariant::Partition,
        "SELECT format('bundle %s is a part of %s, which is not split', c.bundle_id, c.parent_id)
         FROM bundle AS c LEFT JOIN bundle AS p ON p.bundle_id = c.parent_id
         WHERE c.parent_id IS NOT NULL AND p.status IS DISTINCT FROM 'Bundle Split'",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('certificate %s of device %s is in bundle %s and in the one before', range_start,
            device_id, bundle_id)
         FROM (SELECT *, lag(range_end) OVER (PARTITION BY device_id ORDER BY range_start) AS before
            FROM bundle WHERE status NOT IN ('Bundle Split', 'Exported')) AS leaf WHERE before >= range_start",
    ),
];

const OF_WRITE: &[(Invariant, &str)] = &[
    (
        Invariant::Metered,
        "SELECT format('device %s, meter %s, day %s, second %s: issued %s of %s Wh', device_id, meter_id,
            day, key, value ->> 2, value ->> 1)
         FROM (SELECT device_id, NULL AS meter_id, day, state FROM device_day
            UNION ALL SELECT device_id, meter_id, day, state FROM meter_day) AS d, json_each(state)
         WHERE (value ->> 2)::bigint + COALESCE((value ->> 6)::bigint, 0)
            > (value ->> 1)::bigint + COALESCE((value ->> 5)::bigint, 0)",
    ),
    (
        Invariant::Metered,
        "SELECT format('device %s owes %s Wh, its readings say %s', device_id, said, owed)
         FROM (SELECT device_id, COALESCE((state ->> 'debt')::bigint, 0) AS said FROM device) AS d
         FULL JOIN (SELECT device_id, sum((value ->> 5)::bigint - (value ->> 6)::bigint) AS owed
            FROM (SELECT device_id, state FROM device_day
                UNION ALL SELECT device_id, state FROM meter_day) AS days, json_each(state)
            WHERE json_array_length(value) = 7 GROUP BY 1) AS r
         USING (device_id) WHERE COALESCE(said, 0) <> COALESCE(owed, 0)",
    ),
    (
        Invariant::Metered,
        "SELECT format('storage device %s, day %s, second %s: allocated %s of %s Wh', device_id, day, key,
            value ->> 2, value ->> 1)
         FROM storage_day, json_each(state)
         WHERE (value ->> 2)::bigint NOT BETWEEN 0 AND abs((value ->> 1)::bigint)",
    ),
    (
        Invariant::Metered,
        "SELECT format('allocation %s consumed %s Wh and produced %s; %s Wh are issued for it, %s cancelled',
            allocation_id, consumed, produced, issued, used)
         FROM (SELECT a.allocation_id, (a.state ->> 'consumed')::bigint AS consumed,
                (a.state ->> 'produced')::bigint AS produced,
                (a.state ->> 'is_issued')::boolean AS is_issued,
                COALESCE(i.wh, 0) AS issued, COALESCE(u.wh, 0) AS used
            FROM storage_allocation AS a
            LEFT JOIN (SELECT allocation_id, sum(range_end - range_start + 1) AS wh FROM bundle
                WHERE allocation_id IS NOT NULL AND status <> 'Bundle Split' GROUP BY 1) AS i
                ON i.allocation_id = a.allocation_id
            LEFT JOIN (SELECT used_allocation_id, sum(range_end - range_start + 1) AS wh FROM bundle
                WHERE used_allocation_id IS NOT NULL AND status <> 'Bundle Split' GROUP BY 1) AS u
                ON u.used_allocation_id = a.allocation_id) AS of_allocation
         WHERE produced > consumed OR issued <> CASE WHEN is_issued THEN produced ELSE 0 END
            OR used <> CASE WHEN is_issued THEN consumed ELSE 0 END",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('account %s says it holds %s Wh, its bundles %s', account_id, said, held)
         FROM (SELECT a.account_id, (a.state ->> 'live_wh')::bigint AS said,
            COALESCE(sum(b.range_end - b.range_start + 1), 0) AS held
            FROM account AS a LEFT JOIN bundle AS b ON b.account_id = a.account_id
                AND b.status IN ('Active', 'Reserved', 'Locked', 'Export Offered')
            GROUP BY a.account_id) AS of_account WHERE said <> held",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('device %s of another registry: %s Wh are known to be here, its bundles hold %s', device_id,
            said, held)
         FROM (SELECT (state ->> 'device_id')::bigint AS device_id,
                (SELECT COALESCE(sum(value::text::bigint - key::bigint + 1), 0)
                    FROM json_each(state -> 'ranges')) AS said
            FROM import_origin) AS o
         FULL JOIN (SELECT device_id, sum(range_end - range_start + 1) AS held
            FROM bundle JOIN device AS d USING (device_id)
            WHERE d.state -> 'origin' ->> 'registry' IS NOT NULL AND (status NOT IN ('Bundle Split', 'Exported')
                -- What left before events said what left is still taken to be here.
                OR bundle_id IN (SELECT id::text::bigint FROM export, json_array_elements(state -> 'bundle_ids') AS id
                    WHERE (state ->> 'left_untold')::boolean))
            GROUP BY 1) AS b
         USING (device_id) WHERE COALESCE(said, 0) <> COALESCE(held, 0)",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('certificates [%s, %s] of device %s are known to be here and, from %s on, elsewhere', here.key,
            here.value, state ->> 'device_id', gone.key)
         FROM import_origin, json_each(state -> 'ranges') AS here, json_each(state -> 'elsewhere') AS gone
         WHERE here.key::bigint <= gone.value::text::bigint AND gone.key::bigint <= here.value::text::bigint",
    ),
    (
        Invariant::Checkpoint,
        "SELECT format('the counters of %s are at position %s, above the checkpoint %s', k.stream,
            k.position, c.position)
         FROM counters AS k JOIN checkpoint AS c USING (stream) WHERE k.position > c.position",
    ),
];

/// With the registry's own name.
const HOME: &str = "SELECT format('certificates of device %s of this registry came home as bundle %s and are in bundle %s \
        as well', own.device_id, home.bundle_id, own.bundle_id)
     FROM (SELECT device_id, (state -> 'origin' ->> 'device') AS name FROM device
        WHERE state -> 'origin' ->> 'registry' = $1) AS came
     JOIN bundle AS home ON home.device_id = came.device_id
     JOIN bundle AS own ON own.device_id::text = came.name AND own.range_start <= home.range_end
        AND own.range_end >= home.range_start
     WHERE home.status <> 'Bundle Split' AND own.status NOT IN ('Bundle Split', 'Exported')";

const OF_READ: &[(Invariant, &str)] = &[
    (
        Invariant::Acknowledged,
        "SELECT format('device %s: its next envelope is number %s, %s are there up to number %s', device_id,
            COALESCE(next_sequence, 1), COALESCE(count, 0), COALESCE(last, 0))
         FROM gateway_device FULL JOIN (SELECT device_id, count(*) AS count, max(sequence) AS last
            FROM gateway_envelope GROUP BY 1) AS e USING (device_id)
         WHERE COALESCE(next_sequence, 1) - 1 <> COALESCE(count, 0) OR COALESCE(count, 0) <> COALESCE(last, 0)",
    ),
    (
        Invariant::Metered,
        "SELECT format('device %s, meter %s, [%s, %s): issued %s of %s Wh', device_id, meter, start, \"end\",
            COALESCE(issued, 0), COALESCE(metered, 0))
         FROM (SELECT device_id, COALESCE(meter_id, 0) AS meter, production_start AS start,
                production_end AS \"end\", sum(range_end - range_start + 1) AS issued
            FROM bundle WHERE status NOT IN ('Bundle Split', 'Withdrawn') AND allocation_id IS NULL
                AND device_id NOT IN (SELECT device_id FROM import_device)
            GROUP BY 1, 2, 3, 4) AS b
         FULL JOIN (SELECT device_id, COALESCE(meter_id, 0) AS meter, interval_start AS start,
                interval_end AS \"end\",
                sum(wh + COALESCE(excess_wh, 0) - COALESCE(paid_wh, 0)) AS metered
            FROM measurement WHERE NOT is_deleted GROUP BY 1, 2, 3, 4) AS m
         USING (device_id, meter, start, \"end\") WHERE COALESCE(issued, 0) > COALESCE(metered, 0)",
    ),
    (
        Invariant::Metered,
        "SELECT format('device %s owes %s Wh, its readings say %s', device_id, debt_wh, owed)
         FROM device FULL JOIN (SELECT device_id,
                sum(COALESCE(excess_wh, 0) - COALESCE(paid_wh, 0)) AS owed
            FROM measurement WHERE excess_wh IS NOT NULL OR paid_wh IS NOT NULL GROUP BY 1) AS m
         USING (device_id) WHERE COALESCE(debt_wh, 0) <> COALESCE(owed, 0)",
    ),
    (
        Invariant::Metered,
        "SELECT format('storage record %s of %s Wh: allocated %s Wh, by its allocations %s', record_id, wh,
            allocated, taken)
         FROM (SELECT r.record_id, r.wh, r.allocated, COALESCE(sum(a.taken), 0) AS taken
            FROM storage_record AS r LEFT JOIN (
                SELECT scr_id AS record_id, consumed AS taken FROM storage_allocation
                UNION ALL SELECT sdr_id, produced FROM storage_allocation) AS a USING (record_id)
            GROUP BY r.record_id) AS of_record
         WHERE taken <> allocated OR allocated > abs(wh)",
    ),
    (
        Invariant::Metered,
        "SELECT format('allocation %s consumed %s Wh and produced %s; %s Wh are issued for it, %s cancelled',
            allocation_id, consumed, produced, issued, used)
         FROM (SELECT a.*,
                COALESCE(i.wh, 0) AS issued, COALESCE(u.wh, 0) AS used
            FROM storage_allocation AS a
            LEFT JOIN (SELECT allocation_id, sum(range_end - range_start + 1) AS wh FROM bundle
                WHERE allocation_id IS NOT NULL AND status <> 'Bundle Split' GROUP BY 1) AS i
                ON i.allocation_id = a.allocation_id
            LEFT JOIN (SELECT used_allocation_id, sum(range_end - range_start + 1) AS wh FROM bundle
                WHERE used_allocation_id IS NOT NULL AND status <> 'Bundle Split' GROUP BY 1) AS u
                ON u.used_allocation_id = a.allocation_id) AS of_allocation
         WHERE sdr_start < scr_end
            OR produced <> div(consumed::numeric * numerator, denominator)
            OR issued <> CASE WHEN is_issued THEN produced ELSE 0 END
            OR used <> CASE WHEN is_issued THEN consumed ELSE 0 END",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('account %s, device %s, %s hour %s, %s, %s: the holding is %s Wh in %s bundles, the bundles are %s',
            account_id, device_id, day, hour, energy_source, status, h.wh, h.bundles, b)
         FROM (SELECT account_id, device_id, day, energy_source, status, hour - 1 AS hour, h.bundles, h.wh
            FROM holding CROSS JOIN LATERAL unnest(hour_bundles, hour_wh) WITH ORDINALITY
                AS h (bundles, wh, hour) WHERE h.bundles <> 0 OR h.wh <> 0) AS h
         FULL JOIN (SELECT account_id, device_id, (production_start AT TIME ZONE 'UTC')::date AS day,
                energy_source, status,
                extract(hour FROM production_start AT TIME ZONE 'UTC')::bigint AS hour,
                count(*) AS bundles, sum(range_end - range_start + 1)::bigint AS wh
            FROM bundle WHERE status <> 'Bundle Split' GROUP BY 1, 2, 3, 4, 5, 6) AS b
         USING (account_id, device_id, day, energy_source, status, hour)
         WHERE (h.wh, h.bundles) IS DISTINCT FROM (b.wh, b.bundles)",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('account %s, device %s, %s, %s, %s: the hours of the holding are not its day',
            account_id, device_id, day, energy_source, status)
         FROM holding WHERE bundles <= 0
            OR bundles <> (SELECT sum(hour) FROM unnest(hour_bundles) AS hour)
            OR wh <> (SELECT sum(hour) FROM unnest(hour_wh) AS hour)",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('account %s, %s, %s: the total is %s Wh in %s bundles, the holdings are %s',
            account_id, energy_source, status, t.wh, t.bundles, h)
         FROM holding_total AS t FULL JOIN (SELECT account_id, energy_source, status,
                sum(bundles)::bigint AS bundles, sum(wh)::bigint AS wh
            FROM holding GROUP BY 1, 2, 3) AS h
         USING (account_id, energy_source, status)
         WHERE (t.wh, t.bundles) IS DISTINCT FROM (h.wh, h.bundles)",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('bundle %s and action %s are not in both histories', bundle_id, action_id)
         FROM action_bundle AS one FULL JOIN (SELECT (part ->> 'bundle_id')::bigint AS bundle_id,
                action_id FROM action, jsonb_array_elements(parts) AS part) AS other
         USING (bundle_id, action_id) WHERE one IS NULL OR other IS NULL",
    ),
    (
        Invariant::Partition,
        "SELECT format('imported bundle %s of %s Wh has %s Wh in its parts', i.bundle_id,
            i.range_end - i.range_start + 1, COALESCE(sum(b.range_end - b.range_start + 1), 0))
         FROM imported_bundle AS i LEFT JOIN bundle AS b ON b.device_id = i.device_id
            AND b.range_start >= i.range_start AND b.range_end <= i.range_end
            AND b.status <> 'Bundle Split' AND b.bundle_id >= i.bundle_id
            -- What came back later is of the later import.
            AND NOT EXISTS (SELECT FROM imported_bundle AS later WHERE later.device_id = b.device_id
                AND later.range_start <= b.range_end AND later.range_end >= b.range_start
                AND later.bundle_id > i.bundle_id AND later.bundle_id <= b.bundle_id)
         GROUP BY i.bundle_id, i.range_start, i.range_end
         HAVING COALESCE(sum(b.range_end - b.range_start + 1), 0) <> i.range_end - i.range_start + 1",
    ),
    (
        Invariant::OnePlace,
        "SELECT format('export %s is %s, but bundle %s of it is %s', e.export_id, e.state, b.bundle_id,
            b.status)
         FROM export AS e JOIN action AS a ON a.action_id = e.export_id
         CROSS JOIN LATERAL jsonb_array_elements(a.parts) AS part
         JOIN bundle AS b ON b.bundle_id =
            COALESCE(part -> 'split' ->> 'taken', part ->> 'bundle_id')::bigint
         WHERE e.state = 'offered' AND b.status <> 'Export Offered'
            OR e.state = 'confirmed' AND b.status <> 'Exported'",
    ),
];

const OF_RECURRING_RULES: &[(Invariant, &str)] = &[
    (
        Invariant::Acknowledged,
        "SELECT format('rule %s, period %s: the run before it ends at period %s', rule_id, period, before)
         FROM (SELECT rule_id, period,
                lag(period + periods, 1, 0::bigint) OVER (PARTITION BY rule_id ORDER BY period) AS before
            FROM recurring_run) AS run WHERE period <> before",
    ),
    (
        Invariant::Acknowledged,
        "SELECT format('rule %s has acted on %s Wh, its runs tell of %s Wh', rule_id, acted, told)
         FROM (SELECT rule_id, sum(wh) AS acted FROM action WHERE rule_id IS NOT NULL GROUP BY 1) AS a
         FULL JOIN (SELECT rule_id, sum(moved_wh) AS told FROM recurring_run GROUP BY 1) AS r
         USING (rule_id) WHERE COALESCE(acted, 0) <> COALESCE(told, 0)",
    ),
];

/// Tables of the identity stream, by database; all others with a position are of the ledger.
const OF_IDENTITY: &[&str] = &[
    "registry_user",
    "email",
    "api_key",
    "session",
    "signing_key",
    "organisation",
    "business_id",
    "invitation",
    "external_identity",
];
/// Tables whose rows may be of any stream.
const OF_EITHER: &[&str] = &["command", "counters", "checkpoint", "audit_entry"];
/// Tables of the audit stream.
const OF_AUDIT: &[&str] = &["audit_client", "api_key_use"];

/// Asks all questions, in the snapshot that `live` is in.
pub(super) async fn audit(
    live: &ClientWrapper,
    target: Target,
    domain: &str,
    report: &mut AuditReport,
) -> Result<(), Error> {
    let (own, of_rules): (_, &[_]) = match target {
        Target::Write => (OF_WRITE, &[]),
        Target::Read => (OF_READ, OF_RECURRING_RULES),
    };
    for (invariant, question) in OF_BOTH.iter().chain(own).chain(of_rules) {
        let rows = live.query(*question, &[]).await?;
        report.add(*invariant, Some(target), findings(&rows)?);
    }
    if target == Target::Write {
        let rows = live.query(HOME, &[&domain]).await?;
        report.add(Invariant::OnePlace, Some(target), findings(&rows)?);
    }
    let above = above_checkpoint(live).await?;
    report.add(Invariant::Checkpoint, Some(target), above);
    Ok(())
}

fn findings(rows: &[Row]) -> Result<Vec<String>, Error> {
    let mut failures = Vec::new();
    for row in rows.iter().take(MAX_FINDINGS) {
        failures.push(row.try_get(0)?);
    }
    if rows.len() > MAX_FINDINGS {
        failures.push(format!("and {} more", rows.len() - MAX_FINDINGS));
    }
    Ok(failures)
}

async fn above_checkpoint(live: &ClientWrapper) -> Result<Vec<String>, Error> {
    let tables = live
        .query(
            "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = current_schema() AND column_name = 'position' ORDER BY 1",
            &[],
        )
        .await?;
    let mut failures = Vec::new();
    for row in &tables {
        let table: &str = row.try_get(0)?;
        let of = match table {
            table if OF_EITHER.contains(&table) => "",
            table if OF_IDENTITY.contains(&table) => "WHERE stream = 'identity'",
            table if OF_AUDIT.contains(&table) => "WHERE stream = 'audit'",
            _ => "WHERE stream = 'ledger'",
        };
        let question = format!(
            "SELECT top, at FROM (SELECT max(position) AS top FROM {table}) AS t,
                 (SELECT max(position) AS at FROM checkpoint {of}) AS c WHERE top > at"
        );
        if let Some(row) = live.query_opt(&question, &[]).await? {
            let (top, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            failures.push(format!(
                "table {table} has a row at position {top}, above the checkpoint {at}"
            ));
        }
    }
    Ok(failures)
}
