//! Importers: tables of interval values become readings of a device.
//!
//! The core is pure and exact: [`mapping`] turns rows into readings in whole Wh, or says per row why
//! not. Around it, [`table`] reads CSV and [`submission`] sends batches through the public API. An import
//! that was interrupted is continued by running it again: the registry recognises repeated readings.

mod length;
pub mod mapping;
#[cfg(test)]
mod mapping_tests;
mod reason;
mod refusals;
mod report;
mod rows;
pub mod submission;
#[cfg(test)]
mod submission_tests;
pub mod table;
#[cfg(test)]
mod table_tests;
mod time;
mod unit;

pub use self::{
    length::IntervalLength,
    reason::Reason,
    refusals::Refusals,
    report::{Report, grouped},
    time::{Local, TimeFormat, TimeReader},
    unit::Unit,
};
