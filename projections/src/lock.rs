//! The lock of the projector at work in a database: it ends with the session that holds it, and so does not end where
//! the server does not learn that the projector is gone, or that it is stopped.

use crate::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use std::future::Future;
use std::time::Duration;

/// How often a standby tries to become the active one, and an idle projector shows that it is there.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

/// Looks in a row, 3 s at least, which find the session that holds the lock waiting for its projector, after which nobody
/// is behind it. Far longer than one at work is silent, and short enough that a standby takes over within 5 s.
const SILENT_LOOKS: u32 = 12;

/// Key of the advisory lock of one kind of work in one schema, `$1`.
const KEY: &str = "hashtextextended('projector:' || $1, 0)";

/// The lock where somebody holds it: Postgres keeps the two halves of its key in two columns.
const HELD: &str = "locktype = 'advisory' AND granted AND objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Has the server notice within seconds that the machine behind a session is gone, where its operating system can:
/// otherwise the session keeps its locks for two hours. Not for sessions that read much, since a reader who
/// pauses for as long looks the same.
const NOTICE: &str = "SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES
    ('tcp_keepalives_idle', '1'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '4000')) AS here (setting_name, wanted) ON name = setting_name";

/// Takes the lock of `schema` for this session, and says whether it could be had.
pub(crate) async fn take(client: &ClientWrapper, schema: &str) -> Result<bool, Error> {
    let take = format!("SELECT pg_try_advisory_lock({KEY})");
    Ok(client.query_one(&take, &[&schema]).await?.try_get(0)?)
}

/// Whether somebody holds the lock of `schema`.
pub(crate) async fn is_held(client: &ClientWrapper, schema: &str) -> Result<bool, Error> {
    let held = format!(
        "SELECT EXISTS (SELECT FROM pg_locks
         WHERE {HELD} AND (classid::bigint << 32 | objid::bigint) = {KEY})"
    );
    Ok(client.query_one(&held, &[&schema]).await?.try_get(0)?)
}

/// Prepares a session to hold a lock.
pub(crate) async fn be_noticed(client: &ClientWrapper) -> Result<(), Error> {
    client.batch_execute(NOTICE).await?;
    Ok(())
}

/// Does `work` while the session shows that somebody is there, which it has to wherever it may wait for others.
pub(crate) async fn keep<T>(
    client: &ClientWrapper,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let show = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = client.check_connection().await {
                return error;
            }
        }
    };
    tokio::select! {
        done = work => done,
        error = show => Err(error.into()),
    }
}

/// What a standby sees of the session that holds the lock.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    silent: Option<Silence>,
    looks: u32,
}

/// A session that waits for its client, since then.
#[derive(Debug, PartialEq, Eq)]
struct Silence {
    pid: i32,
    since: Option<DateTime<Utc>>,
}

impl Watch {
    /// Looks at it once more. If it has waited for its projector long enough, in whatever it was doing, it is ended: what
    /// it has not committed is undone, and its projector, if it comes back, finds itself without connection.
    pub async fn look(&mut self, client: &ClientWrapper, schema: &str) -> Result<(), Error> {
        let silent = silence(client, schema).await?;
        self.looks = if silent.is_some() && silent == self.silent {
            self.looks + 1
        } else {
            0
        };
        if let Some(Silence { pid, .. }) = silent
            && self.looks >= SILENT_LOOKS
        {
            tracing::warn!(pid, "the projector at work is silent; its session is ended");
            let end = "SELECT pg_terminate_backend($1)";
            client.query_one(end, &[&pid]).await?;
            self.looks = 0;
        }
        self.silent = silent;
        Ok(())
    }
}

/// The session that holds the lock of `schema`, if it waits for its client. Nothing is seen of the sessions of other users.
async fn silence(client: &ClientWrapper, schema: &str) -> Result<Option<Silence>, Error> {
    let waiting = format!(
        "SELECT pid, state_change FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE {HELD} AND (classid::bigint << 32 | objid::bigint) = {KEY} AND wait_event_type = 'Client'"
    );
    let row = client.query_opt(&waiting, &[&schema]).await?;
    row.map_or(Ok(None), |row| {
        Ok(Some(Silence {
            pid: row.try_get(0)?,
            since: row.try_get(1)?,
        }))
    })
}
