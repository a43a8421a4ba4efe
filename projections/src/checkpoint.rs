//! How far a database has come in each stream.

use crate::{Error, Target};
use deadpool_postgres::ClientWrapper;
use ledger::Stream;
use schemas::log::{Position, RunningHash};
use tokio_postgres::Row;

/// A position in a stream and the running hash up to there.
pub use event_store::Head as Checkpoint;

pub(crate) const SELECT: &str = "SELECT position, hash FROM checkpoint WHERE stream = $1";

/// Where the database stands in `stream`; the start for one that has not begun.
///
/// # Errors
/// If the database can not be read.
pub async fn checkpoint(client: &ClientWrapper, stream: Stream) -> Result<Checkpoint, Error> {
    let select = client.prepare_cached(SELECT).await?;
    let row = client.query_opt(&select, &[&stream.as_str()]).await?;
    row.as_ref().map_or(Ok(Checkpoint::START), from_row)
}

pub(crate) fn from_row(row: &Row) -> Result<Checkpoint, Error> {
    let hash: &[u8] = row.try_get(1)?;
    let hash = hash
        .try_into()
        .map_err(|_| Error::Inconsistent("the hash of a checkpoint must have 32 bytes".into()))?;
    Ok(Checkpoint {
        position: Position(row.try_get(0)?),
        hash: RunningHash(hash),
    })
}

/// Moves the checkpoint, within the transaction that moves the rows.
///
/// It must be that transaction's first statement: it locks the row, and with it which schema's tables
/// the following statements mean, until the transaction ends. (A rebuild swaps schemas under a lock of
/// this table.)
///
/// # Errors
/// [`Error::Moved`] if the checkpoint does not stand at `from`, or the tables are of another version of the projection.
pub(crate) async fn advance(
    client: &ClientWrapper,
    target: Target,
    stream: Stream,
    from: Checkpoint,
    to: Checkpoint,
) -> Result<(), Error> {
    let update = client
        .prepare_cached(
            "UPDATE checkpoint SET position = $4, hash = $5, moved_at = now()
             WHERE stream = $1 AND position = $2 AND hash = $3 AND version = $6",
        )
        .await?;
    let moved = client
        .execute(
            &update,
            &[
                &stream.as_str(),
                &from.position.0,
                &from.hash.0.as_slice(),
                &to.position.0,
                &to.hash.0.as_slice(),
                &target.version(),
            ],
        )
        .await?;
    if moved == 1 {
        Ok(())
    } else {
        Err(Error::Moved)
    }
}

/// Channel on which a database tells that a checkpoint moved; the payload is `<stream>:<position>`.
pub const CHANNEL: &str = "checkpoint";

/// Tells those who listen, once the transaction commits.
pub(crate) async fn notify(
    client: &ClientWrapper,
    stream: Stream,
    position: Position,
) -> Result<(), Error> {
    let notify = client.prepare_cached("SELECT pg_notify($1, $2)").await?;
    let payload = format!("{}:{position}", stream.as_str());
    client.query_one(&notify, &[&CHANNEL, &payload]).await?;
    Ok(())
}

/// Reads the payload of a notification.
pub(crate) fn notified(payload: &str) -> Option<(Stream, Position)> {
    let (name, position) = payload.split_once(':')?;
    let stream = Stream::ALL
        .into_iter()
        .find(|stream| stream.as_str() == name)?;
    Some((stream, Position(position.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_that_is_not_ours_is_passed_over() {
        assert_eq!(notified("ledger:17"), Some((Stream::Ledger, Position(17))));
        assert_eq!(
            notified("identity:0"),
            Some((Stream::Identity, Position(0)))
        );
        for other in ["", "ledger", "market:17", "ledger:x"] {
            assert_eq!(notified(other), None, "{other}");
        }
    }
}
