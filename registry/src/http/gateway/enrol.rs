//! Enrolment.

use super::as_of;
use super::origin::{Origin, reflects};
use crate::gateway::VerifyingKey;
use crate::http::Json;
use crate::http::extract::state;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::read::gateway::keys;
use crate::sequencer::Receipt;
use actix_web::{HttpRequest, HttpResponse, post};
use ledger::key::code_digest;
use ledger::refusal::Code;
use ledger::{Command, Event, Stream, command};
use schemas::envelope::Actor;
use schemas::event::LedgerEvent;
use schemas::gateway::KeyId;
use schemas::gateway::api::{EnrolGateway, GatewayEnrolled};
use schemas::gateway::enrolment::EnrolmentProof;
use schemas::gateway::jws;
use schemas::gateway::limit::MAX_PROOF_BYTES;
use schemas::id::GatewayId;

/// Enrol a gateway.
///
/// With a one-time code, a public key, and proof of holding it. The same again is answered again. Its
/// devices go on where their last envelopes ended, whichever gateway sent those.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "enrol_gateway",
    request_body = EnrolGateway,
    responses(
        (status = 201, description = "The gateway, its key and its devices.", body = GatewayEnrolled),
        (status = 404, description = "gateway_code_unknown, account_not_found, device_not_found"),
        (status = 409, description = "gateway_code_expired, gateway_code_used, gateway_key_taken"),
        (status = 422, description = "request_invalid, gateway_proof_invalid, account_closed, \
            device_removed, value_out_of_range"),
    ),
    security(()),
)]
#[post("/gateway/enrol")]
pub async fn enrol_gateway(
    request: HttpRequest,
    Json(asked): Json<EnrolGateway>,
) -> Answer<HttpResponse> {
    check(&asked)?;
    let state = state(&request)?;
    let key_id = asked.public_key.key_id();
    let command = Command::EnrolGateway(Box::new(command::EnrolGateway {
        code: code_digest(&asked.code),
        name: asked.name,
        public_key: asked.public_key,
    }));
    let actor = Actor::System("enrolment".to_owned());
    let receipt = Origin::of(&request).execute(&state, actor, command).await?;
    let gateway_id = enrolled(&state, &receipt, key_id).await?;
    let gateway = as_of(&state, receipt.position, gateway_id).await?;
    reflects(&request, &state, receipt.position);
    Ok(HttpResponse::Created().json(GatewayEnrolled {
        gateway_id,
        account_id: gateway.account_id,
        key_id,
        devices: gateway.devices,
    }))
}

/// Checks that who asks holds the key.
fn check(asked: &EnrolGateway) -> Answer<()> {
    let invalid = |rule: String| Problem::new(Code::GatewayProofInvalid, rule).at("/proof");
    let key = VerifyingKey::new(&asked.public_key).map_err(|rule| {
        Problem::new(Code::GatewayProofInvalid, rule.to_string()).at("/public_key")
    })?;
    let proof = jws::parse::<EnrolmentProof>(&asked.proof, MAX_PROOF_BYTES)
        .map_err(|error| invalid(format!("the proof can not be read: {error}")))?;
    if proof.header.kid != asked.public_key.key_id() {
        return Err(invalid("the proof names another key".to_owned()));
    }
    if !key.verifies(proof.header.alg, proof.signing_input, &proof.signature) {
        return Err(invalid("the proof is not signed by the key".to_owned()));
    }
    if code_digest(&proof.payload.code) != code_digest(&asked.code) {
        return Err(invalid("the proof is over another code".to_owned()));
    }
    Ok(())
}

/// The gateway that enrolled now, or before with the same key.
async fn enrolled(state: &State, receipt: &Receipt, key_id: KeyId) -> Answer<GatewayId> {
    let now = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::GatewayEnrolled(enrolled)) => Some(enrolled.gateway_id),
        _ => None,
    });
    if let Some(gateway_id) = now {
        return Ok(gateway_id);
    }
    let wanted = Positions::at(Stream::Ledger, receipt.position);
    reached(state.read_progress(), wanted, state.read_wait()).await?;
    let found = keys(&state.read_client().await?, &[key_id]).await?;
    let (_, gateway_id, _) = found
        .first()
        .ok_or_else(|| Problem::internal(&"an enrolled key is not in READ"))?;
    Ok(*gateway_id)
}
