//! The event store.

use super::{Finding, clock, in_time};
use crate::clock::Clock;
use crate::config::Config;
use event_store::EventStore;
use ledger::Stream;
use schemas::envelope::Envelope;
use schemas::log::Position;
use std::sync::Arc;

const ABOUT: &str = "event store";

pub(super) async fn open(config: &Config) -> Result<Arc<dyn EventStore>, String> {
    in_time(async {
        let location = config
            .event_store_location()
            .map_err(|error| error.to_string())?;
        let opened = location.open_read_only().await;
        let store = opened.map_err(|error| format!("{location}: {error}"))?;
        // A server is only connected to when it is asked.
        heads(config, store.as_ref()).await?;
        Ok(store)
    })
    .await
}

async fn heads(config: &Config, store: &dyn EventStore) -> Result<Vec<(Stream, Position)>, String> {
    let mut heads = Vec::with_capacity(Stream::ALL.len());
    for stream in Stream::ALL {
        let name = stream
            .name(&config.domain)
            .map_err(|error| error.to_string())?;
        let head = store.head(&name).await.map_err(|error| error.to_string())?;
        heads.push((stream, head.position));
    }
    Ok(heads)
}

pub(super) async fn examine(
    config: &Config,
    store: &Result<Arc<dyn EventStore>, String>,
    clock: &Clock,
) -> Vec<Finding> {
    let store = match store {
        Ok(store) => store,
        Err(says) => {
            let advice = "see event_store.url; a new registry makes its store when it starts first";
            return vec![Finding::problem(ABOUT, says, advice)];
        }
    };
    let mut found = Vec::new();
    let ends = match in_time(heads(config, store.as_ref())).await {
        Ok(ends) => ends,
        Err(says) => return vec![Finding::problem(ABOUT, says, "")],
    };
    for (stream, end) in &ends {
        found.extend(last_event(config, store.as_ref(), *stream, *end, clock).await);
    }
    if ends.iter().all(|(_, end)| *end == Position::START) {
        let says = format!("it holds nothing of domain {}", config.domain);
        let advice = "a new registry begins with `registry user create --role admin`; otherwise see `domain`";
        found.push(Finding::warning(ABOUT, says, advice));
    } else if found.is_empty() {
        let ends = ends
            .iter()
            .map(|(stream, end)| format!("{} at {end}", stream.as_str()));
        found.push(Finding::well(ABOUT, ends.collect::<Vec<_>>().join(", ")));
    }
    found
}

/// Whether the last event of a stream can be read, and is not from the future.
async fn last_event(
    config: &Config,
    store: &dyn EventStore,
    stream: Stream,
    end: Position,
    clock: &Clock,
) -> Option<Finding> {
    if end == Position::START {
        return None;
    }
    let read = in_time(async {
        let name = stream
            .name(&config.domain)
            .map_err(|error| error.to_string())?;
        let read = store.read(&name, end.plus(-1), 1).await;
        let events = read.map_err(|error| error.to_string())?;
        let event = events.first().ok_or("its last event can not be read")?;
        serde_json::from_slice::<Envelope>(&event.metadata).map_err(|error| error.to_string())
    });
    match read.await {
        Ok(envelope) => clock::ahead(ABOUT, envelope.recorded_at, clock.now()),
        Err(says) => Some(Finding::problem(ABOUT, says, "")),
    }
}
