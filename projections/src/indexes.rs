//! Indexes and statistics made late: a table is filled several times faster without them.

use crate::Error;
use deadpool_postgres::ClientWrapper;

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

/// Makes the indexes noted, each in a transaction; `tell` hears the name of each before it is made.
pub(crate) async fn make(
    client: &ClientWrapper,
    schema: &str,
    mut tell: impl FnMut(&str),
) -> Result<(), Error> {
    let noted = client
        .query(
            &format!("SELECT name, definition FROM {schema}.deferred_index ORDER BY name"),
            &[],
        )
        .await?;
    for row in noted {
        let (name, definition): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        tell(name);
        client
            .batch_execute(&format!(
                "BEGIN; SET LOCAL maintenance_work_mem = '256MB'; {definition};
                 DELETE FROM {schema}.deferred_index WHERE name = '{name}'; COMMIT"
            ))
            .await?;
    }
    Ok(())
}

/// Gathers what the planner needs to know of every table of `schema`.
pub(crate) async fn analyze(client: &ClientWrapper, schema: &str) -> Result<(), Error> {
    client
        .batch_execute(&format!(
            "DO $$ DECLARE name text; BEGIN
                 FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '{schema}' LOOP
                     EXECUTE format('ANALYZE {schema}.%I', name);
                 END LOOP;
             END $$"
        ))
        .await?;
    Ok(())
}
