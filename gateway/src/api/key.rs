//! Another key to sign with.

use super::problem::Problem;
use crate::control::Control;
use actix_web::post;
use actix_web::web::{Data, Json};
use schemas::api::problem::ProblemDocument;
use schemas::gateway::{Algorithm, KeyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the key is changed.
pub const KEY_PATH: &str = "/key";

/// What the new key shall be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// How it signs. A key on a token is one for ES256.
    pub alg: Algorithm,
}

/// The key that the gateway signs with from here on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SigningKey {
    /// Its thumbprint (RFC 7638).
    #[schema(value_type = String)]
    pub key_id: KeyId,
}

/// Change the key that the gateway signs with.
///
/// The new key is made here, by the gateway or its token. What the old one has signed is taken by the registry for
/// 45 days more.
#[utoipa::path(
    tag = "Operation",
    operation_id = "change_key",
    request_body = NewKey,
    responses(
        (status = 200, description = "What is signed from here on is signed with this key.", body = SigningKey),
        (status = 409, description = "not_now", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "request_invalid, malformed_body", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 502, description = "failed", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 503, description = "busy, stopping", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[post("/key")]
pub async fn change_key(
    control: Data<Control>,
    new: Json<NewKey>,
) -> Result<Json<SigningKey>, Problem> {
    let key_id = control.change_key(new.alg).await?;
    Ok(Json(SigningKey { key_id }))
}
