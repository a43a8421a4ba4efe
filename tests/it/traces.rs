//! One trace of a command, from HTTP into both databases, at a collector of OpenTelemetry.

use actix_web::web::{Bytes, Data, post};
use actix_web::{App, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use registry::config::Traces;
use serde_json::json;
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use tests::{World, eventually};

/// The first in a thousand, by its last digits.
const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_0000_0007;

type Spans = Arc<Mutex<Vec<Span>>>;

/// What a collector is sent, in OTLP over HTTP.
struct Collector {
    url: String,
    spans: Spans,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Spans::default();
        let data = Data::from(Arc::clone(&spans));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/v1/traces", post().to(take))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap();
        tokio::spawn(server.run());
        Self { url, spans }
    }

    /// The spans of a trace, by name, once there are so many.
    async fn trace(&self, id: u128, count: usize) -> HashMap<String, Span> {
        eventually("all spans are there", || async {
            let spans = self.spans.lock().unwrap();
            let of_trace = spans
                .iter()
                .filter(|span| span.trace_id == id.to_be_bytes());
            let found: HashMap<_, _> = of_trace
                .map(|span| (span.name.clone(), span.clone()))
                .collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }
}

async fn take(spans: Data<Mutex<Vec<Span>>>, body: Bytes) -> HttpResponse {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    spans
        .lock()
        .unwrap()
        .extend(scopes.flat_map(|scope| scope.spans));
    HttpResponse::Ok().finish()
}

fn attribute(span: &Span, key: &str) -> Any {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key);
    let found = found.unwrap_or_else(|| panic!("{} has no {key}", span.name));
    found.value.clone().unwrap().value.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_one_trace_from_the_clients_span_into_both_databases() {
    let world = World::start().await;
    let [bundle] = world.issue([100]).await;
    let collector = Collector::start();
    let traces = Traces {
        endpoint: collector.url.clone(),
        // Other tests of this process are left alone.
        per_mille: 1,
    };
    traces
        .start("registry", &world.registry.config.domain)
        .unwrap();

    let (trace, client) = (TRACE, 0xb7ad_6b71_6920_3331_u64);
    let parent = format!("00-{trace:032x}-{client:016x}-01");
    let traced = world.trader.with("traceparent", &parent);
    let body = json!({"source_id": world.s, "target_id": world.t, "granular_certificate_bundle_ids": [bundle]});
    let moved = traced.post("/certificate/transfer", body.clone()).await;
    let position = moved.ledger_position();
    moved.expect(202);
    let spans = collector.trace(trace, 6).await;

    // What hangs on what.
    let request = &spans["POST /certificate/transfer"];
    let command = &spans["transfer"];
    assert_eq!(request.parent_span_id, client.to_be_bytes());
    assert_eq!(command.parent_span_id, request.span_id);
    for part in ["decide", "append", "project to WRITE", "project to READ"] {
        assert_eq!(spans[part].parent_span_id, command.span_id, "{part}");
    }
    // What is told of them.
    assert_eq!(
        attribute(request, "http.response.status_code"),
        Any::IntValue(202)
    );
    for name in ["transfer", "project to WRITE", "project to READ"] {
        assert_eq!(
            attribute(&spans[name], "gcr.position"),
            Any::IntValue(position),
            "{name}"
        );
    }
    let outcome = attribute(command, "gcr.outcome");
    assert_eq!(outcome, Any::StringValue("accepted".into()));
    // One after the other, each within what asked for it.
    let order = ["decide", "append", "project to READ"].map(|name| &spans[name]);
    assert!(order.is_sorted_by_key(|span| span.start_time_unix_nano));
    assert!(request.start_time_unix_nano <= command.start_time_unix_nano);
    assert!(spans["append"].end_time_unix_nano <= command.end_time_unix_nano);
    assert!(command.end_time_unix_nano <= request.end_time_unix_nano);

    // A refusal ends with its code, and reaches no database.
    let refused = TRACE + 1;
    let parent = format!("00-{refused:032x}-{client:016x}-01");
    let traced = world.trader.with("traceparent", &parent);
    let again = traced.post("/certificate/transfer", body).await;
    assert_eq!(again.status, 404, "{again}");
    let spans = collector.trace(refused, 2).await;
    let refusal = attribute(&spans["transfer"], "gcr.refusal");
    assert!(matches!(refusal, Any::StringValue(code) if !code.is_empty()));
}
