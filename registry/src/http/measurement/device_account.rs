//! Whose device it is.

use crate::http::extract::Caller;
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read::measurement::account_of_device;
use ledger::refusal::Code;
use moka::sync::Cache;
use schemas::id::{AccountId, DeviceId};
use std::time::Duration;

/// How long the account of a device is taken to stay: as long as a caller's role is.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Devices remembered at most.
const MAX_DEVICES: u64 = 100_000;

/// Accounts of the devices asked for last. A gateway submits every few seconds for a device that changes
/// hands once in years.
pub struct DeviceAccounts(Cache<DeviceId, AccountId>);

impl Default for DeviceAccounts {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_DEVICES)
            .time_to_live(REMEMBERED)
            .build();
        Self(cache)
    }
}

impl DeviceAccounts {
    async fn of(&self, state: &State, device_id: DeviceId) -> Answer<Option<AccountId>> {
        if let Some(account_id) = self.0.get(&device_id) {
            return Ok(Some(account_id));
        }
        let found = account_of_device(&state.read_client().await?, device_id).await?;
        if let Some(account_id) = found {
            self.0.insert(device_id, account_id);
        }
        Ok(found)
    }
}

pub(in crate::http) fn not_found(device_id: DeviceId) -> Problem {
    Problem::not_found(Code::DeviceNotFound, "Device", device_id)
}

/// Checks that the device is one of the caller's accounts'.
///
/// # Errors
/// 404 if the caller may not know of it, 403 if they may see it only.
pub(in crate::http) async fn of_member<C>(caller: &Caller<C>, device_id: DeviceId) -> Answer<()> {
    match account_of(caller, device_id).await? {
        Some(account_id) if caller.accounts.contains(&account_id) => Ok(()),
        Some(account_id) if caller.sees(account_id) => Err(Problem::new(
            EdgeCode::AccountAccessDenied,
            "User does not have access to the specified source account",
        )),
        _ => Err(not_found(device_id)),
    }
}

/// Checks that the device is one of the caller's accounts', or the caller the issuing body.
///
/// # Errors
/// 404 if the caller may not know of it.
pub(super) async fn of_member_or_issuing_body<C>(
    caller: &Caller<C>,
    device_id: DeviceId,
) -> Answer<()> {
    match account_of(caller, device_id).await? {
        Some(account_id) if caller.sees(account_id) => Ok(()),
        _ => Err(not_found(device_id)),
    }
}

/// The account of a device. Only where READ does not know it yet is what the caller has written waited
/// for: submissions follow each other faster than READ shows them.
async fn account_of<C>(caller: &Caller<C>, device_id: DeviceId) -> Answer<Option<AccountId>> {
    let state = caller.state();
    match state.device_accounts.of(state, device_id).await? {
        Some(account_id) => Ok(Some(account_id)),
        None => {
            let wanted = state.written.by(caller.user_id);
            reached(state.read_progress(), wanted, state.read_wait()).await?;
            state.device_accounts.of(state, device_id).await
        }
    }
}
