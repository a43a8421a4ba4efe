//! Where a cluster's files can lie: a directory whose parents its user may enter.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    error::{ClusterError, while_doing},
    owner::Owner,
};

/// Where root's clusters go when they can not lie where they were wanted.
const ELSEWHERE: &str = "/var/lib/gcr-registry";

/// The directory for a cluster that is wanted at `wanted`: that one if `owner` can enter its parent
/// (root's checkout may lie below /root, which nobody else enters), else one under
/// `/var/lib/gcr-registry`, named after the hash of `wanted`, so that the same wish gives the same
/// place again. Creates the parent.
///
/// # Errors
/// [`ClusterError::Io`] when no place can be made.
pub fn place(wanted: &Path, owner: &Owner) -> Result<PathBuf, ClusterError> {
    let (parent, name) = match (wanted.parent(), wanted.file_name()) {
        (Some(parent), Some(name)) => (parent, name),
        _ => (wanted, "postgres".as_ref()),
    };
    let parent = made(parent)?;
    if owner.can_enter(&parent) {
        return Ok(parent.join(name));
    }
    let hash = Sha256::digest(parent.as_os_str().as_encoded_bytes());
    let folder = hex::encode(&hash[..8]);
    let mut last = parent;
    for base in [
        PathBuf::from(ELSEWHERE),
        env::temp_dir().join("gcr-registry"),
    ] {
        if made(&base).is_err() {
            continue;
        }
        last = made(&base.join(&folder))?;
        for dir in [&base, &last] {
            let open = fs::Permissions::from_mode(0o711);
            fs::set_permissions(dir, open)
                .map_err(while_doing(format!("{} can not be opened", dir.display())))?;
        }
        if owner.can_enter(&last) {
            return Ok(last.join(name));
        }
    }
    Err(ClusterError::Io {
        what: format!(
            "{} can not be entered by the user of Postgres",
            last.display()
        ),
        source: std::io::ErrorKind::PermissionDenied.into(),
    })
}

/// `dir`, created and without links or relative parts.
fn made(dir: &Path) -> Result<PathBuf, ClusterError> {
    fs::create_dir_all(dir)
        .and_then(|()| fs::canonicalize(dir))
        .map_err(while_doing(format!("{} can not be made", dir.display())))
}
