//! Why a request did not do what it should.

use std::{fmt, time::Duration};

use reqwest::{Method, StatusCode};
use schemas::api::problem::{FieldError, ProblemDocument};

/// Offending fields or rows that an error prints.
const SHOWN: usize = 50;

/// Why a request did not do what it should. Shown to people as it is, with its sources.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the HTTP client can not be made")]
    Setup { source: reqwest::Error },
    #[error("{method} {url}: no answer")]
    NoAnswer {
        method: Method,
        url: String,
        source: reqwest::Error,
    },
    /// The registry says why.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    /// Something that is not the registry, a proxy perhaps.
    #[error("{method} {url}: {status}, which does not come from a registry")]
    Foreign {
        method: Method,
        url: String,
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    #[error("{method} {url}: the answer can not be understood")]
    Undecodable {
        method: Method,
        url: String,
        source: serde_json::Error,
    },
    #[error("the request can not be written")]
    Unencodable { source: serde_json::Error },
}

/// A request that the registry refused, with its problem document.
#[derive(Debug)]
pub struct Refused {
    pub method: Method,
    pub url: String,
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub problem: ProblemDocument,
}

impl ClientError {
    /// Status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refused) => Some(refused.status),
            Self::Foreign { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Stable code of the refusal, if it is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => Some(&refused.problem.code),
            _ => None,
        }
    }

    /// How long the registry asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.retry_after,
            Self::Foreign { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            _ => matches!(
                self.status(),
                Some(
                    StatusCode::TOO_MANY_REQUESTS
                        | StatusCode::BAD_GATEWAY
                        | StatusCode::SERVICE_UNAVAILABLE
                        | StatusCode::GATEWAY_TIMEOUT
                )
            ),
        }
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            url,
            status,
            problem,
            ..
        } = self;
        let code = status.as_u16();
        write!(f, "{method} {url}: {code} {}", problem.title)?;
        write!(f, "\n  {}", problem.detail)?;
        for error in problem.errors.iter().take(SHOWN) {
            write!(
                f,
                "\n  - {}: {} ({})",
                place(error),
                error.detail,
                error.code
            )?;
        }
        match problem.errors.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  - and {more} more"),
        }
    }
}

fn place(error: &FieldError) -> String {
    let column = error.column.as_deref().unwrap_or("");
    match (&error.pointer, &error.parameter, error.row) {
        (Some(pointer), _, _) => pointer.clone(),
        (_, Some(parameter), _) => parameter.clone(),
        (_, _, Some(row)) => format!("row {row} {column}").trim_end().to_owned(),
        _ => "request".to_owned(),
    }
}
