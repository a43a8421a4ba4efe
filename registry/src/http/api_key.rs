//! Keys for machines.

use super::problem::{Answer, EdgeCode, Problem};
use super::{Caller, Id, Query, Read, Write, may};
use crate::identity::{ApiKey, Via};
use crate::read;
use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, delete, get, post};
use ledger::{Command, Event};
use schemas::api::api_key::{ApiKeyCreated, ApiKeyQuery, ApiKeyRead, CreateApiKey};
use schemas::capability::Capabilities;
use schemas::event::IdentityEvent;
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use uuid::Uuid;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(create_api_key)
        .service(list_api_keys)
        .service(revoke_api_key);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(create_api_key, list_api_keys, revoke_api_key))]
pub struct Document;

/// Make an API key.
///
/// Good for some of what the caller may do, for some of their accounts; it is never good for more than they
/// may do at the time it is used. It is shown this once: the registry keeps nothing but its digest. Send it
/// as `Authorization: Bearer`.
#[utoipa::path(
    tag = "API keys",
    operation_id = "create_api_key",
    request_body = CreateApiKey,
    responses(
        (status = 201, description = "The key.", body = ApiKeyCreated),
        (status = 403, description = "capability_required, account_access_denied, sign_in_required"),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "too_many_api_keys"),
        (status = 422, description = "request_invalid, value_out_of_range"),
    ),
)]
#[post("/api_keys")]
pub async fn create_api_key(request: Write<may::ManageSelf, CreateApiKey>) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let asked = &request.body;
    for capability in &asked.capabilities {
        request.caller.check(*capability)?;
    }
    let mut accounts = asked.account_ids.as_ref().map(|_| Vec::new());
    for named in asked.account_ids.iter().flatten() {
        let account_id = request.caller.member_of(*named).await?;
        accounts.get_or_insert_default().push(account_id);
    }
    let key = match request.origin.idempotency_key() {
        Some(idempotency_key) => {
            let secret = request.caller.state().api_key_secret;
            ApiKey::of_request(secret.as_bytes(), idempotency_key)
        }
        None => ApiKey::random(),
    };
    let command = Command::IssueApiKey(Box::new(ApiKeyIssued {
        key_id: Uuid::now_v7(),
        user_id: request.caller.user_id,
        name: asked.name.clone(),
        prefix: key.prefix().to_owned(),
        digest: key.digest(),
        capabilities: asked.capabilities.iter().copied().collect::<Capabilities>(),
        accounts,
        expires_at: asked.expires_at,
    }));
    let receipt = request.execute(command).await?;
    let issued = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Identity(IdentityEvent::ApiKeyIssued(issued)) => Some(issued),
            _ => None,
        });
    let issued = issued.ok_or_else(|| Problem::internal(&"a new key left no event"))?;
    Ok(HttpResponse::Created().json(ApiKeyCreated {
        key: key.expose().to_owned(),
        read: ApiKeyRead {
            key_id: issued.key_id,
            user_id: issued.user_id,
            name: issued.name,
            prefix: issued.prefix,
            capabilities: issued.capabilities,
            account_ids: issued.accounts,
            created_at: receipt.recorded_at,
            expires_at: issued.expires_at,
            last_used_at: None,
        },
    }))
}

/// List API keys.
///
/// The caller's that were not revoked, expired ones among them; those of others for who manages users.
#[utoipa::path(
    tag = "API keys",
    operation_id = "list_api_keys",
    params(ApiKeyQuery),
    responses((status = 200, description = "The keys.", body = Vec<ApiKeyRead>)),
)]
#[get("/api_keys")]
pub async fn list_api_keys(
    read: Read<may::ManageSelf>,
    Query(query): Query<ApiKeyQuery>,
) -> Answer<HttpResponse> {
    let user_id = read.keeper(query.user_id)?;
    let keys = read::api_key::of_user(&read.client().await?, user_id).await?;
    Ok(HttpResponse::Ok().json(keys))
}

/// Revoke an API key.
///
/// It is not good for anything any longer. Keys of others are revoked by who manages users.
#[utoipa::path(
    tag = "API keys",
    operation_id = "revoke_api_key",
    params(("key_id" = Uuid, Path, description = "The key.")),
    responses(
        (status = 204, description = "The key is revoked."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "api_key_not_found"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[delete("/api_keys/{key_id}")]
pub async fn revoke_api_key(
    request: Write<may::ManageSelf>,
    Id(key_id): Id<Uuid>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let key = request.caller.api_key(key_id).await?;
    let command = Command::RevokeApiKey(ApiKeyRevoked {
        key_id: key.key_id,
        user_id: key.user_id,
    });
    request.execute(command).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What gives others a way in, or keeps somebody out, is a matter of people: a key that was stolen can not do it.
pub(super) fn signed_in<C>(caller: &Caller<C>) -> Answer<()> {
    match caller.via() {
        Via::ApiKey(_) | Via::External(_) => Err(Problem::new(
            EdgeCode::SignInRequired,
            "neither an API key nor a token of another server does this; sign in",
        )),
        Via::Session(_) => Ok(()),
    }
}
