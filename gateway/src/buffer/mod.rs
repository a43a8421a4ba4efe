//! What was taken and is not yet acknowledged: readings, their envelopes, and where each device's chain and
//! accounts stand, in one SQLite file.
//!
//! A reading is taken when [`Buffer::record`] has returned: it and the state of the accounts that it came from
//! are durable together (WAL, `synchronous=FULL`, one transaction). Envelopes are made of readings in a
//! second one that moves the sequence and the chain along. Nothing is deleted before the registry has
//! acknowledged it.
//!
//! **When the share of the disk is used up, nothing is taken.** The energy stays where it is safe, in the
//! meter's own counter: the accounts do not move, and the first sample that fits again covers the time
//! between, marked as interpolated. Nothing that was taken is ever dropped.

mod envelope;
mod error;
mod record;
mod schema;
mod send;
mod space;
mod stream;
mod writer;

pub use envelope::{Sealed, Unsealed};
pub use error::BufferError;
pub use record::Taken;
pub use send::Outgoing;
pub use space::{KEEP_ACKNOWLEDGED, Usage};
pub use stream::{Hold, Stream};

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use schemas::gateway::api::GatewayDevice;
use schemas::id::DeviceId;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::Writer;

/// Name of the file in the gateway's folder.
pub const FILE_NAME: &str = "buffer.db";
/// How long to wait for another process, such as `gateway status`, to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is cut back to this after a burst.
const LOG_BYTES: i64 = 8 << 20;

/// The buffer; clones are the same.
#[derive(Clone)]
pub struct Buffer {
    writer: Writer,
    share: u64,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Buffer {
    /// Opens the buffer at `path`, which may take `share` bytes, and makes it if there is none.
    ///
    /// # Errors
    /// When the file can not be opened, or is none of this program's.
    pub fn open(path: &Path, share: u64) -> Result<Self, BufferError> {
        let mut db = Connection::open(path)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        db.set_prepared_statement_cache_capacity(64);
        schema::prepare(&mut db)?;
        space::limit(&db, share)?;
        let (writer, thread) =
            Writer::start(db).map_err(|error| BufferError::Io(Arc::new(error)))?;
        Ok(Self {
            writer,
            share,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Waits until what was asked is done, and closes the file. Clones that are left keep it open.
    pub async fn close(self) {
        let thread = {
            let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            thread.take()
        };
        drop(self.writer);
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the buffer's thread has panicked");
            }
        }
    }

    /// Keeps what was taken from a device, readings and the state of its accounts; durable on return.
    ///
    /// # Errors
    /// [`BufferError::Full`], when nothing has changed and nothing is lost; others as they come.
    pub async fn record(&self, taken: Taken) -> Result<(), BufferError> {
        let share = self.share;
        let work = move |db: &Connection| record::record(db, &taken, share);
        self.writer.ask(work).await
    }

    /// The accounts of a device as they were last kept.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn accounts(&self, device: DeviceId) -> Result<Option<String>, BufferError> {
        let work = move |db: &Connection| record::accounts(db, device);
        self.writer.ask(work).await
    }

    /// At most `limit` readings that wait for an envelope, from the devices after `after` and then from the
    /// start, leaving out those of `except`: runs of the same meter and profile, each device's in order.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn unsealed(
        &self,
        after: Option<DeviceId>,
        except: Vec<DeviceId>,
        limit: usize,
    ) -> Result<Vec<Unsealed>, BufferError> {
        let work = move |db: &Connection| envelope::unsealed(db, after, &except, limit);
        self.writer.ask(work).await
    }

    /// Puts envelopes in the place of the readings they were made of.
    ///
    /// # Errors
    /// [`BufferError::OutOfStep`] when one does not follow the chain; none is kept then.
    pub async fn seal(&self, sealed: Vec<Sealed>) -> Result<(), BufferError> {
        let work = move |db: &Connection| envelope::seal(db, &sealed);
        self.writer.ask(work).await
    }

    /// Takes apart the envelopes of `device` from `from` on: their readings wait again, and the chain ends
    /// before them. Only for envelopes that the registry has surely not taken.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn unseal(&self, device: DeviceId, from: i64) -> Result<(), BufferError> {
        let work = move |db: &Connection| envelope::unseal(db, device, from);
        self.writer.ask(work).await
    }

    /// Envelopes to send, those of a device in order: at most `envelopes`, and `bytes` unless one alone has
    /// more.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn outgoing(
        &self,
        except: Vec<DeviceId>,
        envelopes: usize,
        bytes: usize,
    ) -> Result<Vec<Outgoing>, BufferError> {
        let work = move |db: &Connection| send::outgoing(db, &except, envelopes, bytes);
        self.writer.ask(work).await
    }

    /// Notes that the registry has these envelopes (device, sequence).
    ///
    /// # Errors
    /// When the file fails.
    pub async fn acknowledge(
        &self,
        envelopes: Vec<(DeviceId, i64)>,
        at: DateTime<Utc>,
    ) -> Result<(), BufferError> {
        let work = move |db: &Connection| send::acknowledge(db, &envelopes, at);
        self.writer.ask(work).await
    }

    /// Has the envelopes of `device` sent again from `expected` on.
    ///
    /// # Errors
    /// [`BufferError::Gone`] when they are no longer there.
    pub async fn resend(&self, device: DeviceId, expected: i64) -> Result<(), BufferError> {
        let work = move |db: &Connection| send::resend(db, device, expected);
        self.writer.ask(work).await
    }

    /// Notes why a device's envelopes are not sent, or that they are again.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn hold(&self, device: DeviceId, hold: Option<Hold>) -> Result<(), BufferError> {
        let work = move |db: &Connection| stream::hold(db, device, hold.as_ref());
        self.writer.ask(work).await
    }

    /// Goes on where the registry says that the devices' chains are: what it has is done with, what it has
    /// not waits for new envelopes. For a gateway that has enrolled.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn adopt(&self, devices: Vec<GatewayDevice>) -> Result<(), BufferError> {
        let work = move |db: &Connection| stream::adopt(db, &devices);
        self.writer.ask(work).await
    }

    /// Where each device is, by its id.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn streams(&self) -> Result<Vec<Stream>, BufferError> {
        self.writer.ask(stream::all).await
    }

    /// What is in the buffer.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn usage(&self) -> Result<Usage, BufferError> {
        let share = self.share;
        self.writer.ask(move |db| space::usage(db, share)).await
    }

    /// Deletes envelopes that were acknowledged long ago, or whose room is needed.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn prune(&self, now: DateTime<Utc>) -> Result<(), BufferError> {
        let share = self.share;
        self.writer
            .ask(move |db| space::prune(db, share, now))
            .await
    }
}

/// What is in the buffer at `path`, read beside the process that writes to it.
///
/// # Errors
/// When the file can not be read.
pub fn look(path: &Path, share: u64) -> Result<(Usage, Vec<Stream>), BufferError> {
    let flags =
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "query_only", true)?;
    Ok((space::usage(&db, share)?, stream::all(&db)?))
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;
