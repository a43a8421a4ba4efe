//! Talking to the registry: sign in, send, and try again while it is away.

use reqwest::{Client, Response, StatusCode, Url, header, multipart};
use schemas::id::DeviceId;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// First wait before a request is sent again; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait before a request is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The registry refuses, and would again.
#[derive(Debug, thiserror::Error)]
#[error("the registry answers {status}: {problem:#}")]
pub struct Refused {
    status: StatusCode,
    problem: Value,
}

/// What became of one submission.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    /// Rows accepted now.
    pub accepted: u64,
    /// Rows the registry had already.
    pub repeated: u64,
    /// Energy of both, in Wh.
    pub total_device_usage: i64,
}

/// A registry and who signs in there.
pub struct Session {
    client: Client,
    registry: Url,
    email: String,
    password: String,
    token: Option<String>,
}

impl Session {
    /// A session that has not signed in yet.
    ///
    /// # Errors
    /// When the HTTP client can not be set up.
    pub fn new(registry: Url, email: String, password: String) -> reqwest::Result<Self> {
        let client = Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self {
            client,
            registry,
            email,
            password,
            token: None,
        })
    }

    /// Sends a CSV of readings; returns when the registry has answered it, however long that takes.
    ///
    /// # Errors
    /// When the registry refuses the rows or the credentials.
    pub async fn submit(&mut self, device: DeviceId, csv: &[u8]) -> anyhow::Result<Accepted> {
        let mut wait = FIRST_WAIT;
        loop {
            let pause = match self.attempt(device, csv).await {
                Ok(response) if response.status().is_success() => {
                    return Ok(response.json().await?);
                }
                Ok(response)
                    if response.status() == StatusCode::UNAUTHORIZED && self.token.is_some() =>
                {
                    self.token = None;
                    continue;
                }
                Ok(response) if may_pass(response.status()) => {
                    retry_after(&response).unwrap_or(wait)
                }
                Ok(response) => return Err(refused(response).await.into()),
                Err(error) => {
                    eprintln!(
                        "the registry can not be reached ({error}); trying again in {wait:?}"
                    );
                    wait
                }
            };
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&mut self, device: DeviceId, csv: &[u8]) -> reqwest::Result<Response> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => {
                let form = [("username", &self.email), ("password", &self.password)];
                let answer = self
                    .client
                    .post(self.at("auth/login"))
                    .form(&form)
                    .send()
                    .await?;
                if !answer.status().is_success() {
                    return Ok(answer);
                }
                #[derive(Deserialize)]
                struct Login {
                    access_token: String,
                }
                let login: Login = answer.json().await?;
                self.token.insert(login.access_token).clone()
            }
        };
        let file = multipart::Part::bytes(csv.to_vec()).file_name("readings.csv");
        let form = multipart::Form::new()
            .text("device_id", device.to_string())
            .part("file", file);
        let request = self.client.post(self.at("measurement/submit_readings"));
        request.bearer_auth(token).multipart(form).send().await
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.registry.clone();
        url.set_path(&format!(
            "{}/{path}",
            self.registry.path().trim_end_matches('/')
        ));
        url
    }
}

/// Whether the same request may be answered otherwise later.
fn may_pass(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

async fn refused(response: Response) -> Refused {
    let status = response.status();
    let problem = response.json().await.unwrap_or(Value::Null);
    Refused { status, problem }
}
