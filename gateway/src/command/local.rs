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

/// What the gateway that runs in `dir` is at; `None` if none is there to answer, or another one does.
pub async fn snapshot(
    dir: &Path,
    config: &Config,
    patience: Duration,
) -> anyhow::Result<Option<Snapshot>> {
    let question = (Method::GET, "/status");
    let Some(told) = ask(dir, config, question, patience, |request| request).await? else {
        return Ok(None);
    };
    if told.status() == StatusCode::UNAUTHORIZED {
        bail!("the gateway's local API asks for its token (api.token_file)");
    }
    // Something else may listen there, or another folder's gateway. Neither has a key before it has enrolled.
    let Ok(snapshot) = told.json::<Snapshot>().await else {
        return Ok(None);
    };
    let here = Enrolment::load(dir)?.map(|enrolment| enrolment.key_id);
    Ok(Some(snapshot).filter(|snapshot| snapshot.key_id == here))
}
