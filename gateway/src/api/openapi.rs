//! The OpenAPI document of the local API.

use super::code::Code;
use super::{device, discovery, key, metrics, status};
use actix_web::get;
use actix_web::web::Json;
use schemas::api::problem::ProblemDocument;
use serde_json::{Value, json};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Edge gateway",
        description = "What a gateway is at, its devices, and finding more of them.\n\n\
            Without a token it answers on the loopback address only; with one, every request but that for \
            health carries it as `Authorization: Bearer`. A failure is answered with a problem document \
            (RFC 9457) whose `code` is stable. Energy is in mWh where it is a meter's counter, times are RFC \
            3339 in UTC.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Devices", description = "What is read."),
        (name = "Discovery", description = "What could be read."),
        (name = "Operation", description = "For those who run the gateway."),
    ),
    paths(
        status::get_health,
        status::get_status,
        metrics::get_metrics,
        device::list_devices,
        device::get_device,
        device::add_device,
        device::remove_device,
        device::try_device,
        discovery::start_discovery,
        discovery::get_discovery,
        key::change_key,
        get_openapi,
    ),
    components(schemas(ProblemDocument)),
)]
struct Document;

/// The document.
///
/// # Panics
/// Never: it is made of maps, lists and texts only.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(Document::openapi())
        .expect("a document of maps, lists and texts has a JSON form");
    document["openapi"] = json!("3.1.0");
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "The gateway's token."},
    });
    // Either the token, or nothing on loopback.
    document["security"] = json!([{"bearer": []}, {}]);
    let problem = json!({
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    });
    document["components"]["schemas"]["Problem"]["properties"]["code"] = codes();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            if path == status::HEALTH_PATH {
                operation["security"] = json!([]);
                continue;
            }
            let mut add = |status: &str, codes: &str| {
                operation["responses"][status] = json!({"description": codes, "content": problem});
            };
            add("401", "not_authenticated, token_invalid");
            add("421", "wrong_host");
            if !operation["requestBody"].is_null() {
                operation["responses"]["413"] =
                    json!({"description": "body_too_large", "content": problem});
                operation["responses"]["415"] =
                    json!({"description": "unsupported_media_type", "content": problem});
            }
        }
    }
    document
}

/// Every code, and what to do about it.
fn codes() -> Value {
    let words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let about: String = Code::ALL
        .iter()
        .map(|code| format!("\n- `{}`: {}", code.as_str(), code.about()))
        .collect();
    json!({"type": "string", "enum": words, "description": format!("Stable code.\n{about}")})
}

/// Get this document.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
#[get("/openapi.json")]
pub async fn get_openapi() -> Json<Value> {
    Json(document())
}
