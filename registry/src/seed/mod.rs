//! The demo of the development environment, made through the public API: users' organisations,
//! accounts and whitelists, issuance metadata, devices, a year of readings, and actions on what was
//! issued. What is there is found by name and left as it is, so that a second run adds nothing and an
//! interrupted one is finished by running it again.

mod account;
mod action;
mod device;
mod error;
pub mod generator;
mod metadata;
mod people;
mod progress;
mod reading;
mod step;
#[cfg(test)]
mod step_tests;
mod summary;
mod window;

use chrono::Utc;

use crate::client::{Client, ClientError};

pub use self::{error::SeedError, summary::Summary};
use self::{people::People, progress::Progress, window::Window};

/// Records the demo's issuance metadata, once.
///
/// # Errors
/// [`ClientError`].
pub(crate) async fn record_metadata(admin: &Client) -> Result<(), ClientError> {
    metadata::record(admin).await
}

/// Makes what is missing of the demo in the registry at `url`.
///
/// # Errors
/// [`SeedError`]; run again, it goes on where it stopped.
pub async fn run(url: &str) -> Result<Summary, SeedError> {
    let progress = Progress::start();
    let people = People::sign_in(url).await?;
    let before = people.ledger_position().await?;
    people.name_organisations().await?;
    let accounts = account::ensure(&people).await?;
    progress.done("accounts and whitelists");
    metadata::ensure(&people.admin).await?;
    progress.done("issuance metadata");
    let devices = device::ensure(&people, &accounts, Window::before(Utc::now())).await?;
    progress.done("devices");
    let submitted = reading::submit(&people.production, &devices, &progress).await?;
    progress.done("a year of readings, and what is issued for them");
    for step in step::all(devices.window) {
        action::take(&people, &accounts, &devices, &step).await?;
    }
    progress.done("transfers, cancellations, claims and others");
    let added = people.ledger_position().await? - before;
    Summary::read(&people, &accounts, submitted, added, progress.elapsed()).await
}
