//! Entries of sessions as rows.

use super::row::state;
use crate::Error;
use ledger::{Entry, Key};
use tokio_postgres::Row;

pub(super) const SESSION: &str =
    "SELECT session_id, state::json FROM session WHERE session_id = ANY($1)";
pub(super) const SAVE_SESSION: &str = "INSERT INTO session (session_id, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (session_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";

pub(super) fn session(row: &Row) -> Result<(Key, Entry), Error> {
    Ok((
        Key::Session(row.try_get(0)?),
        Entry::Session(state(row, 1)?),
    ))
}
