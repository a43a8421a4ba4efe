//! What clients of OAuth find out by themselves.

use crate::http::extract::state;
use crate::http::problem::Answer;
use crate::http::state::State;
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::oauth::ServerMetadata;
use schemas::capability::Capability;

/// Get the metadata of the authorization server.
///
/// RFC 8414: where tokens are given out and asked about, and how. Addresses begin with `http.public_url` of
/// the registry's configuration; where that is not set, with what the request was sent to.
#[utoipa::path(
    tag = "API keys",
    operation_id = "get_server_metadata",
    responses((status = 200, description = "The metadata.", body = ServerMetadata)),
    security(()),
)]
#[get("/.well-known/oauth-authorization-server")]
pub async fn get_server_metadata(http: HttpRequest) -> Answer<HttpResponse> {
    let base = state(&http)?.public_url(&http);
    let at = |path: &str| format!("{base}{path}");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let by_secret = ["client_secret_basic", "client_secret_post"];
    Ok(HttpResponse::Ok().json(ServerMetadata {
        token_endpoint: at("/oauth/token"),
        introspection_endpoint: at("/oauth/introspect"),
        jwks_uri: at("/.well-known/jwks.json"),
        response_types_supported: Vec::new(),
        grant_types_supported: words(&["client_credentials", "refresh_token"]),
        token_endpoint_auth_methods_supported: words(&[&by_secret[..], &["none"]].concat()),
        introspection_endpoint_auth_methods_supported: words(&by_secret),
        scopes_supported: Capability::ALL.iter().map(ToString::to_string).collect(),
        service_documentation: at("/docs"),
        issuer: base,
    }))
}

impl State {
    /// Where clients reach the API, without a slash at the end.
    pub(in crate::http) fn public_url(&self, http: &HttpRequest) -> String {
        self.public_url.clone().unwrap_or_else(|| {
            let connection = http.connection_info();
            format!("{}://{}", connection.scheme(), connection.host())
        })
    }
}
