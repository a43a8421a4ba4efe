//! Records and allocations of storage as clients write them, in CSV or JSON, into rows for the ledger.
//! Pure: what can not be read becomes an error that names row and column, and the rows after it are read
//! all the same.

mod allocation;
mod record;
mod table;

pub use allocation::{ALLOCATION_TEMPLATE, Row as AllocationRow, Rows as AllocationRows};
pub use record::{RECORD_TEMPLATE, Rows as RecordRows};
pub use table::{TableError, Uploaded};
