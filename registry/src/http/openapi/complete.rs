//! What every operation has in common, added to each: credentials, headers, the problems that any request
//! can meet, and the form of a problem.
//!
//! A handler names the codes of its own problems in the description of their status, separated by commas.

use crate::http::idempotency;
use crate::http::position::{IDENTITY_HEADER, LEDGER_HEADER};
use crate::http::problem::Code;
use crate::identity::{ACCESS_COOKIE, CSRF_HEADER};
use schemas::api::page::NEXT_CURSOR_HEADER;
use schemas::api::problem::MEDIA_TYPE;
use schemas::api::problem_page::page;
use schemas::capability::Capability;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Each POST that only asks.
const QUESTIONS: [&str; 3] = [
    "introspect_token",
    "query_certificates",
    "query_certificates_full",
];
/// Those of who has no credentials yet, to whom an idempotency key could belong.
const SIGN_INS: [&str; 5] = [
    "create_token",
    "finish_oidc_second_factor",
    "finish_oidc_sign_in",
    "login",
    "refresh_session",
];

/// Whether an operation gives out credentials.
pub(super) fn is_sign_in(name: &str) -> bool {
    SIGN_INS.contains(&name)
}

/// Whether an operation changes nothing and signs nobody in.
pub(super) fn is_question(method: &str, name: &str) -> bool {
    method == "get" && !is_sign_in(name) || QUESTIONS.contains(&name)
}

pub(super) fn complete(document: &mut Value) {
    document["openapi"] = json!("3.1.0");
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                   "description": "The `access_token` of `POST /auth/login` or `POST /auth/refresh`."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": ACCESS_COOKIE,
                   "description": "Set by `POST /auth/login?cookie=true`; mutations then need `X-CSRF-Token`."},
        "machine": {"type": "oauth2",
                    "description": "The client is an API key: its `key_id`, and the key as secret.",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes()}}},
    });
    document["security"] = json!([{"bearer": []}, {"cookie": []}, {"machine": []}]);
    document["components"]["examples"] = examples();
    document["components"]["headers"] = headers();
    document["components"]["parameters"] = parameters();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(method, operation);
        }
    }
}

/// What tokens of machines may be good for.
fn scopes() -> Value {
    let scope = |capability: &Capability| {
        let operations = format!("Operations whose `x-required-capability` is `{capability}`.");
        (capability.to_string(), json!(operations))
    };
    Capability::ALL
        .iter()
        .map(scope)
        .collect::<Map<_, _>>()
        .into()
}

fn complete_operation(method: &str, operation: &mut Value) {
    let name = operation["operationId"].as_str().unwrap_or_default();
    let is_open = operation["security"]
        .as_array()
        .is_some_and(|schemes| schemes.iter().all(|scheme| scheme == &json!({})));
    let is_mutation = !is_question(method, name) && !is_sign_in(name);
    // A template shows nothing that could lag.
    let is_fixed = name.ends_with("_template");
    let has_body = !operation["requestBody"].is_null();
    let has_parameters = !operation["parameters"].is_null();
    let mut added: Vec<&str> = Vec::new();
    added.push("too_many_requests");
    if is_open {
        operation["security"] = json!([]);
    } else {
        added.extend([
            "not_authenticated",
            "token_invalid",
            "internal",
            "unavailable",
            "read_lagging",
        ]);
        added.extend(["request_invalid", "capability_required"]);
    }
    if !is_open && method != "get" {
        added.push("csrf_token_invalid");
    }
    if is_mutation {
        added.extend(["idempotency_key_reused", "busy"]);
    } else if !is_open && !is_fixed {
        added.push("position_unknown");
    }
    if is_mutation && !is_open {
        // Of accounts that nobody may act for.
        added.extend(["account_suspended", "account_not_approved"]);
    }
    if has_body {
        added.extend([
            "body_too_large",
            "unsupported_media_type",
            "malformed_body",
            "request_invalid",
        ]);
    }
    if has_parameters {
        added.push("request_invalid");
    }
    let references: &[&str] = match (is_open, is_mutation) {
        (true, _) => &[],
        (false, false) if is_fixed => &["RequestId"],
        (false, true) => &["IdempotencyKey", "CsrfToken", "RequestId"],
        (false, false) => &["LedgerPosition", "IdentityPosition", "RequestId"],
    };
    add_parameters(operation, references);
    add_responses(operation, &added, is_open);
}

fn add_parameters(operation: &mut Value, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    let mut parameters = operation["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let reference = |name| json!({"$ref": format!("#/components/parameters/{name}")});
    parameters.extend(names.iter().map(reference));
    operation["parameters"] = Value::Array(parameters);
}

fn add_responses(operation: &mut Value, added: &[&str], is_open: bool) {
    let is_paged = operation["parameters"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["name"] == "cursor"));
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    let mut codes: BTreeMap<String, Vec<Code>> = BTreeMap::new();
    let own = responses
        .values()
        .filter_map(|response| response["description"].as_str());
    let named: Vec<String> = own
        .flat_map(|description| {
            description
                .split(", ")
                .map(|word| word.trim().replace('`', ""))
        })
        .collect();
    for word in named
        .iter()
        .map(String::as_str)
        .chain(added.iter().copied())
    {
        if let Some(code) = Code::all().find(|code| code.as_str() == word) {
            let listed = codes.entry(code.status().as_str().to_owned()).or_default();
            if !listed.contains(&code) {
                listed.push(code);
            }
        }
    }
    for (status, response) in responses.iter_mut() {
        if status.starts_with('2') {
            response["headers"] = success_headers(is_open, is_paged, response);
        }
    }
    for (status, codes) in codes {
        responses.insert(status, problem_response(&codes));
    }
}

fn success_headers(is_open: bool, is_paged: bool, response: &Value) -> Value {
    let mut headers = Map::new();
    let mut add = |name: &str, component: &str| {
        let reference = json!({"$ref": format!("#/components/headers/{component}")});
        headers.insert(name.to_owned(), reference);
    };
    add("X-Request-Id", "RequestId");
    if !is_open {
        add(LEDGER_HEADER, "LedgerPosition");
        add(IDENTITY_HEADER, "IdentityPosition");
    }
    if is_paged && response["content"]["application/json"]["schema"]["type"] == "array" {
        add(NEXT_CURSOR_HEADER, "NextCursor");
    }
    Value::Object(headers)
}

fn title(code: &Code) -> &'static str {
    page(code.as_str()).map_or("", |page| page.title())
}

fn problem_response(codes: &[Code]) -> Value {
    let lines: Vec<_> = codes
        .iter()
        .map(|code| {
            format!(
                "- [`{code}`](/problems/{code}): {}",
                title(code),
                code = code.as_str()
            )
        })
        .collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let reference = format!("#/components/examples/{}", code.as_str());
            (code.as_str().to_owned(), json!({"$ref": reference}))
        })
        .collect();
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let (media_type, schema) = match codes.iter().all(|code| code.is_oauth()) {
        true => ("application/json", "OAuthError"),
        false => (MEDIA_TYPE, "Problem"),
    };
    json!({
        "description": lines.join("\n"),
        "x-problem-codes": names,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
        "content": {media_type: {
            "schema": {"$ref": format!("#/components/schemas/{schema}")},
            "examples": examples,
        }},
    })
}

fn examples() -> Value {
    Code::all()
        .map(|code| (code.as_str().to_owned(), example(code)))
        .collect::<Map<_, _>>()
        .into()
}

fn example(code: Code) -> Value {
    let (code_word, title) = (code.as_str(), title(&code));
    let mut example = json!({"value": {
        "type": format!("/problems/{code_word}"),
        "title": title,
        "status": code.status().as_u16(),
        "detail": format!("{title}."),
        "code": code_word,
        "errors": [],
    }});
    if code.is_oauth() {
        example["value"]["error"] = json!(code_word);
        example["value"]["error_description"] = example["value"]["detail"].clone();
    }
    example
}

fn headers() -> Value {
    let position = |what: &str| {
        json!({"description": format!("Position in {what} that the answer reflects."),
               "schema": {"type": "integer", "format": "int64", "minimum": 0}})
    };
    json!({
        "RequestId": {"description": "Names the request in the registry's log and events.",
                      "schema": {"type": "string", "format": "uuid"}},
        "LedgerPosition": position("the ledger"),
        "IdentityPosition": position("the stream of users"),
        "NextCursor": {"description": "`cursor` of the next page; absent on the last.",
                       "schema": {"type": "string"}},
    })
}

fn parameters() -> Value {
    let position = |name: &str, what: &str| {
        json!({"name": name, "in": "header", "required": false,
               "description": format!("Wait until the answer reflects {what} up to here."),
               "schema": {"type": "integer", "format": "int64", "minimum": 0}})
    };
    json!({
        "IdempotencyKey": {
            "name": idempotency::HEADER, "in": "header", "required": false,
            "description": "Names the request: sent again under the same key, it is carried out once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": idempotency::MAX_CHARS, "pattern": "^[!-~]+$"},
        },
        "CsrfToken": {
            "name": CSRF_HEADER, "in": "header", "required": false,
            "description": "Needed with cookie authentication only: `csrf_token` of `GET /csrf-token`.",
            "schema": {"type": "string"},
        },
        "RequestId": {
            "name": "X-Request-Id", "in": "header", "required": false,
            "description": "Names the request in the registry's log and events. A UUID is kept; another one \
                            takes the place of anything else.",
            "schema": {"type": "string"},
        },
        "LedgerPosition": position(LEDGER_HEADER, "the ledger"),
        "IdentityPosition": position(IDENTITY_HEADER, "the stream of users"),
    })
}
