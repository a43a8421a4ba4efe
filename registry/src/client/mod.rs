//! A small client of the public API, for the importers and the demo: it signs in, sends JSON, tries
//! again where that is safe, and turns problem documents into errors that people can read.

mod answer;
mod error;
mod retry;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use schemas::{api::auth::LoginResponse, id::UserId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::RwLock;
use uuid::Uuid;

pub use self::error::{ClientError, Refused};
use self::retry::Retry;
use crate::config::Secret;

/// Longest wait for one answer; an action over 10,000 bundles takes a second.
const TIMEOUT: Duration = Duration::from_secs(60);
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const LEDGER_POSITION: &str = "X-Ledger-Position";

/// A user signed in to a registry.
pub struct Client {
    http: reqwest::Client,
    base: String,
    email: String,
    password: Secret,
    user_id: UserId,
    token: RwLock<Arc<str>>,
    /// Last position of the ledger in any answer: reads ask for a state at least as new.
    position: Arc<AtomicI64>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// One request, as often as it has to be sent.
struct Call<'c> {
    method: Method,
    path: &'c str,
    /// Only with an idempotency key may a change be sent twice.
    key: Option<&'c str>,
    body: Option<Bytes>,
}

impl Client {
    /// Signs in to the registry at `url`, for example `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// [`ClientError`]: nobody answers there, or e-mail and password are not accepted.
    pub async fn sign_in(url: &str, email: &str, password: Secret) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|source| ClientError::Setup { source })?;
        let base = url.trim_end_matches('/').to_owned();
        Self::start(http, base, Arc::default(), email, password).await
    }

    /// Signs in somebody else at the same registry; what one writes the other sees.
    ///
    /// # Errors
    /// As [`Client::sign_in`].
    pub async fn sign_in_as(&self, email: &str, password: Secret) -> Result<Self, ClientError> {
        let (http, base) = (self.http.clone(), self.base.clone());
        Self::start(http, base, Arc::clone(&self.position), email, password).await
    }

    async fn start(
        http: reqwest::Client,
        base: String,
        position: Arc<AtomicI64>,
        email: &str,
        password: Secret,
    ) -> Result<Self, ClientError> {
        let mut client = Self {
            http,
            base,
            email: email.to_owned(),
            password,
            user_id: UserId(0),
            token: RwLock::new("".into()),
            position,
        };
        client.user_id = client.log_in(Retry::BRIEF).await?;
        Ok(client)
    }

    /// Who is signed in.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The last position of the ledger that an answer named; -1 before the first.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Call {
            method: Method::GET,
            path,
            key: None,
            body: None,
        })
        .await
    }

    /// Asks a question that has a body and changes nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(Call {
            method: Method::POST,
            path,
            key: None,
            body: Some(encoded(question)?),
        })
        .await
    }

    /// Sends a change once, however often it has to be repeated; answers are lost, changes are not.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.post_as(path, &Uuid::now_v7().to_string(), body).await
    }

    /// As [`Client::post`] under a key of the caller's: sent again, also by another process, it is the
    /// same change.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post_as<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.change(Method::POST, path, key, body).await
    }

    /// As [`Client::post`], of a part of a resource.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let key = Uuid::now_v7().to_string();
        self.change(Method::PATCH, path, &key, body).await
    }

    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(Call {
            method,
            path,
            key: Some(key),
            body: Some(encoded(body)?),
        })
        .await
    }

    async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        let mut signed_in_again = false;
        loop {
            let token = Arc::clone(&*self.token.read().await);
            let answered = retry::run(Retry::PATIENT, || self.request(&call, &token)).await;
            match answered {
                // A long import outlives its token.
                Err(error)
                    if error.status() == Some(StatusCode::UNAUTHORIZED) && !signed_in_again =>
                {
                    signed_in_again = true;
                    self.log_in(Retry::PATIENT).await?;
                }
                answered => return self.decoded(&call, &answered?),
            }
        }
    }

    async fn log_in(&self, retry: Retry) -> Result<UserId, ClientError> {
        let call = Call {
            method: Method::POST,
            path: "/auth/login",
            key: None,
            body: Some(encoded(
                &json!({"username": self.email, "password": self.password.expose()}),
            )?),
        };
        let body = retry::run(retry, || self.request(&call, "")).await?;
        let login: LoginResponse = self.decoded(&call, &body)?;
        *self.token.write().await = login.access_token.into();
        Ok(login.user_id)
    }

    async fn request(&self, call: &Call<'_>, token: &str) -> Result<Bytes, ClientError> {
        let no_answer = |source: reqwest::Error| ClientError::NoAnswer {
            method: call.method.clone(),
            url: self.url(call),
            source: source.without_url(),
        };
        let response = self.built(call, token).send().await.map_err(no_answer)?;
        let status = response.status();
        let retry_after = retry::retry_after(response.headers());
        let position = response.headers().get(LEDGER_POSITION);
        if let Some(position) = position.and_then(|value| value.to_str().ok()?.parse().ok()) {
            self.position.fetch_max(position, Ordering::Relaxed);
        }
        let body = response.bytes().await.map_err(no_answer)?;
        if status.is_success() {
            return Ok(body);
        }
        Err(answer::failure(
            &call.method,
            self.url(call),
            status,
            retry_after,
            &body,
        ))
    }

    fn built(&self, call: &Call<'_>, token: &str) -> RequestBuilder {
        let mut request = self.http.request(call.method.clone(), self.url(call));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(key) = call.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        } else if self.position() > 0 {
            request = request.header(LEDGER_POSITION, self.position());
        }
        match &call.body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone()),
            None => request,
        }
    }

    fn url(&self, call: &Call<'_>) -> String {
        format!("{}{}", self.base, call.path)
    }

    fn decoded<T: DeserializeOwned>(&self, call: &Call<'_>, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|source| ClientError::Undecodable {
            method: call.method.clone(),
            url: self.url(call),
            source,
        })
    }
}

fn encoded(body: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|source| ClientError::Unencodable { source })
}
