//! The tables of the buffer.

use super::BufferError;
use rusqlite::Connection;

/// Format of the file, in its header. A file of another format is refused.
const VERSION: i32 = 1;

/// `stream`: where a device is. `waiting` counts its readings without an envelope, `hold_*` says why its
/// envelopes are not sent. `origin`: meter and profile of readings. `reading`: readings without an envelope,
/// numbered per device. `envelope`: those sent or to be sent; `acked_at` is when the registry said it has it,
/// `first_reading` the number of its first reading. Times are Unix seconds.
const TABLES: &str = "
    CREATE TABLE stream (
        device INTEGER PRIMARY KEY,
        next_reading INTEGER NOT NULL DEFAULT 1,
        waiting INTEGER NOT NULL DEFAULT 0,
        next_sequence INTEGER NOT NULL DEFAULT 1,
        previous TEXT,
        accountant TEXT,
        hold_code TEXT,
        hold_detail TEXT,
        hold_sequence INTEGER,
        hold_at INTEGER
    ) STRICT;
    CREATE TABLE origin (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE reading (
        device INTEGER NOT NULL,
        number INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (device, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE envelope (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        device INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        kid TEXT NOT NULL,
        hash TEXT NOT NULL,
        first_reading INTEGER NOT NULL,
        readings INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        compact TEXT NOT NULL,
        acked_at INTEGER,
        UNIQUE (device, sequence)
    ) STRICT;
    CREATE INDEX envelope_open ON envelope (id) WHERE acked_at IS NULL;
    CREATE INDEX envelope_acked ON envelope (acked_at) WHERE acked_at IS NOT NULL;
";

/// Makes the tables if the file is new.
pub(super) fn prepare(db: &mut Connection) -> Result<(), BufferError> {
    let found: i32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found {
        VERSION => Ok(()),
        0 => {
            let made = db.transaction()?;
            made.execute_batch(TABLES)?;
            made.pragma_update(None, "user_version", VERSION)?;
            Ok(made.commit()?)
        }
        found => Err(BufferError::Format {
            found,
            expected: VERSION,
        }),
    }
}
