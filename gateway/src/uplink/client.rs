//! HTTP to the registry: packed, with a bound on everything.

use super::{reason, retry_after};
use crate::config::Config;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Certificate, Client, Response, StatusCode};
use schemas::gateway::api::{
    ChangeGatewayKey, EnrolGateway, EnvelopesSubmitted, GatewayEnrolled, GatewayRead,
    SubmitEnvelopes,
};
use schemas::id::GatewayId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a request with its answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A longer answer is not read to its end.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// The code of a registry for a path that it has not.
const NO_ROUTE: &str = "route_not_found";
/// Of an answer that makes no sense, so much is shown.
const SHOWN_CHARS: usize = 200;

/// No answer, or none that does.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client could not be set up.
    #[error("the registry can not be asked: {0}")]
    Setup(String),
    /// No answer came; what was sent may have arrived.
    #[error("the registry can not be reached: {0}")]
    NoAnswer(String),
    /// It answered that it can not for now, or refused the request as a whole. What has no code of a problem does not
    /// come from a registry, or from its root.
    #[error(
        "{} answers {status}: {detail}",
        if matches!(code.as_deref(), None | Some(NO_ROUTE)) { "something that is no registry" } else { "the registry" }
    )]
    Status {
        /// The status.
        status: StatusCode,
        /// The code of its problem document.
        code: Option<String>,
        /// What it says.
        detail: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It answered something else than this program understands.
    #[error("the registry's answer makes no sense: {0}")]
    Nonsense(String),
}

impl ClientError {
    /// The code of the registry's problem document, where there is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Status { code, .. } => code.as_deref(),
            _ => None,
        }
    }
}

/// A registry, over HTTP.
#[derive(Debug, Clone)]
pub struct Registry {
    client: Client,
    address: Url,
}

impl Registry {
    /// The registry that `config` names; certificates are looked for in `dir`.
    ///
    /// # Errors
    /// [`ClientError::Setup`] when the certificates can not be read.
    pub fn new(dir: &Path, config: &Config) -> Result<Self, ClientError> {
        Self::within(dir, config, TIMEOUT)
    }

    /// The same, with another bound on the time for a request.
    pub(super) fn within(
        dir: &Path,
        config: &Config,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .user_agent(concat!("gcr-gateway/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &config.ca_file {
            let path = dir.join(file);
            let setup =
                |reason: String| ClientError::Setup(format!("{}: {reason}", path.display()));
            let pem = std::fs::read(&path).map_err(|error| setup(error.to_string()))?;
            let found =
                Certificate::from_pem_bundle(&pem).map_err(|error| setup(reason::chain(&error)))?;
            if found.is_empty() {
                return Err(setup("holds no certificate in PEM".into()));
            }
            builder = builder.tls_certs_merge(found);
        }
        let client = builder
            .build()
            .map_err(|error| ClientError::Setup(reason::chain(&error)))?;
        let missing = || ClientError::Setup("no registry is configured".to_owned());
        let address = config.registry.clone().ok_or_else(missing)?;
        Ok(Self { client, address })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Enrols.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn enrol(&self, enrol: &EnrolGateway) -> Result<GatewayEnrolled, ClientError> {
        self.post("gateway/enrol", enrol).await
    }

    /// Changes the key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_key(
        &self,
        gateway: GatewayId,
        change: &ChangeGatewayKey,
    ) -> Result<GatewayRead, ClientError> {
        self.post(&format!("gateway/{gateway}/keys"), change).await
    }

    /// Submits envelopes that were packed by [`pack`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn submit(
        &self,
        packed: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<EnvelopesSubmitted, ClientError> {
        let request = self
            .client
            .post(self.at("gateway/events"))
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, "gzip")
            .body(packed);
        answer(request.send().await, now).await
    }

    async fn post<B: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<A, ClientError> {
        answer(
            self.client.post(self.at(path)).json(body).send().await,
            Utc::now(),
        )
        .await
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.address.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        url
    }
}

/// The body of a submission, packed with gzip (RFC 1952).
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn pack(envelopes: Vec<String>) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let body = serde_json::to_vec(&SubmitEnvelopes { envelopes })?;
    packer.write_all(&body)?;
    packer.finish()
}

async fn answer<A: DeserializeOwned>(
    sent: reqwest::Result<Response>,
    now: DateTime<Utc>,
) -> Result<A, ClientError> {
    let no_answer = |error: reqwest::Error| ClientError::NoAnswer(reason::of(&error, now));
    let mut response = sent.map_err(no_answer)?;
    let status = response.status();
    let retry_after = retry_after::read(response.headers(), now);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(ClientError::Nonsense(format!(
                "more than {MAX_ANSWER_BYTES} bytes"
            )));
        }
    }
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| ClientError::Nonsense(error.to_string()));
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let member = |name: &str| {
        problem
            .get(name)
            .and_then(|one| one.as_str())
            .map(str::to_owned)
    };
    let detail = member("detail").unwrap_or_else(|| shown(&body));
    Err(ClientError::Status {
        status,
        code: member("code"),
        detail,
        retry_after,
    })
}

/// What an answer holds that is no registry's.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => "nothing more".to_owned(),
        page if page.starts_with('<') => "a page for browsers".to_owned(),
        text => text
            .chars()
            .filter(|letter| !letter.is_control())
            .take(SHOWN_CHARS)
            .collect(),
    }
}
