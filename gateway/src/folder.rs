//! The gateway's folder: configuration, key, enrolment and buffer, for one process at a time.

use crate::{buffer, config, enrolment, signer};
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where it is unless somebody says.
pub const DEFAULT: &str = "gateway-data";
/// Permissions of the folder: its owner's alone.
pub const MODE: u32 = 0o700;
const LOCK: &str = "lock";
/// Whoever asks whether a gateway runs holds the lock for less.
const MOMENT: Duration = Duration::from_millis(200);
/// What tells a gateway's folder from others.
const FILES: [&str; 5] = [
    LOCK,
    config::FILE_NAME,
    enrolment::FILE_NAME,
    buffer::FILE_NAME,
    signer::FILE_NAME,
];

/// The folder can not be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It can not be made, or not be written to.
    #[error("{} can not be made the gateway's folder: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It holds something else, which others may see: closing it to them might break that.
    #[error(
        "{} holds other things than a gateway's; name a folder of its own with --dir",
        path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Another gateway works in it.
    #[error("{}: another gateway is running here; stop it first", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// The folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The lock is the system's, so it is gone with the process, however that ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, and holds it.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn hold(path: &Path) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io {
            path: path.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(MODE)
            .create(path)
            .map_err(io)?;
        // One that was there may have been anybody's to look into.
        let metadata = std::fs::metadata(path).map_err(io)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            if !is_ours(path).map_err(io)? {
                return Err(FolderError::NotOurs {
                    path: path.to_owned(),
                });
            }
            std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(io)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: locked(lock, path, MOMENT)?,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps a gateway from beginning to run in the folder at `path` until what is returned is dropped; `None` if none ever
/// ran there. Unlike [`Folder::hold`] it makes and changes nothing.
///
/// # Errors
/// [`FolderError::InUse`] if one runs there, [`FolderError::Io`] if that can not be told.
pub fn at_rest(path: &Path) -> Result<Option<File>, FolderError> {
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    match OpenOptions::new().write(true).open(path.join(LOCK)) {
        Ok(lock) => locked(lock, path, Duration::ZERO).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io(source)),
    }
}

fn locked(lock: File, path: &Path, patience: Duration) -> Result<File, FolderError> {
    let path = path.to_owned();
    let deadline = Instant::now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(FolderError::Io { path, source }),
        }
    }
}

/// Whether nothing is in the folder yet, or what a gateway has there.
fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(FILES.iter().any(|name| path.join(name).exists())
        || std::fs::read_dir(path)?.next().is_none())
}

/// Replaces the file at `path`, for its owner alone, so that a crash leaves the old one or the new one.
///
/// # Errors
/// When it can not be written, flushed or renamed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    // The rename itself is durable once the folder is.
    let folder = path.parent().filter(|one| !one.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_process_holds_the_folder_and_only_its_owner_sees_into_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let held = Folder::hold(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert!(matches!(
            Folder::hold(&path),
            Err(FolderError::InUse { .. })
        ));
        drop(held);
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Folder::hold(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn whether_a_gateway_runs_in_a_folder_is_seen_without_changing_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(at_rest(&dir.path().join("none")).unwrap().is_none());
        assert!(at_rest(dir.path()).unwrap().is_none());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let held = Folder::hold(dir.path()).unwrap();
        let seen = at_rest(dir.path());
        assert!(matches!(seen, Err(FolderError::InUse { .. })), "{seen:?}");
        drop(held);
        // None begins while it is kept at rest.
        let kept = at_rest(dir.path()).unwrap();
        assert!(matches!(
            Folder::hold(dir.path()),
            Err(FolderError::InUse { .. })
        ));
        drop(kept);
        Folder::hold(dir.path()).unwrap();
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        std::fs::write(path.join("letter.txt"), "dear").unwrap();
        let error = Folder::hold(path).unwrap_err().to_string();
        assert!(error.contains("a folder of its own"), "{error}");
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 1);
        // What somebody has prepared for a gateway is a gateway's.
        std::fs::write(path.join(config::FILE_NAME), "").unwrap();
        Folder::hold(path).unwrap();
    }

    #[test]
    fn a_place_where_no_folder_can_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().join("data");
        let error = Folder::hold(&path).unwrap_err().to_string();
        let shown = format!("{} can not be made the gateway's folder", path.display());
        assert!(error.starts_with(&shown), "{error}");
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.json");
        for text in ["a longer first one", "second"] {
            write_whole(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
