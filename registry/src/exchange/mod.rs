//! Exchange of certificates with other registries: keys and signatures, the file of an export, and what
//! is read of an import.

mod file;
#[cfg(test)]
mod file_tests;
mod key;
mod rows;
mod table;

pub use file::{FileError, Opened, accept, check_receipt, check_refusal, receipt, refusal, sealed};
pub use key::{Exchange, KeyError, Untrusted};
pub(crate) use key::{check_public_key, check_signing_key};
pub use rows::{ImportRows, read_csv, read_json};
pub use table::{COLUMNS, TEMPLATE, TableError, template_json};
