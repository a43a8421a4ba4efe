//! Change of keys.

use super::as_of;
use super::batch::key_directory;
use super::origin::{Origin, reflects};
use crate::gateway::VerifyingKey;
use crate::http::extract::state;
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Json};
use actix_web::{HttpRequest, HttpResponse, post};
use ledger::refusal::Code;
use ledger::{Command, command};
use schemas::envelope::Actor;
use schemas::gateway::api::{ChangeGatewayKey, GatewayRead};
use schemas::gateway::enrolment::KeyChange;
use schemas::gateway::jws::{self, Unverified};
use schemas::gateway::limit::MAX_PROOF_BYTES;
use schemas::id::GatewayId;

/// Give a gateway another key.
///
/// Signed by the key in use and by the new one. The key in use is accepted for 45 days more, for what it
/// has signed. The same again is answered again.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "change_gateway_key",
    params(("gateway_id" = i64, Path, description = "The gateway.")),
    request_body = ChangeGatewayKey,
    responses(
        (status = 200, description = "The gateway as it is now.", body = GatewayRead),
        (status = 404, description = "gateway_key_unknown"),
        (status = 409, description = "gateway_key_revoked, gateway_key_taken"),
        (status = 422, description = "request_invalid, gateway_proof_invalid, list_too_long"),
    ),
    security(()),
)]
#[post("/gateway/{gateway_id}/keys")]
pub async fn change_gateway_key(
    request: HttpRequest,
    Id(gateway_id): Id<GatewayId>,
    Json(asked): Json<ChangeGatewayKey>,
) -> Answer<HttpResponse> {
    let state = state(&request)?;
    let current = parse(&asked.signed_by_current, CURRENT)?;
    let new = parse(&asked.signed_by_new, NEW)?;
    let current_id = current.header.kid;
    let known = key_directory(&state, &[current_id]).await?;
    let holder = known.get(&current_id);
    let holder = holder.and_then(|key| Some((key, key.holder(gateway_id)?)));
    let (holder, gateway_id) = holder.ok_or_else(|| {
        let rule = format!("the gateway has no key {current_id}");
        Problem::new(Code::GatewayKeyUnknown, rule).at(CURRENT)
    })?;
    if !verifies(&holder.key, &current) {
        return Err(invalid(CURRENT, "it is not signed by the key it names"));
    }
    let public = &new.payload.public_key;
    let key = VerifyingKey::new(public).map_err(|rule| invalid(NEW, &rule.to_string()))?;
    if new.header.kid != public.key_id() || !verifies(&key, &new) {
        return Err(invalid(NEW, "it is not signed by the new key"));
    }
    if new.payload != current.payload || new.payload.gateway_id != gateway_id {
        return Err(invalid(
            NEW,
            "both must be over the same change of this gateway",
        ));
    }
    let command = Command::ChangeGatewayKey(Box::new(command::ChangeGatewayKey {
        gateway_id,
        current: current_id,
        public_key: new.payload.public_key,
    }));
    let actor = Actor::Gateway(gateway_id);
    let receipt = Origin::of(&request).execute(&state, actor, command).await?;
    let gateway = as_of(&state, receipt.position, gateway_id).await?;
    reflects(&request, &state, receipt.position);
    Ok(HttpResponse::Ok().json(gateway))
}

const CURRENT: &str = "/signed_by_current";
const NEW: &str = "/signed_by_new";

fn invalid(pointer: &str, rule: &str) -> Problem {
    Problem::new(Code::GatewayProofInvalid, rule).at(pointer)
}

fn parse<'a>(text: &'a str, pointer: &str) -> Answer<Unverified<'a, KeyChange>> {
    jws::parse(text, MAX_PROOF_BYTES).map_err(|error| invalid(pointer, &error.to_string()))
}

fn verifies(key: &VerifyingKey, signed: &Unverified<'_, KeyChange>) -> bool {
    key.verifies(signed.header.alg, signed.signing_input, &signed.signature)
}
