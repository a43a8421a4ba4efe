//! A gateway as it is.

use super::{not_found, visible};
use crate::http::problem::Answer;
use crate::http::{Id, Read};
use crate::read::gateway::by_id;
use actix_web::{HttpResponse, get};
use schemas::gateway::api::GatewayRead;
use schemas::id::GatewayId;

/// Get a gateway.
///
/// With its keys, its devices and where their envelopes stand. Visible to members of its account and to
/// administrators.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "get_gateway",
    params(("gateway_id" = i64, Path, description = "The gateway.")),
    responses(
        (status = 200, description = "The gateway.", body = GatewayRead),
        (status = 404, description = "gateway_not_found"),
    ),
)]
#[get("/gateway/{gateway_id}")]
pub async fn get_gateway(read: Read, Id(gateway_id): Id<GatewayId>) -> Answer<HttpResponse> {
    visible(&read, gateway_id).await?;
    let found = by_id(&read.client().await?, gateway_id).await?;
    let gateway = found.ok_or_else(|| not_found(gateway_id))?;
    Ok(HttpResponse::Ok().json(gateway))
}
