//! Submission of envelopes.

use super::batch::{Names, Verified, key_directory, key_ids, parse, verify};
use super::origin::{Origin, reflects};
use crate::audit;
use crate::http::extract::{collect, read_json, state};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::sequencer::{ExecuteError, Receipt};
use actix_web::dev::{Decompress, Payload};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{FromRequest, HttpRequest, HttpResponse, post};
use futures_util::future::{BoxFuture, LocalBoxFuture};
use futures_util::{FutureExt, poll};
use ledger::Command;
use ledger::gateway::Accepted;
use ledger::refusal::{Code, Place, Refusal};
use schemas::envelope::Actor;
use schemas::gateway::api::{
    EnvelopeReceipt, EnvelopeStatus, EnvelopesSubmitted, RefusedReading, SubmitEnvelopes,
};
use schemas::gateway::limit::{MAX_BATCH_BYTES, MAX_ENVELOPES};
use schemas::id::DeviceId;
use schemas::log::Position;
use std::task::Poll;

/// Envelopes of one request that wait for the sequencer at once: its queue is for everybody.
const WINDOW: usize = 256;
/// When a gateway whose clock is ahead shall try again, in seconds.
const AHEAD_RETRY_S: i64 = 10;

/// Submit signed envelopes of readings.
///
/// Each is answered for itself. It is accepted once, in the order of its device's envelopes, with all that
/// follows from it; sent again it is answered as the first time. Readings of an accepted envelope that
/// break a rule are named and count nowhere; doubtful ones are kept un-issued until a person issues or
/// corrects them. The body may be packed by `gzip` or `zstd`. A failure of the whole request may have
/// accepted some of them: send it again.
#[utoipa::path(
    tag = "Gateways",
    operation_id = "submit_envelopes",
    request_body = SubmitEnvelopes,
    responses(
        (status = 200, description = "What became of each. Codes of refused ones: gateway_key_unknown, \
            gateway_key_revoked, envelope_malformed, envelope_signature_invalid, envelope_context_wrong, \
            envelope_replayed, sequence_gap, envelope_chain_broken, clock_in_future, device_not_found, \
            device_removed, device_imported, not_the_gateways_device, issuance_metadata_missing, \
            serials_exhausted.", body = EnvelopesSubmitted),
        (status = 422, description = "request_invalid, malformed_body, list_empty, list_too_long"),
    ),
    security(()),
)]
#[post("/gateway/events")]
pub async fn submit_envelopes(request: HttpRequest, body: Packed) -> Answer<HttpResponse> {
    let state = state(&request)?;
    let Packed { envelopes, bytes } = body;
    let items = state.workers.run(bytes, move || parse(envelopes)).await?;
    let keys = key_directory(&state, &key_ids(&items)).await?;
    let verified = state
        .workers
        .run(bytes, move || verify(items, &keys))
        .await?;
    let receipts = decide(&Origin::of(&request), &state, verified).await?;
    if let Some(last) = receipts.iter().filter_map(|receipt| receipt.position).max() {
        reflects(&request, &state, Position(last));
    }
    Ok(HttpResponse::Ok().json(EnvelopesSubmitted { receipts }))
}

/// Envelopes of a body that may be packed.
pub struct Packed {
    envelopes: Vec<String>,
    /// How large the body is, unpacked.
    bytes: usize,
}

impl FromRequest for Packed {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let encoding = request.headers().get(CONTENT_ENCODING);
            let encoding = encoding.map_or(Ok("identity"), |value| value.to_str());
            if !matches!(encoding, Ok("identity" | "gzip" | "zstd")) {
                return Err(Problem::new(
                    EdgeCode::UnsupportedMediaType,
                    "the body may be packed by gzip or zstd",
                )
                .at_parameter(CONTENT_ENCODING.as_str()));
            }
            let unpacked = Decompress::from_headers(payload, request.headers());
            let body = collect(&request, unpacked, MAX_BATCH_BYTES).await?;
            let asked: SubmitEnvelopes = read_json(&request, &body)?;
            let count = asked.envelopes.len();
            let refuse = |code, rule: String| Err(Problem::new(code, rule).at("/envelopes"));
            match count {
                0 => refuse(Code::ListEmpty, "there are no envelopes".to_owned()),
                1..=MAX_ENVELOPES => Ok(Self {
                    envelopes: asked.envelopes,
                    bytes: body.len(),
                }),
                _ => refuse(
                    Code::ListTooLong,
                    format!(
                        "a request carries at most {MAX_ENVELOPES} envelopes; this one {count}"
                    ),
                ),
            }
        })
    }
}

type Deciding<'s> = BoxFuture<'s, Result<Receipt, ExecuteError>>;

/// Has every envelope decided, in order.
async fn decide(
    origin: &Origin,
    state: &State,
    verified: Vec<(Names, Result<Verified, Refusal>)>,
) -> Answer<Vec<EnvelopeReceipt>> {
    let mut receipts = Vec::with_capacity(verified.len());
    let mut verified = verified.into_iter().peekable();
    while verified.peek().is_some() {
        let mut waiting = Vec::with_capacity(WINDOW);
        for (names, outcome) in verified.by_ref().take(WINDOW) {
            let verified = outcome.as_ref().ok();
            let actor = verified.map(|verified| Actor::Gateway(verified.gateway_id));
            waiting.push((names, actor, enqueue(origin, state, outcome).await));
        }
        for (names, actor, decision) in waiting {
            let index = receipts.len();
            let receipt = match decision {
                Enqueued::Refused(refusal) => refused(index, names, &refusal),
                Enqueued::Waits(decision) => answer(index, names, decision.await)?,
                Enqueued::Done(decision) => answer(index, names, *decision)?,
            };
            if let Some(code) = &receipt.code {
                audit::refused(actor.as_ref(), code);
            }
            receipts.push(receipt);
        }
    }
    Ok(receipts)
}

enum Enqueued<'s> {
    Refused(Refusal),
    Waits(Deciding<'s>),
    Done(Box<Result<Receipt, ExecuteError>>),
}

/// Puts an envelope into the sequencer's queue, behind those before it: a command is in the queue once it
/// was polled.
async fn enqueue<'s>(
    origin: &'s Origin,
    state: &'s State,
    outcome: Result<Verified, Refusal>,
) -> Enqueued<'s> {
    let verified = match outcome {
        Ok(verified) => verified,
        Err(refusal) => return Enqueued::Refused(refusal),
    };
    let actor = Actor::Gateway(verified.gateway_id);
    let command = Command::AcceptEnvelope(verified.command);
    let mut decision = origin.execute(state, actor, command).boxed();
    match poll!(&mut decision) {
        Poll::Ready(done) => Enqueued::Done(Box::new(done)),
        Poll::Pending => Enqueued::Waits(decision),
    }
}

/// The receipt of a decided envelope.
///
/// # Errors
/// Where nothing was decided for want of capacity: then the request is to be sent again.
fn answer(
    index: usize,
    names: Names,
    decision: Result<Receipt, ExecuteError>,
) -> Answer<EnvelopeReceipt> {
    match decision {
        Ok(receipt) => accepted(index, names, &receipt),
        Err(ExecuteError::Refused(refusal)) if refusal.code != Code::Internal => {
            Ok(refused(index, names, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

fn accepted(index: usize, names: Names, receipt: &Receipt) -> Answer<EnvelopeReceipt> {
    let Some(Accepted { earlier, outcome }) = &receipt.envelope else {
        return Err(Problem::internal(&"an accepted envelope has no outcome"));
    };
    let status = match earlier {
        Some(_) => EnvelopeStatus::Repeated,
        None => EnvelopeStatus::Accepted,
    };
    count(status.as_str(), "none");
    let detail_of = |index: u32| {
        let submission = receipt.submission.as_ref()?;
        let mut errors = submission.refused.iter();
        errors
            .find(|error| matches!(error.place, Place::Cell { row, .. } if row == index + 1))
            .map(|error| error.detail.clone())
    };
    let refused = outcome.refused.iter().map(|one| RefusedReading {
        index: one.index,
        code: one.code.clone(),
        detail: detail_of(one.index),
    });
    Ok(EnvelopeReceipt {
        status,
        position: Some(earlier.unwrap_or(receipt.position).0),
        accepted_readings: outcome.accepted,
        repeated_readings: outcome.repeated,
        refused_readings: refused.collect(),
        doubtful_readings: outcome.doubtful,
        issued_bundles: outcome.bundles,
        issued_wh: outcome.issued,
        ..nothing(index, names)
    })
}

fn refused(index: usize, names: Names, refusal: &Refusal) -> EnvelopeReceipt {
    let code = refusal.code.as_str();
    count(EnvelopeStatus::Refused.as_str(), code);
    let is_tampering = matches!(
        refusal.code,
        Code::EnvelopeReplayed | Code::EnvelopeChainBroken | Code::EnvelopeSignatureInvalid
    );
    if is_tampering {
        let (device_id, sequence) = names.unwrap_or((DeviceId(0), 0));
        tracing::warn!(
            %device_id, sequence, code, detail = refusal.detail,
            "an envelope looks tampered with"
        );
    }
    EnvelopeReceipt {
        status: EnvelopeStatus::Refused,
        code: Some(code.to_owned()),
        detail: Some(refusal.detail.clone()),
        expected_sequence: refusal.expected_sequence,
        retry_after_s: (refusal.code == Code::ClockInFuture).then_some(AHEAD_RETRY_S),
        ..nothing(index, names)
    }
}

fn nothing(index: usize, names: Names) -> EnvelopeReceipt {
    EnvelopeReceipt {
        index,
        status: EnvelopeStatus::Refused,
        device_id: names.map(|(device_id, _)| device_id),
        sequence: names.map(|(_, sequence)| sequence),
        code: None,
        detail: None,
        expected_sequence: None,
        retry_after_s: None,
        position: None,
        accepted_readings: 0,
        repeated_readings: 0,
        refused_readings: Vec::new(),
        doubtful_readings: 0,
        issued_bundles: 0,
        issued_wh: schemas::WattHours::ZERO,
    }
}

fn count(status: &'static str, code: &'static str) {
    metrics::counter!("gateway_envelopes_total", "status" => status, "code" => code).increment(1);
}
