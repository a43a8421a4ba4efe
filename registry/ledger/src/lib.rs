//! The rules of the registry, pure: no IO, no clock, no randomness, no float.
//!
//! [`decide`] turns a command into events or a refusal, on the state as it stands; [`apply`] folds an
//! event into the state. The sequencer and the WRITE projector use the same two.

pub mod account;
pub mod action;
pub mod api_key;
mod apply;
mod capacity;
pub mod command;
pub mod context;
pub mod correction;
mod decide;
pub mod device;
pub mod entry;
pub mod event;
pub mod export;
pub mod gateway;
pub mod import;
pub mod invitation;
pub mod issuance;
pub mod key;
pub mod link;
mod measurement;
pub mod meter;
pub mod on_request;
mod organisation;
pub mod period;
pub mod reading;
mod received_export;
pub mod recurring;
pub mod refusal;
pub mod second_factor;
pub mod session;
mod settlement;
pub mod standing;
pub mod state;
pub mod state_machine;
pub mod storage;
pub mod user;

pub use apply::{act_on, apply, touched};
pub use command::Command;
pub use context::{Context, Policy};
pub use decide::{Decision, Recorded, decide, needed};
pub use entry::Entry;
pub use event::{Event, Stream};
pub use key::Key;
pub use refusal::{Code, Kind, Refusal};
pub use state::{Changes, Entries, NotLoaded, Slot};
