//! Somebody who calls the API.

use crate::{Answer, Proxy};
use reqwest::header::HeaderMap;
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Somebody who calls the API, signed in or not. All actors of a registry tell each other what they
/// have seen: what one has written the others read, as the API offers it through positions in headers.
#[derive(Clone)]
pub struct Actor {
    client: Client,
    base: String,
    token: Option<String>,
    headers: HeaderMap,
    seen: Option<Arc<Seen>>,
    /// Their id; 0 for somebody who is not signed in.
    pub id: i64,
    pub email: String,
}

/// Shorter than a registry keeps a connection that nothing comes over: who sends something at the moment it is given up
/// gets no answer.
const IDLE: Duration = Duration::from_secs(1);

/// Headers that say which position of a stream an answer reflects, or a read shall wait for.
const POSITIONS: [&str; 2] = ["x-ledger-position", "x-identity-position"];

/// The last positions in any answer.
#[derive(Debug, Default)]
pub(crate) struct Seen([AtomicI64; 2]);

impl Seen {
    fn ask(&self, headers: &mut HeaderMap) {
        for (name, position) in POSITIONS.into_iter().zip(&self.0) {
            let position = position.load(Ordering::Acquire);
            headers.entry(name).or_insert_with(|| position.into());
        }
    }

    fn note(&self, answer: &Answer) {
        for (name, position) in POSITIONS.into_iter().zip(&self.0) {
            if let Ok(shown) = answer.header(name).parse() {
                position.fetch_max(shown, Ordering::AcqRel);
            }
        }
    }
}

impl Actor {
    pub(crate) fn anonymous(client: Client, base: String, seen: Arc<Seen>) -> Self {
        Self {
            client,
            base,
            token: None,
            headers: HeaderMap::new(),
            seen: Some(seen),
            id: 0,
            email: String::new(),
        }
    }

    /// The same, signed in.
    #[must_use]
    pub async fn signed_in(&self, email: &str, password: &str) -> Self {
        let answer = self.login(email, password).await.expect(200);
        Self {
            token: Some(answer["access_token"].as_str().unwrap().to_owned()),
            id: answer["user_id"].as_i64().unwrap(),
            email: email.to_owned(),
            ..self.clone()
        }
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same, neither telling others what they have seen nor naming positions.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self {
            seen: None,
            ..self.clone()
        }
    }

    /// The same, who reaches the registry, or another one of the same log, by this way.
    #[must_use]
    pub fn through(&self, way: &Proxy) -> Self {
        let client = Client::builder().pool_idle_timeout(IDLE).build();
        Self {
            client: client.unwrap(),
            base: way.url(),
            ..self.clone()
        }
    }

    /// The access token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The same, sending one more header with every request.
    #[must_use]
    pub fn with(&self, name: &'static str, value: impl ToString) -> Self {
        let mut actor = self.clone();
        actor
            .headers
            .insert(name, value.to_string().parse().unwrap());
        actor
    }

    /// A request to be completed by the caller.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .headers(self.headers.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }

    /// Sends a request made with [`Actor::request`].
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = self.try_send(request).await;
        answer.unwrap_or_else(|unanswered| panic!("{unanswered}"))
    }

    /// The same, where nobody may be there to answer.
    ///
    /// # Errors
    /// A sentence with the request and why there is no answer.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, String> {
        let mut built = request.build().unwrap();
        if let Some(seen) = &self.seen {
            seen.ask(built.headers_mut());
        }
        let shown = format!(
            "{} {}{}",
            built.method(),
            built.url().path(),
            shown_body(&built)
        );
        let response = self.client.execute(built).await;
        let answer = match response {
            Ok(response) => Answer::of(shown, response).await?,
            Err(error) => return Err(format!("{shown} was not answered: {error:?}")),
        };
        if let Some(seen) = &self.seen {
            seen.note(&answer);
        }
        Ok(answer)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PATCH", path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    /// A POST without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request("POST", path)).await
    }

    /// A POST of a multipart form.
    pub async fn upload(&self, path: &str, form: Form) -> Answer {
        self.send(self.request("POST", path).multipart(form)).await
    }
}

fn shown_body(request: &reqwest::Request) -> String {
    let bytes = request
        .body()
        .and_then(reqwest::Body::as_bytes)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    // A failed test's message is public: no password in it.
    if text.contains("password") {
        return " (with a password)".to_owned();
    }
    let shown: String = text.chars().take(500).collect();
    if shown.is_empty() {
        shown
    } else {
        format!(" {shown}")
    }
}
