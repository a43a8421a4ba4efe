//! Gateways.

use super::open;
use crate::gateway::KnownKey;
use crate::http::Caller;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read::gateway::{account_of, envelope_at};
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::log::Position;

/// A gateway that the caller sees.
pub struct SeenGateway {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Its account.
    pub account_id: AccountId,
}

impl<C> Caller<C> {
    /// The gateway, of an account that the caller sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn gateway(&self, named: Named<GatewayId>) -> Answer<SeenGateway> {
        let gateway_id = open(named);
        account_of(&self.client().await?, gateway_id)
            .await?
            .filter(|account_id| self.sees(*account_id))
            .map(|account_id| SeenGateway {
                gateway_id,
                account_id,
            })
            .ok_or_else(|| Problem::not_found(Code::GatewayNotFound, "Gateway", gateway_id))
    }

    /// The device of an envelope, and where in the ledger that is: of a gateway of an account that the caller
    /// sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn envelope(
        &self,
        client: &Client,
        named: Named<DeviceId>,
        sequence: i64,
    ) -> Answer<(DeviceId, Position)> {
        let device_id = open(named);
        envelope_at(client, device_id, sequence)
            .await?
            .filter(|(_, account_id)| self.sees(*account_id))
            .map(|(position, _)| (device_id, position))
            .ok_or_else(|| {
                let rule = format!("Envelope {sequence} of device {device_id} not found");
                Problem::new(EdgeCode::EnvelopeNotFound, rule)
            })
    }
}

impl KnownKey {
    /// The gateway that is named, if it is the one of this key.
    #[must_use]
    pub fn holder(&self, named: Named<GatewayId>) -> Option<GatewayId> {
        Some(open(named)).filter(|gateway_id| *gateway_id == self.gateway_id)
    }
}
