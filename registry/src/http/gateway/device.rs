//! Which devices a gateway meters.

use super::as_of;
use crate::http::problem::Answer;
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, patch};
use ledger::{Command, command};
use schemas::gateway::api::{ChangeGatewayDevices, GatewayRead};
use schemas::id::GatewayId;

/// Change which devices a gateway meters.
///
/// Devices of its account; one that another gateway meters is taken over. All or nothing.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "change_gateway_devices",
    params(("gateway_id" = i64, Path, description = "The gateway.")),
    request_body = ChangeGatewayDevices,
    responses(
        (status = 200, description = "The gateway as it is now.", body = GatewayRead),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "gateway_not_found, device_not_found"),
        (status = 409, description = "gateway_revoked, not_the_gateways_device"),
        (status = 422, description = "request_invalid, device_removed, device_imported, list_too_long, \
            value_out_of_range"),
    ),
)]
#[patch("/gateway/{gateway_id}/devices")]
pub async fn change_gateway_devices(
    write: Write<may::ManageDevices, ChangeGatewayDevices>,
    Id(gateway_id): Id<GatewayId>,
) -> Answer<HttpResponse> {
    let seen = write.caller.gateway(gateway_id).await?;
    write.caller.acts_for(seen.account_id)?;
    let gateway_id = seen.gateway_id;
    let command = Command::ChangeGatewayDevices(command::ChangeGatewayDevices {
        gateway_id,
        add: write.body.add.clone(),
        remove: write.body.remove.clone(),
    });
    let receipt = write.execute(command).await?;
    let gateway = as_of(write.caller.state(), receipt.position, gateway_id).await?;
    Ok(HttpResponse::Ok().json(gateway))
}
