//! The sequencers of both streams, as the configuration says.

use std::sync::Arc;

use event_store::EventStore;
use ledger::{Policy, Stream};
use projections::{checkpoint_watch::CheckpointWatch, postgres::Pool};
use schemas::log::StreamName;

use super::error::SystemError;
use crate::{
    clock::Clock,
    config::Config,
    http::StateError,
    sequencer::{DEFAULT_CACHE_ENTRIES, Sequencer, Sequencers, Settings, Time, WriteDatabase},
};

pub(super) fn start(
    config: &Config,
    store: &Arc<dyn EventStore>,
    write: &Pool,
    checkpoints: &Arc<CheckpointWatch>,
    clock: &Clock,
) -> Result<Sequencers, SystemError> {
    let source = Arc::new(WriteDatabase::new(write.clone(), checkpoints.clone()));
    let time = Time::new(clock.clone());
    let is_alone = config.event_store_location()?.file().is_some() && !config.event_store.shared;
    let start = |stream, stream_name| {
        Sequencer::start(Settings {
            stream,
            stream_name,
            store: store.clone(),
            source: source.clone(),
            policy: policy(config),
            cache_entries: DEFAULT_CACHE_ENTRIES,
            time: time.clone(),
            is_alone,
        })
    };
    let name = |name: Result<_, _>| name.map_err(StateError::Domain);
    Ok(Sequencers {
        ledger: start(Stream::Ledger, name(StreamName::ledger(&config.domain))?),
        identity: start(
            Stream::Identity,
            name(StreamName::identity(&config.domain))?,
        ),
    })
}

fn policy(config: &Config) -> Policy {
    Policy {
        expiry_years: config.issuance.expiry_years,
        capacity_margin_percent: config.issuance.capacity_margin_percent,
    }
}
