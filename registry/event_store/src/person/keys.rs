//! The keys: a small SQLite file of its own, in which what is deleted is overwritten.

use super::PeopleError;
use rand::Rng;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use schemas::id::UserId;
use schemas::log::Position;
use std::collections::HashSet;
use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How long to wait for another process; its transactions last milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// "GCRp", so that no other database is taken for one of keys.
const APPLICATION_ID: i32 = 0x4743_5270;

/// No write-ahead log: there is no second place that stays in which a key could be found.
const DURABLE: &str = "
    PRAGMA journal_mode = DELETE;
    PRAGMA secure_delete = ON;
    PRAGMA synchronous = EXTRA;";

/// A row of a person without a key says that it was destroyed. `erasures` tells up to which position of a domain's
/// identity stream they are known to be carried out.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS file (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id       BLOB NOT NULL CHECK (length(id) = 16)
    );
    CREATE TABLE IF NOT EXISTS person (
        domain  TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        key     BLOB CHECK (length(key) = 32),
        PRIMARY KEY (domain, user_id)
    );
    CREATE TABLE IF NOT EXISTS erasures (
        domain   TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    );";

/// A person's key. It has no `Debug`, so that no log shows it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(pub [u8; 32]);

impl Key {
    /// One that nobody else has.
    pub fn random() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self(key)
    }
}

/// What there is for a person.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Their key.
    Key(Key),
    /// It was destroyed.
    Destroyed,
    /// There never was one.
    Never,
}

/// The keys of people, by domain and user.
pub struct PersonKeys {
    path: PathBuf,
    id: Uuid,
    db: Mutex<Connection>,
}

impl fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonKeys")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl PersonKeys {
    /// Opens the file at `path`, which is made where there is none. Nobody but its owner reads it.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub fn open(path: &Path) -> Result<Self, PeopleError> {
        let failed = |source: Arc<dyn std::error::Error + Send + Sync>| PeopleError::File {
            path: path.to_owned(),
            source,
        };
        create(path).map_err(|error| failed(Arc::new(error)))?;
        let db = Connection::open(path).map_err(|error| failed(Arc::new(error)))?;
        let id = prepare(&db).map_err(|error| failed(Arc::new(error)))?;
        Ok(Self {
            path: path.to_owned(),
            id: id.ok_or_else(|| PeopleError::NotKeys(path.to_owned()))?,
            db: Mutex::new(db),
        })
    }

    /// Names the file, wherever it is.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: rusqlite::Error) -> PeopleError {
        PeopleError::File {
            path: self.path.clone(),
            source: Arc::new(error),
        }
    }

    /// What there is for a person.
    pub(super) fn find(&self, domain: &str, user_id: UserId) -> Result<Found, PeopleError> {
        let found = find(&self.db(), domain, user_id);
        found.map_err(|error| self.failed(error))
    }

    /// The key of a person, made and durable if there was none until now.
    pub(super) fn find_or_make(&self, domain: &str, user_id: UserId) -> Result<Found, PeopleError> {
        let db = self.db();
        let made = find(&db, domain, user_id).and_then(|found| match found {
            Found::Never => {
                db.execute(
                    "INSERT INTO person (domain, user_id, key) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO NOTHING",
                    params![domain, user_id.0, Key::random().0],
                )?;
                find(&db, domain, user_id)
            }
            known => Ok(known),
        });
        made.map_err(|error| self.failed(error))
    }

    /// Destroys the key of a person; whether there was something to destroy until now.
    pub(super) fn destroy(&self, domain: &str, user_id: UserId) -> Result<bool, PeopleError> {
        let destroyed = self.db().execute(
            "INSERT INTO person (domain, user_id, key) VALUES (?1, ?2, NULL)
             ON CONFLICT DO UPDATE SET key = NULL WHERE key IS NOT NULL",
            params![domain, user_id.0],
        );
        Ok(destroyed.map_err(|error| self.failed(error))? > 0)
    }

    /// Up to where erasures are known to be carried out.
    pub(super) fn erased_up_to(&self, domain: &str) -> Result<Position, PeopleError> {
        let position = self
            .db()
            .query_row(
                "SELECT position FROM erasures WHERE domain = ?1",
                [domain],
                |row| row.get(0),
            )
            .optional();
        let position = position.map_err(|error| self.failed(error))?;
        Ok(position.map_or(Position::START, Position))
    }

    /// Keeps up to where erasures are carried out.
    pub(super) fn keep_erased_up_to(&self, domain: &str, at: Position) -> Result<(), PeopleError> {
        let kept = self.db().execute(
            "INSERT INTO erasures (domain, position) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET position = max(position, excluded.position)",
            params![domain, at.0],
        );
        kept.map(drop).map_err(|error| self.failed(error))
    }
}

impl PersonKeys {
    /// Writes what the file holds at this moment to a new one at `path`, whoever uses this one meanwhile. Nobody but
    /// its owner reads it.
    ///
    /// # Errors
    /// [`PeopleError`]; also if there is something at `path`.
    pub fn copy_to(&self, path: &Path) -> Result<(), PeopleError> {
        let failed = |source: Arc<dyn std::error::Error + Send + Sync>| PeopleError::File {
            path: path.to_owned(),
            source,
        };
        // SQLite writes into an empty file as into one that it makes.
        create(path).map_err(|error| failed(Arc::new(error)))?;
        let text = path.to_str().ok_or_else(|| {
            let what = "its path is not Unicode";
            failed(Arc::new(std::io::Error::other(what)))
        })?;
        let copied = self.db().execute("VACUUM INTO ?1", [text]);
        copied.map_err(|error| failed(Arc::new(error)))?;
        let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|error| failed(Arc::new(error)))
    }

    /// Forgets everybody of a domain whom `known` does not name, for a log that ends before they came: who gets
    /// their number there is somebody else. Every erasure in the log is carried out again by who opens it.
    ///
    /// # Errors
    /// [`PeopleError`]; then nothing is forgotten.
    pub fn keep_only(&self, domain: &str, known: &HashSet<UserId>) -> Result<(), PeopleError> {
        let kept = keep_only(&self.db(), domain, known);
        kept.map_err(|error| self.failed(error))
    }
}

/// The id of the file at `path`, which is left as it is.
pub(super) fn id_of(path: &Path) -> Result<Uuid, PeopleError> {
    let read = || {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if application != APPLICATION_ID {
            return Ok(None);
        }
        db.query_row("SELECT id FROM file", [], |row| row.get(0))
            .map(Some)
    };
    let id: rusqlite::Result<Option<[u8; 16]>> = read();
    let id = id.map_err(|error| PeopleError::File {
        path: path.to_owned(),
        source: Arc::new(error),
    })?;
    let id = id.ok_or_else(|| PeopleError::NotKeys(path.to_owned()))?;
    Ok(Uuid::from_bytes(id))
}

fn keep_only(db: &Connection, domain: &str, known: &HashSet<UserId>) -> rusqlite::Result<()> {
    let write = db.unchecked_transaction()?;
    let users: Vec<i64> = write
        .prepare("SELECT user_id FROM person WHERE domain = ?1")?
        .query_map([domain], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for user_id in users.into_iter().filter(|id| !known.contains(&UserId(*id))) {
        write.execute(
            "DELETE FROM person WHERE domain = ?1 AND user_id = ?2",
            params![domain, user_id],
        )?;
    }
    write.execute("DELETE FROM erasures WHERE domain = ?1", [domain])?;
    write.commit()
}

fn find(db: &Connection, domain: &str, user_id: UserId) -> rusqlite::Result<Found> {
    let found: Option<Option<[u8; 32]>> = db
        .prepare_cached("SELECT key FROM person WHERE domain = ?1 AND user_id = ?2")?
        .query_row(params![domain, user_id.0], |row| row.get(0))
        .optional()?;
    Ok(match found {
        Some(Some(key)) => Found::Key(Key(key)),
        Some(None) => Found::Destroyed,
        None => Found::Never,
    })
}

/// Makes the file before SQLite does, whose journals then are as closed to others as it is.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

/// The id of the file, which is given one where it is new; none where it is something else.
fn prepare(db: &Connection) -> rusqlite::Result<Option<Uuid>> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    let begun = db.unchecked_transaction()?;
    let application: i32 = begun.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        begun.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_new = application == 0 && tables == 0;
    if application != APPLICATION_ID && !is_new {
        return Ok(None);
    }
    drop(begun);
    db.execute_batch(DURABLE)?;
    let write = rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)?;
    write.pragma_update(None, "application_id", APPLICATION_ID)?;
    write.execute_batch(SCHEMA)?;
    write.execute(
        "INSERT INTO file (only_row, id) VALUES (1, ?1) ON CONFLICT DO NOTHING",
        [Uuid::now_v7().into_bytes()],
    )?;
    let id: [u8; 16] = write.query_row("SELECT id FROM file", [], |row| row.get(0))?;
    write.commit()?;
    Ok(Some(Uuid::from_bytes(id)))
}
