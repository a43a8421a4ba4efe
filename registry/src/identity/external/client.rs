//! Requests to other servers: with a timeout, no redirects, and answers that are bounded.

use crate::config::is_safe;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Map, Value};
use std::time::Duration;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// There is no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answered in time.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// The answer is no JSON object.
    #[error("the answer is no JSON object")]
    NoObject,
    /// The answer is too long.
    #[error("the answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    /// The request was not carried out.
    #[error("the answer is {status}, error {error:?}")]
    Refused {
        /// Status.
        status: StatusCode,
        /// OAuth's word for why.
        error: String,
    },
    /// Its metadata is not what is needed.
    #[error("its metadata: {0}")]
    Metadata(&'static str),
}

impl AskError {
    /// Whether the server understood the request, and refused it for what was in it.
    #[must_use]
    pub fn is_our_fault(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.is_client_error())
    }
}

/// The client for a server that may take so long.
pub fn client(timeout_ms: u64) -> reqwest::Result<Client> {
    Client::builder()
        .timeout(Duration::from_millis(timeout_ms))
        .connect_timeout(Duration::from_millis(timeout_ms))
        .redirect(Policy::none())
        .build()
}

/// The JSON object that a request is answered with.
///
/// # Errors
/// [`AskError`].
pub async fn object(request: RequestBuilder) -> Result<Map<String, Value>, AskError> {
    // What was asked is left out: it may have a secret in it.
    let unanswered = |error: reqwest::Error| AskError::Unanswered(error.without_url().to_string());
    let mut response = request.send().await.map_err(unanswered)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unanswered)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(AskError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    let object = serde_json::from_slice::<Map<String, Value>>(&body);
    if status != StatusCode::OK {
        let error = object.ok().and_then(|mut all| all.remove("error"));
        let error = error.as_ref().and_then(Value::as_str).unwrap_or_default();
        return Err(AskError::Refused {
            status,
            error: error
                .chars()
                .filter(char::is_ascii_graphic)
                .take(64)
                .collect(),
        });
    }
    object.map_err(|_| AskError::NoObject)
}

/// An address in a server's metadata, which secrets may be sent to.
///
/// # Errors
/// [`AskError::Metadata`] if there is none, or one that they may not.
pub fn endpoint(metadata: &Map<String, Value>, name: &'static str) -> Result<String, AskError> {
    let url = metadata.get(name).and_then(Value::as_str);
    url.filter(|url| is_safe(url))
        .map(str::to_owned)
        .ok_or(AskError::Metadata(name))
}
