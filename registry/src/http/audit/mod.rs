//! The audit trail: who did and tried what.

mod csv;
mod list;
mod watch;

pub(super) use watch::watch;

use actix_web::web::ServiceConfig;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list::list_audit_entries);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(list::list_audit_entries))]
pub struct Document;
