//! Answers that are not a success.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use schemas::api::problem::ProblemDocument;

use super::error::{ClientError, Refused};

/// The problem document in `body`, or that there is none.
pub(super) fn failure(
    method: &Method,
    url: String,
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
) -> ClientError {
    let method = method.clone();
    match serde_json::from_slice::<ProblemDocument>(body) {
        Ok(problem) => ClientError::Refused(Box::new(Refused {
            method,
            url,
            status,
            retry_after,
            problem,
        })),
        Err(_) => ClientError::Foreign {
            method,
            url,
            status,
            retry_after,
        },
    }
}
