//! How large the event file is.

use anyhow::Result;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Bytes of the file as it is after its write-ahead log was written back into it.
pub fn bytes(path: &Path) -> Result<i64> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(number("page_size")? * (number("page_count")? - number("freelist_count")?))
}
