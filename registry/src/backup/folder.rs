//! Files and folders of a backup.

use super::BackupError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Held while a backup is taken into a folder. The lock is the system's, so it is gone with the process.
const LOCK: &str = ".lock";

/// Makes the folder if there is none, and keeps other backups out of it until what is returned is dropped.
pub(super) fn hold(folder: &Path) -> Result<File, BackupError> {
    make_folder(folder)?;
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let lock = options.open(&path).map_err(BackupError::file(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(BackupError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(BackupError::file(path)(error)),
    }
}

/// A folder of our own, in which nothing is left.
pub(super) struct Scratch {
    folder: PathBuf,
    _held: File,
}

impl Scratch {
    /// Removes what somebody who was stopped has left in it.
    pub fn hold(folder: &Path) -> Result<Self, BackupError> {
        let held = hold(folder)?;
        clear(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            _held: held,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = clear(&self.folder) {
            tracing::warn!(%error, "what a backup or a restore worked with is left behind");
        }
    }
}

/// Removes all files of a folder but its lock.
fn clear(folder: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(folder).map_err(BackupError::file(folder))? {
        let path = entry.map_err(BackupError::file(folder))?.path();
        if !path.ends_with(LOCK) {
            remove(&path)?;
        }
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

/// The folder that a file is in.
pub(super) fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|one| !one.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether two paths lead to the same file or folder.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Whether there is something at `path`. What can not be looked at is an error, and not taken to be gone.
pub(super) fn is_there(path: &Path) -> Result<bool, BackupError> {
    path.try_exists().map_err(BackupError::file(path))
}

/// A file beside `path` that takes its place once it is whole.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    draft.into()
}

/// Copies a file with its permissions to where nothing is, or what an attempt that was broken off has left.
pub(super) fn copy_draft(from: &Path, draft: &Path) -> Result<(), BackupError> {
    remove(draft)?;
    // SQLite would play a journal that is left beside it back into the copy.
    let mut journal = draft.as_os_str().to_owned();
    journal.push("-journal");
    remove(Path::new(&journal))?;
    fs::copy(from, draft).map_err(BackupError::file(from))?;
    sync(draft)
}

/// Gives a file its name, which is durable then.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::rename(from, to).map_err(BackupError::file(to))?;
    sync(folder_of(to))
}

/// Makes what is in a file, or which files are in a folder, durable.
pub(super) fn sync(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(BackupError::file(path))
}

/// Removes a file, if there is one.
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
