//! Taking a backup.

use super::cut::Cut;
use super::folder::{blocking, folder_of, hold, same};
use super::keys::{copy_keys, remove_others};
use super::manifest::{KeyFiles, Manifest};
use super::{BackupError, EVENTS};
use crate::config::Config;
use chrono::Utc;
use event_store::copy::{Progress, copy_until};
use event_store::{EventStore, KeyPlace, SqliteStore};
use schemas::log::StreamName;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Takes a backup of the registry of this configuration into `folder`, whether or not the registry runs. One that was
/// taken there before is continued, which copies no more than what is new. The keys go to the folder `keys`, the same
/// or one that is for this backup alone: others' keys in it are removed.
///
/// Everything that was acknowledged before this is called is in it.
///
/// # Errors
/// [`BackupError`]. An earlier backup in the folder stays what it was.
pub async fn take(
    config: &Config,
    folder: &Path,
    keys: &Path,
    mut tell: impl FnMut(&StreamName, Progress),
) -> Result<Manifest, BackupError> {
    let taken_at = Utc::now();
    refuse_own_folders(config, [folder, keys])?;
    let Source {
        store: source,
        place,
        exchange,
    } = Source::open(config).await?;
    let _held = hold_both(folder, keys)?;
    let cut = Cut::now(source.as_ref(), &config.domain).await?;
    let path = folder.join(EVENTS);
    let target = blocking(move || Ok(SqliteStore::open(&path)?)).await?;
    let copied = copy_events(source.as_ref(), &target, &cut, &mut tell).await;
    target.close().await;
    source.close().await;
    copied?;
    // Behind the events: each of them was written after the key it is sealed with.
    let files = keys_to(place, exchange, keys.to_owned()).await?;
    let manifest = Manifest::new(&config.domain, taken_at, &cut, files);
    manifest.write(folder)?;
    remove_others(keys, &manifest.keys())?;
    Ok(manifest)
}

/// What a backup is taken from.
pub(super) struct Source {
    /// What is sealed in the events is read as it is.
    pub store: Arc<dyn EventStore>,
    /// Where the keys of people are.
    pub place: KeyPlace,
    /// Where the key that signs exports is, if there is one.
    pub exchange: PathBuf,
}

impl Source {
    pub async fn open(config: &Config) -> Result<Self, BackupError> {
        let place = config.people_keys()?;
        let store = config.event_store_location()?.open_read_only().await?;
        // Says so if the keys are not there, and destroys those of people whose erasure was broken off.
        place
            .seal(store.clone(), &StreamName::identity(&config.domain)?)
            .await?;
        Ok(Self {
            store,
            place,
            exchange: config.exchange.key_file(&config.data_dir),
        })
    }
}

/// Where the registry has its own files they would be replaced, or taken for those of a backup.
fn refuse_own_folders(config: &Config, folders: [&Path; 2]) -> Result<(), BackupError> {
    let location = config.event_store_location()?;
    let place = config.people_keys()?;
    let exchange = config.exchange.key_file(&config.data_dir);
    let own = location
        .file()
        .into_iter()
        .chain([&*place.path, &*exchange]);
    for file in own {
        if let Some(folder) = folders.into_iter().find(|one| same(one, folder_of(file))) {
            return Err(BackupError::Itself(folder.to_owned()));
        }
    }
    Ok(())
}

fn hold_both(folder: &Path, keys: &Path) -> Result<Vec<File>, BackupError> {
    let held = hold(folder)?;
    // Held once only, by whatever name.
    if same(folder, keys) {
        return Ok(vec![held]);
    }
    Ok(vec![held, hold(keys)?])
}

async fn copy_events(
    from: &dyn EventStore,
    to: &SqliteStore,
    cut: &Cut,
    tell: &mut impl FnMut(&StreamName, Progress),
) -> Result<(), BackupError> {
    for (stream, head) in &cut.0 {
        // All of it was read as it was opened.
        let proved = to.head(stream).await?;
        let told = |step| tell(stream, step);
        copy_until(from, to, stream, head.position, proved, told).await?;
    }
    Ok(())
}

async fn keys_to(
    place: KeyPlace,
    exchange: PathBuf,
    folder: PathBuf,
) -> Result<KeyFiles, BackupError> {
    blocking(move || copy_keys(&place, &exchange, &folder)).await
}
