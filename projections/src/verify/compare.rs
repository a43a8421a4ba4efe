//! Two schemas with the same tables, compared by digests, and row by row where those differ.

use crate::Error;
use deadpool_postgres::ClientWrapper;
use std::collections::BTreeMap;

/// Parts a table is compared in when its digest differs, so that few rows have to be looked at.
const BUCKETS: i64 = 1024;
/// Parts that are looked at row by row, at most.
const MAX_BUCKETS: usize = 16;
/// Differences shown of a table, at most.
const MAX_FINDINGS: usize = 20;
/// Characters shown of a row, at most.
const MAX_CHARS: usize = 400;

/// A table, its key, and what of its rows counts.
struct Table {
    name: String,
    key: String,
    row: String,
}

/// Tables of the schema that `client` resolves names in.
async fn tables(client: &ClientWrapper) -> Result<Vec<Table>, Error> {
    let rows = client
        .query(
            "SELECT t.relname::text, string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum),
                 EXISTS (SELECT FROM pg_attribute AS s WHERE s.attrelid = t.oid AND s.atttypid = 'json'::regtype)
             FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
             JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
             WHERE i.indisprimary AND t.relnamespace = current_schema()::regnamespace
                 AND t.relname NOT IN ('refinery_schema_history', 'deferred_index')
             GROUP BY t.oid, t.relname ORDER BY t.relname",
            &[],
        )
        .await?;
    let mut tables = Vec::new();
    for row in &rows {
        let name: String = row.try_get(0)?;
        let row_text = match name.as_str() {
            // When the checkpoint moved is no fact of the log.
            "checkpoint" => "format('%s %s %s', stream, position, hash)",
            // What is found is shown, and must not show people.
            "registry_user" => {
                "(to_jsonb(t) - '{name,email,organisation,password_hash}'::text[])::text || md5(t::text)"
            }
            "audit_entry" | "audit_client" => {
                "(to_jsonb(t) - 'address'::text)::text || md5(t::text)"
            }
            // A state that another version wrote may be spelled otherwise.
            _ if row.try_get(2)? => "to_jsonb(t)::text",
            _ => "t::text",
        };
        tables.push(Table {
            key: row.try_get(1)?,
            row: row_text.to_owned(),
            name,
        });
    }
    Ok(tables)
}

/// Differences between the live tables and those made from the log, in sentences.
pub(super) async fn audit(
    live: &ClientWrapper,
    rebuilt: &ClientWrapper,
    mut tell: impl FnMut(&str),
) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for table in tables(live).await? {
        tell(&table.name);
        let one = digests(live, &table, 1).await?;
        if one != digests(rebuilt, &table, 1).await? {
            findings.extend(differences(live, rebuilt, &table).await?);
        }
    }
    Ok(findings)
}

/// Number of rows and sum of their hashes, by bucket.
async fn digests(
    client: &ClientWrapper,
    table: &Table,
    buckets: i64,
) -> Result<BTreeMap<i64, (i64, String)>, Error> {
    let Table { name, key, row } = table;
    let rows = client
        .query(
            &format!(
                "SELECT hashtextextended(ROW({key})::text, 0) & {}, count(*),
                     sum(hashtextextended({row}, 0)::numeric)::text
                 FROM {name} AS t GROUP BY 1",
                buckets - 1
            ),
            &[],
        )
        .await?;
    let mut digests = BTreeMap::new();
    for row in &rows {
        digests.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    Ok(digests)
}

async fn differences(
    live: &ClientWrapper,
    rebuilt: &ClientWrapper,
    table: &Table,
) -> Result<Vec<String>, Error> {
    let (a, b) = (
        digests(live, table, BUCKETS).await?,
        digests(rebuilt, table, BUCKETS).await?,
    );
    let mut differ: Vec<i64> = (0..BUCKETS).filter(|n| a.get(n) != b.get(n)).collect();
    let skipped = differ.len().saturating_sub(MAX_BUCKETS);
    differ.truncate(MAX_BUCKETS);
    let (mut a, b) = (
        rows(live, table, &differ).await?,
        rows(rebuilt, table, &differ).await?,
    );
    let name = &table.name;
    let mut findings = Vec::new();
    for (key, from_log) in b {
        match a.remove(&key) {
            Some(live) if live == from_log => {}
            Some(live) => findings.push(format!(
                "table {name}, row {key}: live has {}, the log gives {}",
                cut(&live),
                cut(&from_log)
            )),
            None => findings.push(format!(
                "table {name}, row {key}: live lacks it, the log gives {}",
                cut(&from_log)
            )),
        }
    }
    findings.extend(a.into_iter().map(|(key, live)| {
        format!(
            "table {name}, row {key}: live has {}, the log gives none",
            cut(&live)
        )
    }));
    if findings.len() > MAX_FINDINGS || skipped > 0 {
        findings.truncate(MAX_FINDINGS);
        findings.push(format!("table {name}: and more"));
    }
    Ok(findings)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

async fn rows(
    client: &ClientWrapper,
    table: &Table,
    buckets: &[i64],
) -> Result<BTreeMap<String, String>, Error> {
    let Table { name, key, row } = table;
    let found = client
        .query(
            &format!(
                "SELECT ROW({key})::text, {row} FROM {name} AS t
                 WHERE hashtextextended(ROW({key})::text, 0) & {} = ANY($1)",
                BUCKETS - 1
            ),
            &[&buckets],
        )
        .await?;
    let mut rows = BTreeMap::new();
    for row in &found {
        rows.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(rows)
}
