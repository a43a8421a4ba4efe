//! Whether requests can be answered, per dependency.

use crate::http::extract::state;
use crate::http::problem::Answer;
use crate::http::state::State;
use actix_web::{HttpRequest, HttpResponse, get};
use deadpool_postgres::Pool;
use ledger::Stream;
use projections::Target;
use projections::checkpoint::checkpoint;
use projections::schema::{LIVE, tables};
use schemas::log::Position;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether requests can be answered.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Whether they can.
    ready: bool,
    /// Whether this process is about to stop, and another is better asked.
    stopping: bool,
    /// The event store.
    event_store: Dependency,
    /// The WRITE database.
    write: Dependency,
    /// The READ database.
    read: Dependency,
}

/// One dependency.
#[derive(Serialize, ToSchema)]
pub struct Dependency {
    /// Whether it answered; a database, with tables of this release or a later one.
    ready: bool,
    /// Where the ledger stands there.
    #[schema(value_type = Option<i64>)]
    ledger_position: Option<Position>,
    /// Where the stream of users stands there.
    #[schema(value_type = Option<i64>)]
    identity_position: Option<Position>,
    /// Events of both streams that it has yet to take in.
    lag_events: Option<i64>,
}

impl Dependency {
    fn at(positions: Option<[Position; 2]>, head: Option<[Position; 2]>) -> Self {
        let lag = |[ledger, identity]: [Position; 2], head: [Position; 2]| {
            (head[0].0 - ledger.0).max(0) + (head[1].0 - identity.0).max(0)
        };
        Self {
            ready: positions.is_some(),
            ledger_position: positions.map(|[ledger, _]| ledger),
            identity_position: positions.map(|[_, identity]| identity),
            lag_events: positions.zip(head).map(|(at, head)| lag(at, head)),
        }
    }
}

/// Whether requests can be answered.
///
/// Event store, WRITE and READ are asked; 503 names which did not answer, or says that this process is about to stop.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_readyz",
    responses(
        (status = 200, description = "They can.", body = Readiness),
        (status = 503, description = "A dependency does not answer, or this process is about to stop.", body = Readiness),
    ),
    security(()),
)]
#[get("/readyz")]
pub async fn get_readyz(http: HttpRequest) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let (head, write, read) = tokio::join!(
        in_time(head(&state)),
        in_time(of_release(Target::Write, &state.write)),
        in_time(of_release(Target::Read, &state.read)),
    );
    let stopping = state.is_stopping();
    let answer = Readiness {
        ready: !stopping
            && !state.is_recalling()
            && head.is_some()
            && write.is_some()
            && read.is_some(),
        stopping,
        event_store: Dependency::at(head, head),
        write: Dependency::at(write, head),
        read: Dependency::at(read, head),
    };
    let mut response = if answer.ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    Ok(response.json(answer))
}

pub(super) async fn in_time<T>(work: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, work).await.ok().flatten()
}

/// Where both streams end.
pub(super) async fn head(state: &State) -> Option<[Position; 2]> {
    let ledger = state.store.head(&state.ledger_stream).await.ok()?;
    let identity = state.store.head(&state.identity_stream).await.ok()?;
    Some([ledger.position, identity.position])
}

/// Where a database stands in both, if its tables are such that this release can answer from them.
async fn of_release(target: Target, pool: &Pool) -> Option<[Position; 2]> {
    let client = pool.get().await.ok()?;
    let tables = tables(&client, target, LIVE).await.ok()?;
    drop(client);
    if tables.suffice(target) {
        positions(pool).await
    } else {
        None
    }
}

/// Where a database stands in both.
async fn positions(pool: &Pool) -> Option<[Position; 2]> {
    let client = pool.get().await.ok()?;
    let ledger = checkpoint(&client, Stream::Ledger).await.ok()?;
    let identity = checkpoint(&client, Stream::Identity).await.ok()?;
    Some([ledger.position, identity.position])
}
