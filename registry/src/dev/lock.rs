//! One development environment per data directory.

use std::path::Path;

use super::error::{DevError, while_doing};
use crate::lock::{FileLock, Hold, LockError};

/// The name of the lock file in the data directory.
pub(super) const NAME: &str = "dev.lock";

/// # Errors
/// [`DevError::Running`] with the process that holds it.
pub(super) fn take(data_dir: &Path) -> Result<FileLock, DevError> {
    let path = data_dir.join(NAME);
    FileLock::take(&path, Hold::Alone).map_err(|error| match error {
        LockError::Held { pid } => DevError::Running {
            dir: data_dir.to_owned(),
            pid,
        },
        LockError::File(error) => {
            while_doing(format!("{} can not be locked", path.display()))(error)
        }
    })
}
