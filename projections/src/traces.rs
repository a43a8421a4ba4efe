//! Traces for a collector of OpenTelemetry, the settings `traces` of `registry` and `projector` alike: what became of one
//! request, from HTTP through the sequencer and the event store into both databases.
//!
//! No process tells another: a trace's id is the correlation id that every event carries, the id of a command's span is made
//! of the command's, and whether a trace is wanted follows from its id.

pub use opentelemetry::trace::SpanId;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use schemas::envelope::Envelope;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::SystemTime;
use uuid::Uuid;

/// Where spans go, and of how many requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Address of a collector that takes OTLP over HTTP, without `/v1/traces`: `http://localhost:4318`. Empty: no traces. What
    /// it asks for besides is in OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_HEADERS`.
    pub endpoint: String,
    /// Of how many requests in a thousand; their ids say of which, a client's own included. All processes of a registry need
    /// the same, or traces lack parts.
    pub per_mille: u16,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            per_mille: 1_000,
        }
    }
}

/// Spans can not be sent as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// More than all.
    #[error("`traces.per_mille` must be at most 1000")]
    PerMille,
    /// No address.
    #[error("`traces.endpoint`: {0}")]
    Endpoint(#[from] ExporterBuildError),
}

/// Of this process, once started: there is one, as there is one log.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

struct Recorder {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    per_mille: u16,
}

impl Traces {
    /// Whether spans can be sent to the endpoint, and its log shows no secret.
    #[must_use]
    pub fn is_endpoint_sound(&self) -> bool {
        let host = |rest: &str| !rest.is_empty() && !rest.contains(['@', '?', '#']);
        let schemes = ["http://", "https://"];
        self.endpoint.is_empty()
            || schemes
                .iter()
                .any(|scheme| self.endpoint.strip_prefix(scheme).is_some_and(host))
    }

    /// Starts sending spans of `service` for the whole process; does nothing without an endpoint. A collector that is away
    /// costs spans and nothing else. A second call changes nothing: the first one holds.
    ///
    /// # Errors
    /// [`TracesError`].
    pub fn start(&self, service: &'static str, domain: &str) -> Result<(), TracesError> {
        if self.per_mille > 1_000 {
            return Err(TracesError::PerMille);
        }
        if self.endpoint.is_empty() {
            return Ok(());
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", self.endpoint.trim_end_matches('/')))
            .build()?;
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.namespace", domain.to_owned()))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(&resource);
        let recorder = Recorder {
            processor,
            scope: InstrumentationScope::builder("gcr").build(),
            per_mille: self.per_mille,
        };
        if RECORDER.set(recorder).is_err() {
            tracing::debug!("traces go where they went");
        }
        Ok(())
    }
}

/// Sends what was recorded; before a process ends. Blocks for a few seconds at most where the collector is away.
pub fn flush() {
    if let Some(recorder) = RECORDER.get()
        && let Err(error) = recorder.processor.force_flush()
    {
        tracing::warn!(%error, "the last spans were not sent");
    }
}

/// Whether spans of this request or correlation id are wanted.
#[must_use]
pub fn are_wanted(correlation_id: Uuid) -> bool {
    RECORDER
        .get()
        .is_some_and(|recorder| is_among(correlation_id, recorder.per_mille))
}

/// Whether spans of any request are.
#[must_use]
pub fn are_on() -> bool {
    RECORDER.get().is_some()
}

/// The last 32 bits of a trace's id are random, by W3C Trace Context as in a UUIDv7 of ours; those before count in one.
fn is_among(id: Uuid, per_mille: u16) -> bool {
    let random = id.as_u64_pair().1 & u64::from(u32::MAX);
    (random * 1_000) >> 32 < u64::from(per_mille)
}

/// Something that was done, from when to when.
#[derive(Debug)]
pub struct Span {
    trace: Uuid,
    id: SpanId,
    parent: SpanId,
    is_of_other_process: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    attributes: Vec<KeyValue>,
    status: Status,
}

tokio::task_local! {
    /// The span of the request that is being answered, where its trace is wanted.
    pub static REQUEST: Option<SpanId>;
}

/// An id for a span of a request.
#[must_use]
pub fn new_id() -> SpanId {
    SpanId::from(Uuid::new_v4().as_u64_pair().1)
}

/// The span of the request that is being answered.
#[must_use]
pub fn request() -> Option<SpanId> {
    REQUEST.try_with(|id| *id).ok().flatten()
}

/// The id of a command's span, which others hang on.
fn named_by(command_id: Uuid) -> SpanId {
    SpanId::from(command_id.as_u64_pair().1)
}

impl Span {
    /// A request over HTTP, which hangs on the client's span if it named one.
    #[must_use]
    pub fn of_request(name: String, correlation_id: Uuid, id: SpanId, parent: Option<u64>) -> Self {
        Self {
            id,
            parent: SpanId::from(parent.unwrap_or_default()),
            is_of_other_process: parent.is_some(),
            kind: SpanKind::Server,
            ..Self::new(name, correlation_id)
        }
    }

    /// A command; hangs on its request, if there is one.
    #[must_use]
    pub fn of_command(
        name: &'static str,
        correlation_id: Uuid,
        command_id: Uuid,
        request: Option<SpanId>,
    ) -> Self {
        Self {
            id: named_by(command_id),
            parent: request.unwrap_or(SpanId::INVALID),
            ..Self::new(name, correlation_id)
        }
    }

    /// Part of a command.
    #[must_use]
    pub fn within(name: &'static str, correlation_id: Uuid, command_id: Uuid) -> Self {
        Self {
            parent: named_by(command_id),
            ..Self::new(name, correlation_id)
        }
    }

    /// What a projector made of the events of a command.
    #[must_use]
    pub fn of_projection(name: &'static str, envelope: &Envelope) -> Self {
        Self {
            kind: SpanKind::Consumer,
            is_of_other_process: true,
            ..Self::within(name, envelope.correlation_id, envelope.command_id)
        }
    }

    fn new(name: impl Into<Cow<'static, str>>, trace: Uuid) -> Self {
        Self {
            trace,
            id: new_id(),
            parent: SpanId::INVALID,
            is_of_other_process: false,
            kind: SpanKind::Internal,
            name: name.into(),
            attributes: Vec::new(),
            status: Status::Unset,
        }
    }

    /// With something to know of it.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// As something that failed.
    #[must_use]
    pub fn failed(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.status = Status::error(why);
        self
    }

    /// Records it, if its trace is wanted.
    pub fn record(self, began: SystemTime, ended: SystemTime) {
        let Some(recorder) = RECORDER.get() else {
            return;
        };
        if !is_among(self.trace, recorder.per_mille) {
            return;
        }
        recorder.processor.on_end(SpanData {
            span_context: SpanContext::new(
                TraceId::from(self.trace.as_u128()),
                self.id,
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: self.parent,
            parent_span_is_remote: self.is_of_other_process,
            span_kind: self.kind,
            name: self.name,
            start_time: began,
            end_time: ended,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: recorder.scope.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_none_or_about_as_many_traces_are_wanted_as_asked_for() {
        let ids: Vec<_> = (0..10_000).map(|_| Uuid::now_v7()).collect();
        let among = |per_mille| ids.iter().filter(|id| is_among(**id, per_mille)).count();
        assert_eq!((among(0), among(1_000)), (0, 10_000));
        let half = among(500);
        assert!((4_500..5_500).contains(&half), "{half}");
        // One trace is wanted wherever it is asked, and stays so if more are.
        assert!(
            ids.iter()
                .all(|id| !is_among(*id, 100) || is_among(*id, 101))
        );
    }

    #[test]
    fn more_than_all_is_refused_by_name() {
        let traces = Traces {
            per_mille: 1_001,
            ..Traces::default()
        };
        let error = traces
            .start("test", "gb")
            .map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("`traces.per_mille` must be at most 1000".to_owned())
        );
    }
}
