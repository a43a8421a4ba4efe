//! Making a cluster's files.

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use projections::postgres::Secret;

use super::{
    binaries::Binaries,
    error::{ClusterError, while_doing},
    owner::Owner,
    tuning::Tuning,
};

/// The version that made `data_dir`, or `None` when there is no cluster in it.
pub(super) fn version(data_dir: &Path) -> Option<u32> {
    let text = fs::read_to_string(data_dir.join("PG_VERSION")).ok()?;
    text.trim().parse().ok()
}

/// Runs initdb for `data_dir`, with superuser `user`. It works beside the directory and renames at
/// the end, so that a cluster is there whole or not at all, whenever the process is killed.
pub(super) fn init(
    binaries: &Binaries,
    owner: &Owner,
    data_dir: &Path,
    user: &str,
    password: &Secret,
    tuning: Tuning,
) -> Result<(), ClusterError> {
    let doing = |what: &str, path: &Path| while_doing(format!("{} {what}", path.display()));
    let unfinished = data_dir.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(doing("can not be removed", &unfinished))?;
    }
    if data_dir.exists() {
        // Whole or not at all: files without a version are not ours, and stay.
        fs::remove_dir(data_dir).map_err(doing("holds other files", data_dir))?;
    }
    fs::create_dir(&unfinished).map_err(doing("can not be made", &unfinished))?;
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o700))
        .map_err(doing("can not be closed", &unfinished))?;
    owner.give(&unfinished)?;

    let password_file = data_dir.with_extension("password");
    write_private(&password_file, password.expose())
        .map_err(doing("can not be written", &password_file))?;
    owner.give(&password_file)?;
    let mut command = owner.command(&binaries.program("initdb"), &unfinished);
    command
        .args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"])
        .arg(format!("--username={user}"))
        .arg("--pwfile")
        .arg(&password_file)
        .arg("-D")
        .arg(&unfinished);
    if tuning == Tuning::Test {
        command.arg("--no-sync");
    }
    let outcome = command.output();
    fs::remove_file(&password_file).map_err(doing("can not be removed", &password_file))?;

    let outcome = outcome.map_err(doing("can not be run", &binaries.program("initdb")))?;
    if !outcome.status.success() {
        return Err(ClusterError::Init {
            dir: data_dir.to_owned(),
            output: String::from_utf8_lossy(&outcome.stderr).into_owned(),
        });
    }
    fs::rename(&unfinished, data_dir).map_err(doing("can not be renamed", &unfinished))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")
}
