//! Filling the schema that is built.

use super::Step;
use crate::chunk::Size;
use crate::replay::{Positions, Replay};
use crate::schema::{self, BUILD, OLD};
use crate::{Error, Target, indexes, lock};
use deadpool_postgres::ClientWrapper;
use event_store::EventStore;
use std::sync::Arc;

/// Takes the lock that one rebuild of a database holds.
pub(super) async fn alone(client: &ClientWrapper) -> Result<(), Error> {
    lock::be_noticed(client).await?;
    if lock::take(client, BUILD).await? {
        Ok(())
    } else {
        Err(Error::Rebuilding)
    }
}

/// Leaves a build schema to be filled: what an interrupted rebuild left, if this one would have made the
/// same of the same log, else a new one.
pub(super) async fn take_up_or_begin(
    client: &mut ClientWrapper,
    target: Target,
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> Result<(), Error> {
    let wanted = format!(
        "{domain} {target} {} {}",
        target.version(),
        schema::fingerprint(target)
    );
    if is_usable(client, target, store, domain, &wanted).await? {
        tracing::info!(%target, "taking up the rebuild that was interrupted");
        return Ok(());
    }
    client
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {BUILD} CASCADE"))
        .await?;
    client
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {OLD} CASCADE"))
        .await?;
    schema::migrate(client, target, BUILD).await?;
    indexes::defer(client, BUILD).await?;
    indexes::autovacuum(client, BUILD, false).await?;
    // Noted last: a schema without the note is not whole.
    client
        .batch_execute(&format!(
            "CREATE TABLE {BUILD}.rebuild AS SELECT '{wanted}' AS made_for"
        ))
        .await?;
    Ok(())
}

async fn is_usable(
    client: &ClientWrapper,
    target: Target,
    store: &Arc<dyn EventStore>,
    domain: &str,
    wanted: &str,
) -> Result<bool, Error> {
    let noted = format!("{BUILD}.rebuild");
    let row = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&noted])
        .await?;
    if !row.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let row = client
        .query_one(&format!("SELECT made_for FROM {noted}"), &[])
        .await?;
    if row.try_get::<_, &str>(0)? != wanted {
        return Ok(false);
    }
    let replay = Replay {
        client,
        target,
        store,
        domain,
        rows: super::CHUNK_ROWS,
    };
    for stream in replay.streams() {
        match replay.checked(stream).await {
            Ok(_) => {}
            // It was filled from another log.
            Err(Error::Store(
                event_store::StoreError::BehindCheckpoint { .. }
                | event_store::StoreError::Diverged { .. },
            )) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Applies what is in the log, and what comes meanwhile, until little is missing.
pub(super) async fn catch_up(
    replay: &Replay<'_>,
    applied: &mut Size,
    tell: &mut impl FnMut(Step),
) -> Result<(), Error> {
    /// Events that the swap, which holds up the live projector, may have left to apply.
    const FEW: i64 = 100;
    let mut at = Positions::default();
    for stream in replay.streams() {
        at.set(stream, replay.checked(stream).await?.position);
    }
    loop {
        let heads = replay.heads().await?;
        let missing = heads.events() - at.events();
        tell(Step::Events {
            done: at.events(),
            of: heads.events(),
            applied: *applied,
        });
        replay
            .until(heads, |stream, position, size| {
                at.set(stream, position);
                *applied += size;
                tell(Step::Events {
                    done: at.events(),
                    of: heads.events().max(at.events()),
                    applied: *applied,
                });
            })
            .await?;
        if missing <= FEW {
            return Ok(());
        }
    }
}
