//! Devices.

use super::open;
use crate::http::Caller;
use crate::http::position::reached;
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::read;
use crate::read::measurement::account_of_device;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use moka::sync::Cache;
use schemas::api::Named;
use schemas::api::device::DeviceRead;
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

fn not_found(device_id: DeviceId) -> Problem {
    Problem::not_found(Code::DeviceNotFound, "Device", device_id)
}

impl<C> Caller<C> {
    /// The device, of an account of which the caller is a member.
    ///
    /// # Errors
    /// 404 if the caller may not know of it, 403 if they may see it only.
    pub async fn own_device(&self, named: Named<DeviceId>) -> Answer<DeviceId> {
        let device_id = open(named);
        match self.account_of(device_id).await? {
            Some(account_id) if self.sees(account_id) => {
                self.acts_for(account_id).map(|_| device_id)
            }
            _ => Err(not_found(device_id)),
        }
    }

    /// The device, of an account that the caller sees. Who sees all is answered by the ledger whether there is
    /// one.
    ///
    /// # Errors
    /// 404 if the caller may not know of it.
    pub async fn supervised_device(&self, named: Named<DeviceId>) -> Answer<DeviceId> {
        let device_id = open(named);
        if self.sees_all() {
            return Ok(device_id);
        }
        match self.account_of(device_id).await? {
            Some(account_id) if self.sees(account_id) => Ok(device_id),
            _ => Err(not_found(device_id)),
        }
    }

    /// The device with what is known of it, of an account that the caller sees; removed or not.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn device(&self, client: &Client, named: Named<DeviceId>) -> Answer<DeviceRead> {
        let device_id = open(named);
        read::device::by_id(client, device_id)
            .await?
            .filter(|device| self.sees(device.account_id))
            .ok_or_else(|| not_found(device_id))
    }

    /// The device, of an account that the caller sees, as `client` shows it.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn seen_device(&self, client: &Client, named: Named<DeviceId>) -> Answer<DeviceId> {
        let device_id = open(named);
        account_of_device(client, device_id)
            .await?
            .filter(|account_id| self.sees(*account_id))
            .map(|_| device_id)
            .ok_or_else(|| not_found(device_id))
    }

    /// The account of a device. Only where READ does not know it yet is what the caller has written waited
    /// for: submissions follow each other faster than READ shows them.
    async fn account_of(&self, device_id: DeviceId) -> Answer<Option<AccountId>> {
        let state = self.state();
        match state.device_accounts.of(state, device_id).await? {
            Some(account_id) => Ok(Some(account_id)),
            None => {
                let wanted = state.written.by(self.user_id);
                reached(state.read_progress(), wanted, state.read_wait()).await?;
                state.device_accounts.of(state, device_id).await
            }
        }
    }
}
