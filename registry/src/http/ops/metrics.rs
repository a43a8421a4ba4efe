//! Metrics in the text format of Prometheus.

use super::ready::{in_time, positions};
use crate::http::extract::state;
use crate::http::problem::{Answer, Problem};
use actix_web::{HttpRequest, HttpResponse, get};
use deadpool_postgres::Pool;
use ledger::Stream;
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use schemas::log::Position;
use std::sync::OnceLock;

/// Upper bounds of the buckets of every duration, in seconds.
const BUCKETS_S: [f64; 12] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The recorder of this process: there is one per process, whatever runs in it.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording metrics; a second call changes nothing. `None` if something else records them.
pub fn prometheus() -> Option<&'static PrometheusHandle> {
    RECORDER
        .get_or_init(|| {
            let suffix = metrics_exporter_prometheus::Matcher::Suffix("_seconds".to_owned());
            PrometheusBuilder::new()
                .set_buckets_for_metric(suffix, &BUCKETS_S)
                .and_then(PrometheusBuilder::install_recorder)
                .map_err(|error| tracing::warn!(%error, "metrics are not recorded"))
                .ok()
        })
        .as_ref()
}

/// Get the metrics of the process.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_metrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")),
    security(()),
)]
#[get("/metrics")]
pub async fn get_metrics(http: HttpRequest) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let recorder = prometheus().ok_or_else(|| Problem::internal(&"metrics are not recorded"))?;
    pool_use("write", &state.write);
    pool_use("read", &state.read);
    let ends = in_time(super::ready::head(&state)).await;
    for (database, pool) in [("write", &state.write), ("read", &state.read)] {
        if let Some(at) = in_time(positions(pool)).await {
            progress(database, at, ends);
        }
    }
    recorder.run_upkeep();
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(recorder.render()))
}

/// How far a database has come, and how far it is behind.
fn progress(database: &'static str, at: [Position; 2], ends: Option<[Position; 2]>) {
    for (index, stream) in Stream::OF_STATE.into_iter().enumerate() {
        let labels = [("database", database), ("stream", stream.as_str())];
        gauge!("projection_position", &labels).set(decimal(at[index].0));
        if let Some(ends) = ends {
            gauge!("log_position", "stream" => stream.as_str()).set(decimal(ends[index].0));
            let behind = (ends[index].0 - at[index].0).max(0);
            gauge!("projection_lag_events", &labels).set(decimal(behind));
        }
    }
}

fn pool_use(database: &'static str, pool: &Pool) {
    let status = pool.status();
    for (what, count) in [
        ("open", status.size),
        ("idle", status.available),
        ("waited_for", status.waiting),
        ("most", status.max_size),
    ] {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        gauge!("postgres_connections", "database" => database, "state" => what).set(decimal(count));
    }
}

/// Gauges are doubles; what is shown here is far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn decimal(count: i64) -> f64 {
    count as f64
}
