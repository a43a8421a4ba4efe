//! All routes, and the document that lists them.

use super::openapi::Routes;
use super::problem::{EdgeCode, Problem};
use super::{
    account, api_key, audit, auth, certificate, device, gateway, measurement, oauth, oidc, ops,
    organisation, storage, user,
};
use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Every part's routes. The router tries them in this order: what is asked most comes first.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .configure(gateway::routes)
        .configure(measurement::routes)
        .configure(certificate::routes)
        .configure(ops::routes)
        .configure(auth::routes)
        .configure(oidc::routes)
        .configure(user::routes)
        .configure(organisation::routes)
        .configure(account::routes)
        .configure(api_key::routes)
        .configure(oauth::routes)
        .configure(audit::routes)
        .configure(device::routes)
        .configure(storage::routes)
        .service(web::redirect("/docs", "/docs/index.html"))
        .route("/openapi.json", web::get().to(document))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")))
        .default_service(web::route().to(no_route));
}

/// Every part's document.
pub(super) fn documents() -> [Document; 14] {
    [
        auth::Document::openapi(),
        oidc::Document::openapi(),
        user::Document::openapi(),
        account::Document::openapi(),
        organisation::Document::openapi(),
        api_key::Document::openapi(),
        oauth::Document::openapi(),
        audit::Document::openapi(),
        device::Document::openapi(),
        measurement::Document::openapi(),
        gateway::Document::openapi(),
        certificate::Document::openapi(),
        storage::Document::openapi(),
        ops::Document::openapi(),
    ]
}

async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(super::openapi::compact())
}

/// 405 for a path that has other methods, else 404.
async fn no_route(request: HttpRequest, routes: Data<Routes>) -> HttpResponse {
    let allowed = routes.methods(request.path());
    if allowed.is_empty() {
        return Problem::new(EdgeCode::RouteNotFound, "Not Found").error_response();
    }
    Problem::method_not_allowed(allowed.join(", ")).error_response()
}
