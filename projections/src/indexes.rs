//! Indexes and statistics made late: a table is filled several times faster without them.

use crate::Error;
use deadpool_postgres::ClientWrapper;
use futures_util::future::try_join_all;
use std::sync::{Mutex, PoisonError};

/// Takes the indexes that are no constraints off the tables of `schema`, and notes how to make them, in
/// one transaction.
pub(crate) async fn defer(client: &ClientWrapper, schema: &str) -> Result<(), Error> {
    client
        .batch_execute(&format!(
            "BEGIN;
             CREATE TABLE {schema}.deferred_index (name text PRIMARY KEY, definition text NOT NULL);
             INSERT INTO {schema}.deferred_index
                 SELECT indexname, indexdef FROM pg_indexes AS i WHERE schemaname = '{schema}'
                 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = i.indexname
                     AND connamespace = '{schema}'::regnamespace);
             DO $$ DECLARE index text; BEGIN
                 FOR index IN SELECT name FROM {schema}.deferred_index LOOP
                     EXECUTE format('DROP INDEX {schema}.%I', index);
                 END LOOP;
             END $$;
             COMMIT"
        ))
        .await?;
    Ok(())
}

/// Makes the indexes noted, one on each connection at a time and each in a transaction; `tell` hears the name of each
/// before it is made.
pub(crate) async fn make(
    clients: &[&ClientWrapper],
    schema: &str,
    tell: impl FnMut(&str),
) -> Result<(), Error> {
    let Some(first) = clients.first() else {
        return Ok(());
    };
    let noted = first
        .query(
            &format!("SELECT name, definition FROM {schema}.deferred_index ORDER BY name"),
            &[],
        )
        .await?;
    let left = Mutex::new((noted.iter(), tell));
    let next = || {
        let (noted, tell) = &mut *left.lock().unwrap_or_else(PoisonError::into_inner);
        let row = noted.next()?;
        Some(row.try_get(0).and_then(|name| {
            tell(name);
            Ok((name, row.try_get::<_, &str>(1)?))
        }))
    };
    let makers = clients.iter().map(async |client| {
        while let Some(index) = next() {
            let (name, definition) = index?;
            client
                .batch_execute(&format!(
                    "BEGIN; SET LOCAL maintenance_work_mem = '256MB'; {definition};
                     DELETE FROM {schema}.deferred_index WHERE name = '{name}'; COMMIT"
                ))
                .await?;
        }
        Ok(())
    });
    try_join_all(makers).await.map(|_| ())
}

/// Lets autovacuum leave the tables of `schema` alone, or look after them again: while they are filled, it would find again
/// and again that they have grown.
pub(crate) async fn autovacuum(
    client: &ClientWrapper,
    schema: &str,
    enabled: bool,
) -> Result<(), Error> {
    let change = match enabled {
        true => "RESET (autovacuum_enabled)",
        false => "SET (autovacuum_enabled = false)",
    };
    for_each_table(client, schema, &format!("ALTER TABLE {schema}.%I {change}")).await
}

/// Gathers what the planner needs to know of every table of `schema`.
pub(crate) async fn analyze(client: &ClientWrapper, schema: &str) -> Result<(), Error> {
    for_each_table(client, schema, &format!("ANALYZE {schema}.%I")).await
}

async fn for_each_table(
    client: &ClientWrapper,
    schema: &str,
    statement: &str,
) -> Result<(), Error> {
    client
        .batch_execute(&format!(
            "DO $$ DECLARE name text; BEGIN
                 FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '{schema}' LOOP
                     EXECUTE format('{statement}', name);
                 END LOOP;
             END $$"
        ))
        .await?;
    Ok(())
}
