//! How much the process says about itself.

use crate::config::change_level;
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use actix_web::{HttpResponse, post};
use schemas::api::problem::FieldError;
use schemas::api::value::{At, Given};
use schemas::api::{Fields, FromFields, FromValue};
use schemas::words;
use serde_json::json;
use utoipa::ToSchema;

words! {
    /// A level, by the contract's names.
    Level {
        Debug = "DEBUG", Info = "INFO", Warning = "WARNING", Error = "ERROR", Critical = "CRITICAL",
    }
}

impl Level {
    /// The same as a directive; there is nothing above errors here.
    const fn directive(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error | Self::Critical => "error",
        }
    }
}

impl FromValue for Level {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        schemas::api::value::word(given, at, errors)
    }
}

/// A level to log at.
#[derive(ToSchema)]
pub struct LogLevel {
    /// The level.
    level: Level,
}

impl FromFields for LogLevel {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            level: fields.required("level")?,
        })
    }
}

/// Change the log level of this process.
#[utoipa::path(
    tag = "Operation",
    operation_id = "change_log_level",
    request_body = LogLevel,
    responses(
        (status = 200, description = "The level as it is now.", body = Object),
        (status = 422, description = "request_invalid"),
    ),
)]
#[post("/change_log_level")]
pub async fn change_log_level(request: Write<may::Operate, LogLevel>) -> Answer<HttpResponse> {
    let level = request.body.level;
    change_level(level.directive()).map_err(|error| Problem::internal(&error))?;
    tracing::warn!(%level, user_id = request.caller.user_id.0, "the log level was changed");
    Ok(HttpResponse::Ok().json(json!({
        "message": format!("Log level changed to {level}"),
        "logger_status": {"registry": {"effective_level": level, "handlers": ["stderr"]}},
    })))
}
