//! The invariants, looked at after a step: by the program's own audit, and by questions to the READ
//! database that share no code with it.

use crate::{Registry, eventually};
use event_store::EventStore;
use projections::postgres::{Connection, connect};
use projections::verify::audit;
use registry::config::Config;
use schemas::envelope::Envelope;
use schemas::log::{Position, StreamName};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// What must not be found, and the question for it.
const READ: &[(&str, &str)] = &[
    (
        "I2: more is issued for an interval than was metered",
        "SELECT b.device_id, b.meter_id, b.production_start, b.production_end,
           sum(b.range_end - b.range_start + 1)
         FROM bundle b WHERE b.status NOT IN ('Bundle Split', 'Withdrawn') AND b.allocation_id IS NULL
           AND NOT EXISTS (SELECT FROM import_device d WHERE d.device_id = b.device_id)
         GROUP BY 1, 2, 3, 4
         HAVING sum(b.range_end - b.range_start + 1) > (
           SELECT coalesce(sum(m.wh + coalesce(m.excess_wh, 0) - coalesce(m.paid_wh, 0)), 0)
           FROM measurement m
           WHERE m.device_id = b.device_id AND m.meter_id IS NOT DISTINCT FROM b.meter_id
             AND m.interval_start = b.production_start AND m.interval_end = b.production_end
             AND NOT m.is_deleted)",
    ),
    (
        "I2: a device issued more than it metered and owes",
        "SELECT d.device_id FROM device d
         LEFT JOIN (SELECT device_id, sum(wh) AS wh, sum(coalesce(paid_wh, 0)) AS paid
           FROM measurement WHERE NOT is_deleted GROUP BY 1) m USING (device_id)
         LEFT JOIN (SELECT device_id, sum(range_end - range_start + 1) AS issued FROM bundle
           WHERE status NOT IN ('Bundle Split', 'Withdrawn') AND allocation_id IS NULL
           GROUP BY 1) b USING (device_id)
         WHERE (coalesce(issued, 0) > coalesce(wh, 0) + d.debt_wh OR d.debt_wh < 0)
           AND NOT EXISTS (SELECT FROM import_device i WHERE i.device_id = d.device_id)",
    ),
    (
        "I2: more of a storage record is allocated than flowed",
        "SELECT r.record_id FROM storage_record r JOIN storage_allocation a
           ON r.record_id IN (a.scr_id, a.sdr_id)
         GROUP BY r.record_id, r.wh
         HAVING sum(CASE WHEN r.record_id = a.scr_id THEN a.consumed ELSE a.produced END) > abs(r.wh)",
    ),
    (
        "I2: more is issued for storage than an allocation produced, or more used up than it consumed",
        "SELECT a.allocation_id FROM storage_allocation a
         WHERE a.produced > a.consumed
           OR a.produced < (SELECT coalesce(sum(range_end - range_start + 1), 0) FROM bundle b
             WHERE b.allocation_id = a.allocation_id AND b.status <> 'Bundle Split')
           OR a.consumed < (SELECT coalesce(sum(range_end - range_start + 1), 0) FROM bundle b
             WHERE b.used_allocation_id = a.allocation_id AND b.status <> 'Bundle Split')",
    ),
    (
        "I4: what an allocation used up is not cancelled for its storage device",
        "SELECT b.bundle_id FROM bundle b JOIN storage_allocation a
           ON a.allocation_id = b.used_allocation_id
         WHERE b.status <> 'Cancelled for Storage' OR b.storage_device_id <> a.device_id
           OR b.production_start < a.scr_start OR b.production_end > a.scr_end",
    ),
    (
        "I3: what was imported is not what its bundles hold, whatever became of them",
        "SELECT device_id, coalesce(i.wh, 0), coalesce(b.wh, 0) FROM
           (SELECT device_id, sum(range_end - range_start + 1) AS wh FROM imported_bundle GROUP BY 1) i
         FULL JOIN (SELECT device_id, sum(range_end - range_start + 1) AS wh FROM bundle
           JOIN import_device USING (device_id) WHERE status <> 'Bundle Split' GROUP BY 1) b
         USING (device_id) WHERE i.wh IS DISTINCT FROM b.wh",
    ),
    (
        "I1: the envelopes of a device have a gap, or their end is not where the next belongs",
        "SELECT d.device_id FROM gateway_device d
         LEFT JOIN gateway_envelope e USING (device_id)
         GROUP BY d.device_id, d.next_sequence
         HAVING count(e.sequence) <> d.next_sequence - 1
           OR coalesce(max(e.sequence), 0) <> d.next_sequence - 1",
    ),
    (
        "I3: the parts of a split do not partition what was split",
        "SELECT p.bundle_id FROM bundle p
         LEFT JOIN bundle c ON c.parent_id = p.bundle_id
         WHERE p.status = 'Bundle Split' GROUP BY p.bundle_id
         HAVING count(c.bundle_id) <> 2 OR min(c.range_start) <> min(p.range_start)
           OR max(c.range_end) <> max(p.range_end)
           OR sum(c.range_end - c.range_start + 1) <> min(p.range_end - p.range_start + 1)",
    ),
    (
        "I3: a bundle that was not split has parts",
        "SELECT c.bundle_id FROM bundle c JOIN bundle p ON p.bundle_id = c.parent_id
         WHERE p.status <> 'Bundle Split'",
    ),
    (
        "I4: a certificate is in two bundles",
        "SELECT a.bundle_id, b.bundle_id FROM (
           SELECT *, lead(range_start) OVER (PARTITION BY device_id ORDER BY range_start) AS next_start
           FROM bundle WHERE status NOT IN ('Bundle Split', 'Exported')) a
         JOIN bundle b ON b.device_id = a.device_id AND b.range_start = a.next_start
         WHERE a.range_end >= a.next_start AND b.status NOT IN ('Bundle Split', 'Exported')",
    ),
    (
        "holdings differ from the bundles they are made of",
        "SELECT account_id, device_id, day, energy_source, status, hour, b, w FROM holding,
           unnest(hour_bundles, hour_wh) WITH ORDINALITY AS h (b, w, hour) WHERE b <> 0
         EXCEPT SELECT account_id, device_id, (production_start AT TIME ZONE 'UTC')::date, energy_source,
           status, extract(hour FROM production_start AT TIME ZONE 'UTC')::bigint + 1,
           count(*), sum(range_end - range_start + 1)::bigint FROM bundle
         WHERE status <> 'Bundle Split' GROUP BY 1, 2, 3, 4, 5, 6",
    ),
    (
        "bundles are missing in the holdings",
        "SELECT account_id, device_id, (production_start AT TIME ZONE 'UTC')::date, energy_source, status,
           count(*), sum(range_end - range_start + 1)::bigint FROM bundle
         WHERE status <> 'Bundle Split' GROUP BY 1, 2, 3, 4, 5
         EXCEPT SELECT account_id, device_id, day, energy_source, status, bundles, wh FROM holding",
    ),
    (
        "totals differ from the bundles they are made of",
        "SELECT * FROM (SELECT account_id, energy_source, status, bundles, wh FROM holding_total) AS t
         FULL JOIN (SELECT account_id, energy_source, status, count(*) AS bundles,
             sum(range_end - range_start + 1)::bigint AS wh FROM bundle
           WHERE status <> 'Bundle Split' GROUP BY 1, 2, 3) AS b
         USING (account_id, energy_source, status)
         WHERE (t.bundles, t.wh) IS DISTINCT FROM (b.bundles, b.wh)",
    ),
    (
        "the last action of a bundle is not in its history",
        "SELECT b.bundle_id FROM bundle b
         WHERE b.last_action_id IS NOT NULL AND b.parent_id IS NULL AND b.last_action_id IS DISTINCT FROM (
           SELECT max(a.action_id) FROM action_bundle a WHERE a.bundle_id = b.bundle_id)",
    ),
    (
        "a bundle was not split off and is of no issuance, or of two",
        "SELECT b.bundle_id FROM bundle b WHERE b.parent_id IS NULL AND 1 <> (
           SELECT count(*) FROM issuance i WHERE i.device_id = b.device_id
             AND b.bundle_id BETWEEN i.first_bundle_id AND i.last_bundle_id
             AND b.issued_at = i.issued_at)",
    ),
    (
        "I1: a period of a rule is in no run or in two",
        "SELECT * FROM (SELECT rule_id, sum(periods) AS periods, max(period + periods) AS reached
           FROM recurring_run GROUP BY rule_id) run
         WHERE periods <> reached",
    ),
    (
        "I1: a run tells of other Wh than its actions",
        "SELECT r.rule_id, r.period FROM recurring_run r WHERE r.moved_wh <> (
           SELECT coalesce(sum(a.wh), 0) FROM action a
           WHERE a.rule_id = r.rule_id AND a.action_id = ANY(r.action_ids))
         UNION ALL SELECT a.rule_id, a.action_id FROM action a
         WHERE a.rule_id IS NOT NULL AND NOT EXISTS (SELECT FROM recurring_run r
           WHERE r.rule_id = a.rule_id AND a.action_id = ANY(r.action_ids))",
    ),
    (
        "I7: a row is above the checkpoint",
        "SELECT 1 FROM checkpoint c WHERE c.stream = 'ledger' AND c.position < greatest(
           (SELECT max(position) FROM bundle), (SELECT max(position) FROM action),
           (SELECT max(position) FROM measurement), (SELECT max(position) FROM account),
           (SELECT max(position) FROM storage_record), (SELECT max(position) FROM storage_allocation),
           (SELECT max(position) FROM meter), (SELECT max(position) FROM correction),
           (SELECT max(position) FROM replacement))",
    ),
];

impl Registry {
    /// Waits until both databases show all that was stored, then checks the invariants.
    pub async fn audit(&self) {
        self.caught_up().await;
        let Config {
            database, domain, ..
        } = &self.config;
        let store = self.events().await;
        let report = audit(database, &store, domain).await.unwrap();
        assert!(report.passed(), "{report}");
        let asked = commands_of_users(&store, domain).await;
        store.close().await;
        let client = connect(&self.config.database.read).await.unwrap();
        let question = "SELECT command_id, principal FROM audit_entry WHERE code IS NULL AND command_id IS NOT NULL";
        let entries = client.query(question, &[]).await.unwrap();
        let entries: BTreeSet<(Uuid, String)> =
            entries.iter().map(|row| (row.get(0), row.get(1))).collect();
        let missing: Vec<_> = asked.difference(&entries).collect();
        assert!(
            missing.is_empty(),
            "I8: no entry in the audit trail: {missing:?}"
        );
        for (wrong, question) in READ.iter().copied() {
            let found = client.query(question, &[]).await;
            let found = found.unwrap_or_else(|error| panic!("{wrong}: {error:?}"));
            assert!(
                found.is_empty(),
                "{wrong}: {} rows, the first: {:?}",
                found.len(),
                found[0]
            );
        }
    }

    /// Waits until both databases show all that was stored.
    pub async fn caught_up(&self) {
        let heads = self.heads().await;
        for database in [&self.config.database.write, &self.config.database.read] {
            for (stream, head) in heads {
                reached(database, stream, head).await;
            }
        }
    }

    /// The event store, beside the registry that writes to it.
    pub async fn events(&self) -> Arc<dyn EventStore> {
        let location = self.config.event_store_location().unwrap();
        let identity = StreamName::identity(&self.config.domain).unwrap();
        let plain = location.open_read_only().await.unwrap();
        let keys = self.config.people_keys().unwrap();
        keys.seal(plain, &identity).await.unwrap()
    }

    /// Where the streams stand in the event store.
    pub async fn heads(&self) -> [(&'static str, i64); 2] {
        let store = self.events().await;
        let domain = &self.config.domain;
        let head = async |name: StreamName| store.head(&name).await.unwrap().position.0;
        let heads = [
            ("ledger", head(StreamName::ledger(domain).unwrap()).await),
            (
                "identity",
                head(StreamName::identity(domain).unwrap()).await,
            ),
        ];
        store.close().await;
        heads
    }
}

/// The commands that users gave and that were accepted, and who gave them.
async fn commands_of_users(store: &Arc<dyn EventStore>, domain: &str) -> BTreeSet<(Uuid, String)> {
    let streams = [StreamName::ledger(domain), StreamName::identity(domain)];
    let mut commands = BTreeSet::new();
    for stream in streams {
        let (stream, mut after) = (stream.unwrap(), Position::START);
        loop {
            let events = store.read(&stream, after, 1_000).await.unwrap();
            let Some(last) = events.last() else { break };
            after = last.position;
            let envelopes = events.iter().map(|event| {
                let envelope: Envelope = serde_json::from_slice(&event.metadata).unwrap();
                envelope
            });
            let of_users = envelopes.filter(|one| one.actor.user_id().is_some());
            commands.extend(of_users.map(|one| (one.command_id, one.actor.to_string())));
        }
    }
    commands
}

/// Waits until a database shows a stream up to a position.
pub(crate) async fn reached(database: &Connection, stream: &str, head: i64) {
    let what = format!("{} shows the {stream} up to {head}", database.dbname);
    eventually(&what, || async move {
        let client = connect(database).await.ok()?;
        let sql = "SELECT position FROM checkpoint WHERE stream = $1";
        let shown = client.query_opt(sql, &[&stream]).await.ok()?;
        let position = shown.map_or(0, |row| row.get::<_, i64>(0));
        (position >= head).then_some(())
    })
    .await;
}
