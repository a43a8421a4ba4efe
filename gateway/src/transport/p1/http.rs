//! Telegrams from an adapter that answers one per request: as text (`/api/v1/telegram` of HomeWizard), or as
//! lines in JSON (`/telegram.json` of Jemac).

use super::telegram::Telegram;
use super::{Arrived, P1Error};
use crate::clock::Clock;
use reqwest::{Client, Url, redirect};
use serde::Deserialize;
use std::time::Duration;

/// To connect, and for the whole answer.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// Longest answer.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// An adapter.
#[derive(Debug)]
pub struct Http {
    client: Client,
    url: Url,
    clock: Clock,
}

#[derive(Deserialize)]
struct Lines {
    data: Vec<String>,
}

impl Http {
    /// An adapter that answers at `url`. Redirects are not followed: it is a device in the same network.
    ///
    /// # Errors
    /// If the HTTP client can not be set up.
    pub fn new(url: Url, clock: Clock) -> Result<Self, P1Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(failed)?;
        Ok(Self { client, url, clock })
    }

    /// The telegram of the moment.
    ///
    /// # Errors
    /// If the adapter does not answer, or not with a telegram.
    pub async fn next(&self) -> Result<Arrived, P1Error> {
        let mut answer = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(failed)?;
        if !answer.status().is_success() {
            return Err(P1Error::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(P1Error::TooLong);
            }
            body.extend(chunk);
        }
        let (at, monotonic) = (self.clock.wall(), self.clock.monotonic());
        Ok(Arrived {
            at,
            monotonic,
            telegram: parse(&body)?,
        })
    }
}

/// A telegram as an adapter answers it.
///
/// # Errors
/// What is wrong with it.
pub fn parse(body: &[u8]) -> Result<Telegram, P1Error> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Ok(Telegram::parse(body)?);
    }
    let lines: Lines = serde_json::from_slice(body).map_err(|_| P1Error::Json)?;
    Ok(Telegram::from_lines(&lines.data)?)
}

/// Without the address, which may hold a token.
fn failed(error: reqwest::Error) -> P1Error {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    P1Error::Connection(text)
}
