//! Whether the process lives.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

/// `ok`, whenever there is an answer at all.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_healthz",
    responses((status = 200, description = "It does.", body = Health)),
    security(()),
)]
#[get("/healthz")]
pub async fn get_healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Whether the process lives.
///
/// The same under the contract's name.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_health",
    responses((status = 200, description = "It does.", body = Health)),
    security(()),
)]
#[get("/health")]
pub async fn get_health() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}
