//! The key printed on the gateway, as a file in its folder.

use super::session::{AppKey, NoKey};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the file in the gateway's folder.
pub const FILE_NAME: &str = "bluetooth.key";

/// The key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can not be read or made.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("{}: {source}", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
        #[source]
        source: NoKey,
    },
}

/// The key in `dir`, made if there is none yet; only the owner may read it.
///
/// # Errors
/// [`KeyFileError`].
pub fn open_or_create(dir: &Path) -> Result<AppKey, KeyFileError> {
    let path = dir.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => AppKey::parse(&text).map_err(|source| KeyFileError::NoKey { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = AppKey::from_random(rand::random());
            match create(&path, &key) {
                Ok(()) => Ok(key),
                Err(source) => Err(KeyFileError::Io { path, source }),
            }
        }
        Err(source) => Err(KeyFileError::Io { path, source }),
    }
}

fn create(path: &Path, key: &AppKey) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", key.printed())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = open_or_create(dir.path()).unwrap();
        assert_eq!(open_or_create(dir.path()).unwrap(), key);
        let file = dir.path().join(FILE_NAME);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::write(&file, "hunter2").unwrap();
        let error = open_or_create(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("bluetooth.key") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
