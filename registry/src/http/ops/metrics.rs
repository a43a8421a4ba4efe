//! Metrics in the text format of Prometheus.

use super::ready::in_time;
use crate::doctor::disk;
use crate::http::extract::state;
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use actix_web::{HttpRequest, HttpResponse, get};
use deadpool_postgres::Pool;
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use projections::Target;
use projections::checkpoint::checkpoint;
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
    // What does not answer in time keeps its last figures.
    let (_, _, free) = tokio::join!(
        in_time(progress(&state, Target::Write, &state.write)),
        in_time(progress(&state, Target::Read, &state.read)),
        in_time(free_bytes(&state)),
    );
    if let Some(free) = free {
        gauge!("disk_free_bytes").set(decimal(free));
    }
    recorder.run_upkeep();
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(recorder.render()))
}

/// Records how far a database has come in each of its streams, and how far it is behind.
async fn progress(state: &State, target: Target, pool: &Pool) -> Option<()> {
    let client = pool.get().await.ok()?;
    for stream in target.streams() {
        let at = checkpoint(&client, *stream).await.ok()?.position.0;
        let labels = [("database", target.as_str()), ("stream", stream.as_str())];
        gauge!("projection_position", &labels).set(decimal(at));
        let name = stream.name(&state.domain).ok()?;
        if let Ok(end) = state.store.head(&name).await {
            let end = end.position.0;
            gauge!("log_position", "stream" => stream.as_str()).set(decimal(end));
            gauge!("projection_lag_events", &labels).set(decimal((end - at).max(0)));
        }
    }
    Some(())
}

/// Bytes that may be written where there is least room for data, events or keys.
async fn free_bytes(state: &State) -> Option<i64> {
    let folders = state.folders.clone();
    let looked = move || {
        folders
            .iter()
            .filter_map(|folder| disk::free(folder).ok())
            .min()
    };
    let least = tokio::task::spawn_blocking(looked).await.ok()??;
    i64::try_from(least).ok()
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

/// Gauges are doubles, which are exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn decimal(count: i64) -> f64 {
    count as f64
}
