//! Revocation.

use super::as_of;
use crate::http::problem::Answer;
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, post};
use ledger::{Command, command};
use schemas::gateway::api::{GatewayRead, RevokeGateway};
use schemas::id::GatewayId;

/// Revoke a gateway or one of its keys.
///
/// From here on none of its envelopes is accepted, or none that the key signed, whenever it was made. For
/// members of its account and the issuing body.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "revoke_gateway",
    params(("gateway_id" = i64, Path, description = "The gateway.")),
    request_body = RevokeGateway,
    responses(
        (status = 200, description = "The gateway as it is now.", body = GatewayRead),
        (status = 404, description = "gateway_not_found, gateway_key_unknown"),
        (status = 422, description = "request_invalid, value_out_of_range"),
    ),
)]
#[post("/gateway/{gateway_id}/revoke")]
pub async fn revoke_gateway(
    write: Write<may::ManageDevices, RevokeGateway>,
    Id(gateway_id): Id<GatewayId>,
) -> Answer<HttpResponse> {
    let gateway_id = write.caller.gateway(gateway_id).await?.gateway_id;
    let command = Command::RevokeGateway(command::RevokeGateway {
        gateway_id,
        key_id: write.body.key_id,
        reason: write.body.reason.clone(),
    });
    let receipt = write.execute(command).await?;
    let gateway = as_of(write.caller.state(), receipt.position, gateway_id).await?;
    Ok(HttpResponse::Ok().json(gateway))
}
