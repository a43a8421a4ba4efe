//! OAuth 2.0 for machines: tokens for API keys, and answers to who wants to know what a token is good for.

mod client;
mod form;
mod introspect;
mod metadata;
mod token;

use actix_web::web::ServiceConfig;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(token::create_token)
        .service(introspect::introspect_token)
        .service(metadata::get_server_metadata);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        token::create_token,
        introspect::introspect_token,
        metadata::get_server_metadata,
    ),
    components(schemas(schemas::api::oauth::OAuthError))
)]
pub struct Document;
