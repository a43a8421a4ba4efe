//! Gateways as they are, and the envelopes they signed.

use super::not_found;
use crate::http::listed::{after, listed};
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read};
use crate::lineage::evidence::envelope;
use crate::read::gateway::{LIST, by_id, page};
use actix_web::{HttpResponse, get};
use schemas::api::page::PageQuery;
use schemas::gateway::api::{
    EnvelopeQuery, EnvelopeRead, GatewayListed, GatewayQuery, GatewayRead,
};
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
    let gateway_id = read.gateway(gateway_id).await?.gateway_id;
    let found = by_id(&read.client().await?, gateway_id).await?;
    let gateway = found.ok_or_else(|| not_found(gateway_id))?;
    Ok(HttpResponse::Ok().json(gateway))
}

/// List gateways.
///
/// By id: those of one account, or of all accounts the caller may see.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "list_gateways",
    params(GatewayQuery, PageQuery),
    responses(
        (status = 200, description = "A page of the gateways.", body = Vec<GatewayListed>),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/gateway/list")]
pub async fn list_gateways(
    read: Read,
    Query(wanted): Query<GatewayQuery>,
    Query(asked): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = after(LIST, &asked)?;
    let one = match wanted.account_id {
        None => None,
        Some(account_id) => Some([read.may_view(account_id).await?]),
    };
    let accounts = match &one {
        Some(one) => Some(one.as_slice()),
        None => read.visible_accounts(),
    };
    let client = read.client().await?;
    Ok(listed(&page(&client, accounts, after, asked.limit).await?))
}

/// Get an envelope.
///
/// As it was signed, with what it is checked by: its hash, and the key, which `GET /gateway/{gateway_id}` has in
/// full. Visible to members of its gateway's account and to administrators.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "get_gateway_envelope",
    params(EnvelopeQuery),
    responses(
        (status = 200, description = "The envelope.", body = EnvelopeRead),
        (status = 404, description = "envelope_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/gateway/envelope")]
pub async fn get_envelope(read: Read, Query(wanted): Query<EnvelopeQuery>) -> Answer<HttpResponse> {
    let sequence = wanted.sequence;
    let client = read.client().await?;
    let (device_id, position) = read.envelope(&client, wanted.device_id, sequence).await?;
    let stored = envelope(read.state().ledger(), position).await?;
    let accepted = stored.accepted;
    Ok(HttpResponse::Ok().json(EnvelopeRead {
        gateway_id: accepted.gateway_id,
        device_id,
        sequence,
        key_id: accepted.key_id,
        hash: accepted.hash,
        envelope: accepted.envelope,
        accepted_at: stored.accepted_at,
        ledger_position: position,
    }))
}
