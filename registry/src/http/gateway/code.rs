//! One-time codes.

use crate::gateway::OneTimeCode;
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use actix_web::{HttpResponse, post};
use ledger::command::IssueGatewayCode;
use ledger::key::code_digest;
use ledger::{Command, Event};
use schemas::event::LedgerEvent;
use schemas::gateway::api::{CreateGatewayCode, GatewayCode};

/// Get a one-time code for a gateway.
///
/// With it one gateway can enrol, for devices of the account. It is shown this once: the registry keeps
/// nothing but its digest.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "create_gateway_code",
    request_body = CreateGatewayCode,
    responses(
        (status = 201, description = "The code.", body = GatewayCode),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "account_not_found, device_not_found"),
        (status = 409, description = "gateway_code_used"),
        (status = 422, description = "request_invalid, account_closed, device_removed, device_imported, \
            list_empty, list_too_long, value_out_of_range"),
    ),
)]
#[post("/gateway/code")]
pub async fn create_gateway_code(
    write: Write<may::ManageDevices, CreateGatewayCode>,
) -> Answer<HttpResponse> {
    let account_id = write.caller.member_of(write.body.account_id).await?;
    let code = match write.origin.idempotency_key() {
        Some(key) => OneTimeCode::of_request(write.caller.state().code_secret, key),
        None => OneTimeCode::random(),
    };
    let command = Command::IssueGatewayCode(IssueGatewayCode {
        account_id,
        device_ids: write.body.device_ids.clone(),
        code: code_digest(code.expose()),
        valid_for_s: write.body.valid_for_s,
    });
    let receipt = write.execute(command).await?;
    let issued = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::GatewayCodeIssued(issued)) => Some(issued),
            _ => None,
        });
    let issued = issued.ok_or_else(|| Problem::internal(&"a new code left no event"))?;
    Ok(HttpResponse::Created().json(GatewayCode {
        code: code.expose().to_owned(),
        expires_at: issued.expires_at,
        account_id: issued.account_id,
        device_ids: issued.device_ids,
    }))
}
