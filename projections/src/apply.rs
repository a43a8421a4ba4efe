//! One chunk, one transaction: rows and checkpoint move together or not at all.

use crate::checkpoint::{self, Checkpoint};
use crate::chunk::Chunk;
use crate::{Error, Target, read, write};
use deadpool_postgres::ClientWrapper;
use std::sync::Arc;

/// Whether those who listen are told that the checkpoint moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notify {
    Yes,
    No,
}

/// Applies a chunk to a database that stands at `from`, and moves its checkpoint to the chunk's head.
/// Returns the rules of the life cycle that the events broke, in sentences; only READ looks for them.
///
/// # Errors
/// [`Error::Moved`] if it does not stand there; the connection can be used on. After any other error it
/// is to be dropped.
pub(crate) async fn apply(
    client: &ClientWrapper,
    target: Target,
    chunk: &Arc<Chunk>,
    from: Checkpoint,
    notify: Notify,
) -> Result<Vec<String>, Error> {
    // Polled in order and sent one behind the other: the checkpoint is locked before anything is read.
    let begin = client.batch_execute("BEGIN");
    let advance = checkpoint::advance(client, target, chunk.stream, from, chunk.head);
    let violations = match target {
        Target::Write => {
            let load = write::Base::load(client, chunk, from.position);
            let (begun, advanced, base) = futures_util::join!(begin, advance, load);
            begun?;
            or_roll_back(client, advanced).await?;
            base?.apply(client, chunk).await?;
            Vec::new()
        }
        Target::Read => {
            let load = read::Rows::load(client, chunk);
            let (begun, advanced, rows) = futures_util::join!(begin, advance, load);
            begun?;
            or_roll_back(client, advanced).await?;
            rows?.apply(client, chunk).await?
        }
    };
    let told = async {
        match notify {
            Notify::Yes => checkpoint::notify(client, chunk.stream, chunk.head.position).await,
            Notify::No => Ok(()),
        }
    };
    let (told, committed) = futures_util::join!(told, client.batch_execute("COMMIT"));
    told?;
    committed?;
    Ok(violations)
}

async fn or_roll_back(client: &ClientWrapper, advanced: Result<(), Error>) -> Result<(), Error> {
    if matches!(advanced, Err(Error::Moved)) {
        client.batch_execute("ROLLBACK").await?;
    }
    advanced
}
