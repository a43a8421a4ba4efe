//! What the registry answered.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use std::fmt;

/// An answer, with the request it answers for messages.
#[derive(Clone)]
pub struct Answer {
    pub(crate) request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(request: String, response: reqwest::Response) -> Result<Self, String> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        match response.bytes().await {
            Ok(body) => Ok(Self {
                request,
                status,
                headers,
                body: body.to_vec(),
            }),
            Err(error) => Err(format!("{request} was answered in part: {error:?}")),
        }
    }

    /// The body as JSON; null if it is empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not JSON ({error}): {self}"),
        }
    }

    /// The body, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json()
    }

    /// The problem document, if that is what it is, with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(
            self.header(CONTENT_TYPE),
            "application/problem+json",
            "{self}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self}");
        assert_eq!(problem["code"], code, "{self}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{self}");
        for text in ["title", "detail"] {
            assert!(
                problem[text].as_str().is_some_and(|text| !text.is_empty()),
                "{self}"
            );
        }
        assert!(problem["errors"].is_array(), "{self}");
        problem
    }

    /// As [`Answer::refused`], with this sentence in `detail` or in one of `errors`.
    #[track_caller]
    pub fn refused_saying(self, status: u16, code: &str, sentence: &str) -> Value {
        let shown = self.to_string();
        let problem = self.refused(status, code);
        let mut said = vec![problem["detail"].as_str().unwrap()];
        for error in problem["errors"].as_array().unwrap() {
            said.push(error["detail"].as_str().unwrap());
        }
        assert!(
            said.iter().any(|said| said.contains(sentence)),
            "{sentence:?} in {shown}"
        );
        problem
    }

    /// As [`Answer::refused`] for a field or parameter, which `errors` must name with this code.
    #[track_caller]
    pub fn refused_at(self, status: u16, code: &str, place: &str) -> Value {
        let shown = self.to_string();
        let problem = self.refused(status, code);
        let named = problem["errors"].as_array().unwrap().iter().any(|error| {
            ["pointer", "parameter"]
                .iter()
                .any(|key| error[key].as_str() == Some(place))
        });
        assert!(named, "{place} in {shown}");
        problem
    }

    /// A header's text; empty where there is none.
    pub fn header(&self, name: impl reqwest::header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The position in the ledger that the answer reflects.
    #[track_caller]
    pub fn ledger_position(&self) -> i64 {
        let text = self.header("X-Ledger-Position");
        text.parse()
            .unwrap_or_else(|_| panic!("no X-Ledger-Position in {self}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(2_000).collect();
        write!(f, "{} was answered {}: {shown}", self.request, self.status)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
