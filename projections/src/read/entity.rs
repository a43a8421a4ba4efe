//! Read models of which few rows change at a time: loaded, folded and written back as JSON.

use crate::Error;
use deadpool_postgres::ClientWrapper;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use tokio_postgres::types::Json;

/// A row of such a table, its fields named as the columns.
pub(super) trait Entity: Serialize + DeserializeOwned + Debug + Send + Sync {
    /// The table.
    const TABLE: &'static str;
    /// Its columns, the primary key first.
    const COLUMNS: &'static [&'static str];
    /// Columns whose JSON would not be exact, read as text.
    const AS_TEXT: &'static [&'static str] = &[];

    /// The primary key.
    fn id(&self) -> i64;
}

struct Known<E> {
    row: E,
    changed: bool,
}

/// Rows by key, as they are after the events folded so far.
pub(super) struct Entities<E>(BTreeMap<i64, Known<E>>);

impl<E> Default for Entities<E> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<E: Entity> Entities<E> {
    /// The rows under `ids`, as far as there are any.
    pub(super) async fn load(client: &ClientWrapper, ids: &[i64]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let table = E::TABLE;
        let exact: String = E::AS_TEXT
            .iter()
            .map(|column| format!(" || jsonb_build_object('{column}', {column}::text)"))
            .collect();
        let key = E::COLUMNS[0];
        let sql = format!("SELECT to_jsonb(t){exact} FROM {table} AS t WHERE {key} = ANY($1)");
        let select = client.prepare_cached(&sql).await?;
        let mut rows = BTreeMap::new();
        for row in client.query(&select, &[&ids]).await? {
            let Json(row): Json<E> = row.try_get(0)?;
            rows.insert(
                row.id(),
                Known {
                    row,
                    changed: false,
                },
            );
        }
        Ok(Self(rows))
    }

    /// A new row.
    pub(super) fn insert(&mut self, row: E) {
        let changed = true;
        self.0.insert(row.id(), Known { row, changed });
    }

    /// The row, to be changed.
    pub(super) fn edit(&mut self, id: i64) -> Option<&mut E> {
        let known = self.0.get_mut(&id)?;
        known.changed = true;
        Some(&mut known.row)
    }

    /// Writes what changed.
    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        let changed: Vec<_> = self.0.values().filter(|known| known.changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = changed.iter().map(|known| &known.row).collect();
        let (table, columns) = (E::TABLE, E::COLUMNS.join(", "));
        let sets: Vec<_> = E::COLUMNS[1..]
            .iter()
            .map(|column| format!("{column} = EXCLUDED.{column}"))
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({columns})
             SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)
             ON CONFLICT ({}) DO UPDATE SET {}",
            E::COLUMNS[0],
            sets.join(", ")
        );
        let upsert = client.prepare_cached(&sql).await?;
        client.execute(&upsert, &[&Json(rows)]).await?;
        Ok(())
    }
}
