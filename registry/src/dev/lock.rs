//! One development environment per data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::error::{DevError, while_doing};

/// Held as long as the value lives; the system gives it back when the process dies, however it dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// The name of the lock file in the data directory.
pub(super) const NAME: &str = "dev.lock";

impl Lock {
    /// # Errors
    /// [`DevError::Running`] with the process that holds it.
    pub fn take(data_dir: &Path) -> Result<Self, DevError> {
        let path = data_dir.join(NAME);
        let doing = || while_doing(format!("{} can not be locked", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(doing())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(doing())?;
                return Err(DevError::Running {
                    dir: data_dir.to_owned(),
                    pid: pid.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(doing()(error)),
        }
        file.set_len(0).map_err(doing())?;
        file.rewind().map_err(doing())?;
        writeln!(file, "{}", std::process::id()).map_err(doing())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_environment_on_the_same_directory_is_refused_with_the_process_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path()).unwrap();
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(held);
        assert!(Lock::take(dir.path()).is_ok());
    }
}
