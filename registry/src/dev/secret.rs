//! Secrets that this environment makes for itself and keeps, readable by its user only.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use projections::postgres::Secret;

use super::error::{DevError, while_doing};

/// Bytes of randomness of a made secret: those of the hash that tokens are signed with.
const BYTES: usize = 32;

/// `given` if there is one, else the secret in `path`, else a new one. It is in `path` afterwards,
/// with mode 0600.
pub(crate) fn keep(path: &Path, given: &Secret) -> Result<Secret, DevError> {
    let doing = || while_doing(format!("{} can not be kept", path.display()));
    let kept = match fs::read_to_string(path) {
        Ok(text) => Secret::new(text.trim_end()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Secret::default(),
        Err(error) => return Err(doing()(error)),
    };
    let secret = match (given.is_empty(), kept.is_empty()) {
        (true, false) => return Ok(kept),
        (false, _) if *given == kept => return Ok(kept),
        (false, _) => given.clone(),
        (true, true) => return make(path).map_err(doing()),
    };
    write_private(path, &format!("{}\n", secret.expose())).map_err(doing())?;
    Ok(secret)
}

/// A new secret in `path`, or the one that another process put there meanwhile.
fn make(path: &Path) -> std::io::Result<Secret> {
    let made = Secret::new(hex::encode(rand::random::<[u8; BYTES]>()));
    let text = format!("{}\n", made.expose());
    let own = path.with_extension(format!("{:016x}.unfinished", rand::random::<u64>()));
    write_new(&own, &text)?;
    // Of those who link at once, one wins.
    let linked = fs::hard_link(&own, path);
    fs::remove_file(&own)?;
    match linked {
        Ok(()) => Ok(made),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let kept = fs::read_to_string(path)?;
            if kept.trim_end().is_empty() {
                write_private(path, &text)?;
                return Ok(made);
            }
            Ok(Secret::new(kept.trim_end()))
        }
        Err(error) => Err(error),
    }
}

/// Replaces `path` by a file of mode 0600 that holds `text`, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(&unfinished, text)?;
    fs::rename(&unfinished, path)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_readable_by_its_user_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt");
        let made = keep(&path, &Secret::default()).unwrap();
        assert_eq!(made.expose().len(), 2 * BYTES);
        assert_eq!(keep(&path, &Secret::default()).unwrap(), made);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn of_those_who_make_a_secret_at_once_all_get_the_one_that_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = dir.path().join(format!("secret-{round}"));
            let made: Vec<_> = std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| keep(&path, &Secret::default()).unwrap()))
                    .collect();
                makers
                    .into_iter()
                    .map(|maker| maker.join().unwrap())
                    .collect()
            });
            let kept = keep(&path, &Secret::default()).unwrap();
            assert!(made.iter().all(|made| *made == kept));
        }
    }

    #[test]
    fn a_given_secret_wins_and_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt");
        keep(&path, &Secret::default()).unwrap();
        let given = Secret::new("given");
        assert_eq!(keep(&path, &given).unwrap(), given);
        assert_eq!(keep(&path, &Secret::default()).unwrap(), given);
    }
}
