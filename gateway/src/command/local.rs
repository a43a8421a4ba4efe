//! The gateway that runs in a folder, asked over its local API.

use anyhow::{Context, bail};
use gateway::config::Config;
use gateway::enrolment::Enrolment;
use gateway::snapshot::Snapshot;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::path::Path;
use std::time::Duration;

/// Asks the gateway that runs in `dir`; `None` if none is there to answer.
pub async fn ask(
    dir: &Path,
    config: &Config,
    (method, path): (Method, &str),
    patience: Duration,
    body: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> anyhow::Result<Option<Response>> {
    let client = reqwest::Client::builder().timeout(patience).build()?;
    let mut request = client.request(method, format!("http://{}{path}", config.api.listen));
    if let Some(file) = &config.api.token_file {
        let path = dir.join(file);
        let token = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        request = request.bearer_auth(token.lines().next().unwrap_or_default().trim());
    }
    match body(request).send().await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_connect() => Ok(None),
        Err(error) => Err(error).context("the gateway's local API does not answer"),
    }
}

/// What the gateway that runs in `dir`, as its folder says, is at.
///
/// # Errors
/// If it does not say so, or another one does.
pub async fn snapshot(dir: &Path, config: &Config, patience: Duration) -> anyhow::Result<Snapshot> {
    let listen = config.api.listen;
    let silent = || format!("a gateway is running here, and does not answer at {listen}");
    let question = (Method::GET, "/status");
    let asked = ask(dir, config, question, patience, |request| request);
    let told = asked.await?.with_context(silent)?;
    if told.status() == StatusCode::UNAUTHORIZED {
        bail!("the gateway's local API asks for its token (api.token_file)");
    }
    let told = told.error_for_status().with_context(silent)?;
    let other = || {
        format!(
            "a gateway is running here, and what answers at {listen} is another program or release"
        )
    };
    let snapshot: Snapshot = told.json().await.with_context(other)?;
    // Another folder's gateway has another key. None has one before it has enrolled.
    if snapshot.key_id != Enrolment::load(dir)?.map(|enrolment| enrolment.key_id) {
        bail!("a gateway is running here, and another folder's answers at {listen}");
    }
    Ok(snapshot)
}
