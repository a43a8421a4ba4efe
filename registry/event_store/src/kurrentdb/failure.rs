//! What the client says went wrong, sorted by what to do about it.

use crate::StoreError;
use crate::error::{Cause, Refused};
use eventstore::Error;
use std::sync::Arc;
use std::time::Duration;

/// Why a call was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// The network, a change of leader, a server that is not ready: it may work a moment later. What was
    /// sent may have been carried out.
    Passing(Cause),
    /// The server understood and said no; nothing was carried out.
    Refused(Cause),
    /// There is no such stream.
    NoStream,
    /// What it holds is not what was written.
    Damaged(StoreError),
}

/// An answer did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the server did not answer within {} ms", .0.as_millis())]
pub(super) struct TimedOut(pub Duration);

/// The client ran into something that only a new one gets out of.
#[derive(Debug, thiserror::Error)]
#[error("the client of the event store can not start: {0}")]
pub(super) struct NoClient(pub String);

/// The server knows these credentials not, or they may not do this.
#[derive(Debug, thiserror::Error)]
#[error(
    "the server denies access to stream {0}: see user and password in event_store.url, and what that user may do there"
)]
pub(super) struct Denied(String);

impl Failure {
    pub(super) fn passing(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Passing(Arc::new(cause))
    }

    /// Sorts what the client reports about `stream`.
    pub(super) fn of(error: Error, stream: &str) -> Self {
        match error {
            Error::ResourceNotFound => Self::NoStream,
            Error::ResourceDeleted => Self::Damaged(StoreError::Corrupt {
                place: format!("stream {stream}"),
                reason: "it was deleted on the server".to_owned(),
            }),
            Error::AccessDenied => Self::Refused(Arc::new(Denied(stream.to_owned()))),
            Error::UnsupportedFeature | Error::InternalParsingError(_) => {
                Self::Refused(Arc::new(error))
            }
            Error::Grpc { ref message, .. } if message.contains("Maximum Append Size") => {
                Self::Refused(Arc::new(error))
            }
            error => Self::passing(error),
        }
    }

    /// Whether the client that met it should be replaced. It follows a leader that is named to it; of
    /// a server that is gone, or that does not answer, it knows no other way than to ask it again.
    pub(super) fn is_lost(error: &Error) -> bool {
        !matches!(
            error,
            Error::NotLeaderException(_)
                | Error::ResourceNotFound
                | Error::ResourceDeleted
                | Error::AccessDenied
                | Error::UnsupportedFeature
                | Error::InternalParsingError(_)
                | Error::WrongExpectedVersion { .. }
                | Error::Grpc { .. }
        )
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(cause) => Self::Unavailable(cause),
            Failure::Refused(cause) => Self::Unavailable(Arc::new(Refused(cause))),
            Failure::NoStream => Self::Unavailable(Arc::new(Error::ResourceNotFound)),
            Failure::Damaged(error) => error,
        }
    }
}
