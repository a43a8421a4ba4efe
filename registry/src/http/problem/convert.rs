//! From the errors of the parts to problems.

use super::{EdgeCode, Problem};
use crate::identity::{ChoiceError, PasswordError};
use crate::read::ReadError;
use crate::sequencer::ExecuteError;
use ledger::Refusal;
use ledger::refusal::{self, Kind, Place};
use schemas::api::field::NotAnObject;
use schemas::api::problem::FieldError;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        if refusal.code.kind() == Kind::Internal {
            return Self::internal(&refusal);
        }
        Self {
            errors: refusal.errors.into_iter().map(field_error).collect(),
            ..Self::new(refusal.code, refusal.detail)
        }
    }
}

/// A field or row at fault, as the API writes it.
#[must_use]
pub fn field_error(error: refusal::FieldError) -> FieldError {
    let mut shown = FieldError {
        code: error.code.to_owned(),
        detail: error.detail,
        ..FieldError::default()
    };
    match error.place {
        Place::Pointer(pointer) => shown.pointer = Some(pointer),
        Place::Bundle(bundle_id) => shown.bundle_id = Some(bundle_id),
        Place::Cell { row, column } => {
            shown.row = Some(row);
            shown.column = Some(column.to_owned());
        }
    }
    shown
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Busy => Self::new(EdgeCode::Busy, error.to_string()),
            ExecuteError::Unavailable(cause) => {
                tracing::warn!(cause, "a command could not be decided");
                Self::new(
                    EdgeCode::Unavailable,
                    "the registry can not decide commands at the moment; whether this one was carried out, the same request \
                     under the same Idempotency-Key tells",
                )
            }
        }
    }
}

impl From<ChoiceError> for Problem {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::Weak(why) => Self::new(EdgeCode::PasswordWeak, why).at("/password"),
            ChoiceError::Breached => {
                Self::new(EdgeCode::PasswordBreached, error.to_string()).at("/password")
            }
            ChoiceError::List(error) => Self::internal(&error),
            ChoiceError::Failed(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(EdgeCode::Busy, error.to_string()),
            PasswordError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(cause) => {
                tracing::warn!(cause, "the READ database can not be used");
                Self::new(
                    EdgeCode::Unavailable,
                    "the registry can not look this up at the moment",
                )
            }
            ReadError::Defect(cause) => Self::internal(&cause),
        }
    }
}

impl From<NotAnObject> for Problem {
    fn from(error: NotAnObject) -> Self {
        Self::new(EdgeCode::MalformedBody, error.to_string())
    }
}
