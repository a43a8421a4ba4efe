//! What the projector of READ computes before it writes, without a database.

use crate::Error;
use crate::chunk::{Chunk, Size};
use crate::read::Rows;
use event_store::RecordedEvent;
use ledger::Stream;
use schemas::log::StreamName;

/// Decodes a log from its first event on and folds it into rows of READ, which are let go: what a projector's own share
/// of the work costs. Returns how much it was.
///
/// # Errors
/// [`Error::Event`] for an event that can not be read.
pub fn fold_read(
    stream: Stream,
    name: &StreamName,
    log: Vec<RecordedEvent>,
) -> Result<Size, Error> {
    let (mut rows, mut size) = (Rows::default(), Size::default());
    for chunk in Chunk::cut(stream, name, log, u64::MAX, true)? {
        rows.fold(&chunk)?;
        size += chunk.size;
    }
    Ok(size)
}
