//! Health and status.

use crate::control::Control;
use crate::snapshot::Snapshot;
use actix_web::get;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The one path that needs no token.
pub(super) const HEALTH_PATH: &str = "/health";

/// That the program runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// Tell whether the program runs.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_health",
    responses((status = 200, description = "It runs.", body = Health)),
    security(()),
)]
#[get("/health")]
pub async fn get_health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
    })
}

/// Get what the gateway is at: its enrolment, what waits to be sent, its devices.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_status",
    responses((status = 200, description = "All of it at one moment.", body = Snapshot)),
)]
#[get("/status")]
pub async fn get_status(control: Data<Control>) -> Json<Snapshot> {
    Json(control.snapshot().as_ref().clone())
}
