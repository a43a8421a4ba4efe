//! The keys this registry signs with.

use crate::http::extract::state;
use crate::http::problem::Answer;
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::certificate::RegistryKeys;

/// Get the public keys of the registry.
///
/// With them other registries check its exports and receipts. Retired keys stay listed.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_registry_keys",
    responses((status = 200, description = "The keys, the one in use first.", body = RegistryKeys)),
    security(()),
)]
#[get("/.well-known/registry-keys.json")]
pub async fn get_registry_keys(http: HttpRequest) -> Answer<HttpResponse> {
    Ok(HttpResponse::Ok().json(state(&http)?.exchange.published()))
}
