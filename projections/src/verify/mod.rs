//! The audit: whether the databases hold what the log says, and whether the log kept the rules.
//!
//! Each database is looked at as of its own checkpoint, in one snapshot, while it goes on being served
//! and projected.

mod compare;
mod history;
mod report;
mod rules;

pub use report::{AuditReport, Check, Invariant};

use crate::postgres::{Connection, Databases, PoolError};
use crate::replay::{Positions, Replay};
use crate::schema::{self, LIVE, SCRATCH};
use crate::{Error, Target, lock, rebuild};
use deadpool_postgres::ClientWrapper;
use event_store::EventStore;
use std::sync::Arc;

/// What an audit is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The log is read through for its own sake.
    Log(i64),
    /// The log is replayed for a database: events done, and how many there are.
    Replay(Target, i64, i64),
    /// A table is compared.
    Table(Target, String),
}

/// Audits both databases: see [`audit_of`].
///
/// # Errors
/// As [`audit_of`].
pub async fn audit(
    databases: &Databases,
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> Result<AuditReport, Error> {
    let both = [
        (Target::Write, &databases.write),
        (Target::Read, &databases.read),
    ];
    audit_of(&both, store, domain, |_| {}).await
}

/// Audits the log of `domain` in `store` and the databases: the invariants I1 to I7. What is found wrong
/// is in the report; `tell` hears of each step.
///
/// # Errors
/// If a database or the log can not be read, or another audit of a database is running.
pub async fn audit_of(
    databases: &[(Target, &Connection)],
    store: &Arc<dyn EventStore>,
    domain: &str,
    mut tell: impl FnMut(Step),
) -> Result<AuditReport, Error> {
    let mut report = AuditReport::default();
    history::audit(store, domain, &mut report, |events| tell(Step::Log(events))).await?;
    for (target, connection) in databases {
        audit_database(*target, connection, store, domain, &mut report, &mut tell).await?;
    }
    Ok(report)
}

async fn audit_database(
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
    report: &mut AuditReport,
    tell: &mut impl FnMut(Step),
) -> Result<(), Error> {
    let live = whole_tables(connection, LIVE).await?;
    live.batch_execute(&format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         LOCK TABLE {LIVE}.checkpoint IN ACCESS SHARE MODE"
    ))
    .await?;
    let tables = schema::tables(&live, target, LIVE).await?;
    if tables.version != Some(target.version()) || tables.missing + tables.later > 0 {
        return Err(Error::Inconsistent(format!(
            "the {target} tables are not those that this release makes: {} of its migrations are missing, {} are of a later \
             release, their version is {}, its own {}",
            tables.missing,
            tables.later,
            tables.version.unwrap_or_default(),
            target.version()
        )));
    }
    let mut scratch = schema::connect(connection, SCRATCH).await?;
    begin_scratch(&mut scratch, target).await?;
    let live_replay = Replay {
        client: &live,
        target,
        store,
        domain,
        rows: rebuild::CHUNK_ROWS,
    };
    let mut until = Positions::default();
    let mut lost = Vec::new();
    for stream in live_replay.streams() {
        match live_replay.checked(stream).await {
            Ok(at) => until.set(stream, at.position),
            Err(Error::Store(error)) => lost.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    let is_of_this_log = lost.is_empty();
    report.add(Invariant::Acknowledged, Some(target), lost);
    rules::audit(&live, target, domain, report).await?;
    if is_of_this_log {
        let replay = Replay {
            client: &scratch,
            ..live_replay
        };
        let mut done = Positions::default();
        let broken = replay
            .until(until, |stream, position, _| {
                done.set(stream, position);
                tell(Step::Replay(target, done.events(), until.events()));
            })
            .await?;
        if target == Target::Read {
            report.add(Invariant::OnePlace, None, broken);
        }
        let rebuilt = whole_tables(connection, SCRATCH).await?;
        let tables = compare::audit(&live, &rebuilt, |table| {
            tell(Step::Table(target, table.to_owned()));
        });
        report.add(Invariant::Rebuilt, Some(target), tables.await?);
    } else {
        let why = "not compared: the database is not of this log".to_owned();
        report.add(Invariant::Rebuilt, Some(target), vec![why]);
    }
    scratch
        .batch_execute(&format!("DROP SCHEMA {SCRATCH} CASCADE"))
        .await?;
    Ok(())
}

/// A connection whose questions go through whole tables.
async fn whole_tables(connection: &Connection, schema: &str) -> Result<ClientWrapper, PoolError> {
    let client = schema::connect(connection, schema).await?;
    client
        .batch_execute(
            "SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on;
             SET plan_cache_mode = auto",
        )
        .await
        .map_err(|source| PoolError::Connect {
            place: connection.place(),
            source,
        })?;
    Ok(client)
}

async fn begin_scratch(client: &mut ClientWrapper, target: Target) -> Result<(), Error> {
    if !lock::take(client, SCRATCH).await? {
        return Err(Error::Inconsistent(
            "another audit of this database is running".into(),
        ));
    }
    client
        .batch_execute(&format!(
            "SET synchronous_commit = off; DROP SCHEMA IF EXISTS {SCRATCH} CASCADE"
        ))
        .await?;
    schema::migrate(client, target, SCRATCH).await?;
    crate::indexes::defer(client, SCRATCH).await
}
