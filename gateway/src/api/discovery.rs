//! Looking for devices in the network.

use super::code::Code;
use super::problem::Problem;
use crate::discover::{Discovery, Report, Search};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use schemas::api::problem::ProblemDocument;

/// Begin to look for devices in a subnet. One search runs at a time.
#[utoipa::path(
    tag = "Discovery",
    operation_id = "start_discovery",
    request_body = Search,
    responses(
        (status = 202, description = "It has begun; `GET /discovery` tells how far it is.", body = Report),
        (status = 409, description = "discovery_running", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "request_invalid, malformed_body", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[post("/discovery")]
pub async fn start_discovery(
    discovery: Data<Discovery>,
    search: Json<Search>,
) -> Result<HttpResponse, Problem> {
    let plan = search
        .into_inner()
        .plan()
        .map_err(|error| Problem::field(error.pointer(), error.to_string()))?;
    let report = discovery
        .start(plan)
        .map_err(|error| Problem::new(Code::DiscoveryRunning, error.to_string()))?;
    Ok(HttpResponse::Accepted()
        .insert_header(("Location", "/discovery"))
        .json(report))
}

/// Get what the last search has found so far.
#[utoipa::path(
    tag = "Discovery",
    operation_id = "get_discovery",
    responses((status = 200, description = "What it has found.", body = Report)),
)]
#[get("/discovery")]
pub async fn get_discovery(discovery: Data<Discovery>) -> Json<Report> {
    Json(discovery.report())
}
