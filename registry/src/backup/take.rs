//! Taking a backup.

use super::cut::Cut;
use super::manifest::{Digest, KeyFiles, Keys, Manifest, digest};
use super::{BackupError, EVENTS, EXCHANGE, PEOPLE};
use crate::config::Config;
use chrono::Utc;
use event_store::copy::{Progress, copy_until};
use event_store::person::PersonKeys;
use event_store::{EventStore, KeyPlace, SqliteStore};
use schemas::log::StreamName;
use std::fs;
use std::path::{Path, PathBuf};

/// Takes a backup of the registry of this configuration into `folder`, whether or not the registry runs. One that was
/// taken there before is continued, which copies no more than what is new. The keys go to the folder `keys`.
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
    // What is sealed in the events is copied as it is.
    let source = config.event_store_location()?.open_read_only().await?;
    let place = config.people_keys()?;
    // Says so if the keys are not there, and destroys those of people whose erasure was broken off.
    place
        .seal(source.clone(), &StreamName::identity(&config.domain)?)
        .await?;
    let cut = Cut::now(source.as_ref(), &config.domain).await?;
    make_folder(folder)?;
    let path = folder.join(EVENTS);
    let target = blocking(move || Ok(SqliteStore::open(&path)?)).await?;
    let copied = copy_events(source.as_ref(), &target, &cut, &mut tell).await;
    target.close().await;
    source.close().await;
    copied?;
    // Behind the events: each of them was written after the key it is sealed with.
    let exchange = config.exchange.key_file(&config.data_dir);
    let keys = copy_keys(place, exchange, keys.to_owned()).await?;
    let manifest = Manifest::new(&config.domain, taken_at, &cut, keys);
    manifest.write(folder)?;
    Ok(manifest)
}

async fn copy_events(
    from: &dyn EventStore,
    to: &dyn EventStore,
    cut: &Cut,
    tell: &mut impl FnMut(&StreamName, Progress),
) -> Result<(), BackupError> {
    for (stream, head) in &cut.0 {
        copy_until(from, to, stream, head.position, |step| tell(stream, step)).await?;
    }
    Ok(())
}

/// Makes the folder, closed to others.
pub(super) fn make_folder(folder: &Path) -> Result<(), BackupError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(BackupError::file(folder))
}

/// Puts the keys as they are now into the folder, in the place of earlier ones.
async fn copy_keys(
    place: KeyPlace,
    exchange: PathBuf,
    folder: PathBuf,
) -> Result<KeyFiles, BackupError> {
    blocking(move || {
        make_folder(&folder)?;
        Ok(KeyFiles {
            people: copy_people(&place, &folder.join(PEOPLE))?,
            exchange: copy_exchange(&exchange, &folder.join(EXCHANGE))?,
        })
    })
    .await
}

fn copy_people(place: &KeyPlace, path: &Path) -> Result<Keys, BackupError> {
    let draft = draft_of(path);
    remove(&draft)?;
    let keys = PersonKeys::open(&place.path)?;
    keys.copy_to(&draft)?;
    let sha256 = digest(&draft)?;
    fs::rename(&draft, path).map_err(BackupError::file(path))?;
    Ok(Keys {
        id: keys.id(),
        sha256,
    })
}

/// None where there is none yet: it is made when a registry starts first.
fn copy_exchange(from: &Path, path: &Path) -> Result<Option<Digest>, BackupError> {
    if !from.exists() {
        remove(path)?;
        return Ok(None);
    }
    copy_file(from, path)?;
    digest(path).map(Some)
}

/// A copy with the same permissions, which takes its place once it is whole.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let draft = draft_of(to);
    fs::copy(from, &draft).map_err(BackupError::file(from))?;
    fs::rename(&draft, to).map_err(BackupError::file(to))
}

/// A file beside `path` that takes its place once it is whole.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    draft.into()
}

/// Removes what an attempt that was broken off may have left.
pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError::file(path)(error))
        }
        _ => Ok(()),
    }
}

/// Work on files, off the threads that answer requests.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| event_store::StoreError::Unavailable(std::sync::Arc::new(stopped)))?
}
