//! Edge gateways: enrolment, keys, devices, and the envelopes they submit.

mod batch;
mod code;
mod device;
mod enrol;
mod envelope;
mod key;
pub(super) mod origin;
mod read;
mod revoke;

use super::position::{Positions, reached};
use super::problem::{Answer, Problem};
use super::state::State;
use crate::read as questions;
use actix_web::web::ServiceConfig;
use ledger::Stream;
use ledger::refusal::Code;
use schemas::gateway::api::GatewayRead;
use schemas::id::GatewayId;
use schemas::log::Position;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(code::create_gateway_code)
        .service(enrol::enrol_gateway)
        .service(envelope::submit_envelopes)
        .service(key::change_gateway_key)
        .service(revoke::revoke_gateway)
        .service(device::change_gateway_devices)
        .service(read::list_gateways)
        .service(read::get_envelope)
        .service(read::get_gateway);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    code::create_gateway_code,
    enrol::enrol_gateway,
    envelope::submit_envelopes,
    key::change_gateway_key,
    revoke::revoke_gateway,
    device::change_gateway_devices,
    read::list_gateways,
    read::get_envelope,
    read::get_gateway,
))]
pub struct Document;

fn not_found(gateway_id: GatewayId) -> Problem {
    Problem::not_found(Code::GatewayNotFound, "Gateway", gateway_id)
}

/// The gateway as of a position of the ledger.
async fn as_of(state: &State, position: Position, gateway_id: GatewayId) -> Answer<GatewayRead> {
    let wanted = Positions::at(Stream::Ledger, position);
    reached(state.read_progress(), wanted, state.read_wait()).await?;
    let client = state.read_client().await?;
    questions::gateway::by_id(&client, gateway_id)
        .await?
        .ok_or_else(|| not_found(gateway_id))
}
