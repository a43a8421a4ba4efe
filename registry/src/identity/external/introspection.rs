//! Asking another server about its tokens (RFC 7662).

use super::claims::Claimed;
use super::client::{AskError, client, object};
use super::{ExternalError, away, refused};
use crate::config;
use crate::http::problem::{Answer, EdgeCode, Problem};
use chrono::Utc;
use moka::future::Cache;
use projections::postgres::Secret;
use reqwest::Client;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Answers remembered at most.
const MAX_ANSWERS: u64 = 100_000;
/// Questions asked at once; who comes beyond them is told to come again.
pub const MAX_QUESTIONS: usize = 32;

/// The server that is asked.
pub struct Introspection {
    client: Client,
    settings: config::Introspection,
    secret: Secret,
    mapping: config::Mapping,
    /// By digest of the token; none of one that is not good.
    answers: Cache<[u8; 32], Option<Arc<Good>>>,
    questions: Semaphore,
}

struct Good {
    claimed: Claimed,
    /// First second in which it is no longer good, since 1970.
    exp: Option<i64>,
}

impl Introspection {
    /// As configured.
    ///
    /// # Errors
    /// [`ExternalError`].
    pub fn new(settings: &config::Introspection) -> Result<Self, ExternalError> {
        Ok(Self {
            client: client(settings.timeout_ms)?,
            secret: settings.secret()?,
            mapping: settings.mapping(),
            answers: Cache::builder()
                .max_capacity(MAX_ANSWERS)
                .time_to_live(Duration::from_secs(settings.cache_s))
                .build(),
            questions: Semaphore::new(MAX_QUESTIONS),
            settings: settings.clone(),
        })
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// What it says of whoever holds the token.
    ///
    /// # Errors
    /// 401 if the token is not good, 503 if the server does not say.
    pub async fn ask(&self, token: &str) -> Answer<Claimed> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let answer = self.answers.try_get_with(digest, self.question(token));
        let answer = answer
            .await
            .map_err(|problem: Arc<Problem>| (*problem).clone())?;
        let now = Utc::now().timestamp();
        answer
            .filter(|good| good.exp.is_none_or(|exp| now < exp))
            .map(|good| good.claimed.clone())
            .ok_or_else(refused)
    }

    async fn question(&self, token: &str) -> Answer<Option<Arc<Good>>> {
        let Ok(_one) = self.questions.try_acquire() else {
            return Err(Problem::new(
                EdgeCode::Busy,
                "too many tokens are being asked about at once",
            ));
        };
        let form = [("token", token), ("token_type_hint", "access_token")];
        let mut request = self.client.post(&self.settings.url).form(&form);
        if !self.settings.client_id.is_empty() {
            // Each half is form-encoded (RFC 6749, section 2.3.1).
            let encoded =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let (id, secret) = (&self.settings.client_id, self.secret.expose());
            request = request.basic_auth(encoded(id), Some(encoded(secret)));
        }
        let answer = object(request.header("accept", "application/json")).await;
        let answer = answer.map_err(|error: AskError| away("introspection", &error))?;
        Ok(good(&answer, &self.settings, &self.mapping).map(Arc::new))
    }
}

/// What an answer says of a token that is good.
fn good(
    answer: &Map<String, Value>,
    settings: &config::Introspection,
    mapping: &config::Mapping,
) -> Option<Good> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let number = |name: &str| answer.get(name).and_then(Value::as_i64);
    let names_audience = || match answer.get("aud") {
        Some(Value::String(one)) => *one == settings.audience,
        Some(Value::Array(all)) => all.iter().any(|one| *one == settings.audience.as_str()),
        _ => false,
    };
    let is_good = answer.get("active") == Some(&Value::Bool(true))
        && text("iss").is_none_or(|issuer| issuer == settings.issuer)
        && names_audience()
        && number("nbf").is_none_or(|nbf| nbf <= Utc::now().timestamp())
        // Of Ory Hydra, which tells of refresh tokens as well.
        && text("token_use").is_none_or(|usage| usage == "access_token");
    if !is_good {
        return None;
    }
    Some(Good {
        claimed: Claimed::of(&settings.issuer, &with_subject(answer), mapping)?,
        exp: number("exp"),
    })
}

/// A machine may have no subject of its own: then it is its client (RFC 9068, section 2.2).
fn with_subject(answer: &Map<String, Value>) -> Map<String, Value> {
    let mut answer = answer.clone();
    if !answer.contains_key("sub")
        && let Some(client_id) = answer.get("client_id").cloned()
    {
        answer.insert("sub".to_owned(), client_id);
    }
    answer
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn is_good(answer: Value) -> bool {
        let settings = config::Introspection {
            issuer: "https://login.example".to_owned(),
            audience: "registry".to_owned(),
            ..config::Introspection::default()
        };
        let answer = answer.as_object().unwrap();
        good(answer, &settings, &settings.mapping()).is_some()
    }

    #[test]
    fn only_an_active_access_token_for_this_registry_is_good() {
        let with = |name: &str, value: Value| {
            let mut answer = json!({"active": true, "sub": "1", "aud": ["x", "registry"]});
            answer[name] = value;
            answer
        };
        for answer in [
            with("active", json!(true)),
            with("aud", json!("registry")),
            with("iss", json!("https://login.example")),
            with("token_use", json!("access_token")),
        ] {
            assert!(is_good(answer.clone()), "{answer}");
        }
        for answer in [
            json!({}),
            with("active", json!(false)),
            with("active", json!("true")),
            with("active", json!(1)),
            with("sub", json!(null)),
            with("aud", json!("another")),
            with("aud", json!(null)),
            with("aud", json!(["registry2"])),
            with("iss", json!("https://evil.example")),
            with("nbf", json!(Utc::now().timestamp() + 100)),
            with("token_use", json!("refresh_token")),
        ] {
            assert!(!is_good(answer.clone()), "{answer}");
        }
    }
}
