//! A lock on a file, held as long as the value lives; the system gives it back when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// By one process.
    Alone,
    /// By all who want it so.
    WithOthers,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it in a way that does not go with this one.
    #[error("process {pid} has it")]
    Held {
        /// Who took it last.
        pid: String,
    },
    /// The file can not be made, read or locked.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// A lock that is held.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock on the file at `path`, which is made where there is none, and writes this process' id into it.
    ///
    /// # Errors
    /// [`LockError`], at once.
    pub fn take(path: &Path, hold: Hold) -> Result<Self, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let taken = match hold {
            Hold::Alone => file.try_lock(),
            Hold::WithOthers => file.try_lock_shared(),
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)?;
                let pid = pid.trim().to_owned();
                return Err(LockError::Held { pid });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_holds_a_lock_alone_or_several_hold_it_together() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let take = |hold| FileLock::take(&path, hold);
        let alone = take(Hold::Alone).unwrap();
        for hold in [Hold::Alone, Hold::WithOthers] {
            let refused = take(hold).unwrap_err().to_string();
            assert!(
                refused.contains(&std::process::id().to_string()),
                "{refused}"
            );
        }
        drop(alone);
        let together = [
            take(Hold::WithOthers).unwrap(),
            take(Hold::WithOthers).unwrap(),
        ];
        assert!(matches!(take(Hold::Alone), Err(LockError::Held { .. })));
        drop(together);
        assert!(take(Hold::Alone).is_ok());
    }
}
