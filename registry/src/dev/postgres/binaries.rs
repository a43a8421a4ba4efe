//! Finding an installed Postgres.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{error::ClusterError, owner::Owner};

/// Folders that hold one folder per version, and what lies between that and the programs.
const INSTALLATIONS: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr/local", "pgsql", "bin"),
];

/// The programs of one Postgres installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    /// As in the file PG_VERSION: `15`.
    pub major: u32,
}

impl Binaries {
    /// The installation of version `wanted` if one is given and found, else the first in PATH, else
    /// the newest in the usual folders. Each is tried as `owner`, who has to run it.
    pub fn find(owner: &Owner, wanted: Option<u32>) -> Result<Self, ClusterError> {
        Self::find_in(&env::var_os("PATH").unwrap_or_default(), owner, wanted)
    }

    pub(super) fn find_in(
        path: &OsStr,
        owner: &Owner,
        wanted: Option<u32>,
    ) -> Result<Self, ClusterError> {
        let mut found: Vec<Self> = env::split_paths(path)
            .filter_map(|dir| Self::in_dir(&dir, owner))
            .collect();
        let mut elsewhere: Vec<Self> = usual_folders()
            .iter()
            .filter_map(|dir| Self::in_dir(dir, owner))
            .collect();
        elsewhere.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        found.append(&mut elsewhere);
        found
            .iter()
            .find(|binaries| Some(binaries.major) == wanted)
            .or(found.first())
            .cloned()
            .ok_or(ClusterError::NotInstalled)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether the server would start over `data_dir` with this setting, `name=value`.
    pub(super) fn takes(&self, owner: &Owner, data_dir: &Path, setting: &str) -> bool {
        let (name, _) = setting.split_once('=').unwrap_or((setting, ""));
        let mut command = owner.command(&self.program("postgres"), data_dir);
        command
            .arg("-D")
            .arg(data_dir)
            .args(["-c", setting, "-C", name]);
        command.output().is_ok_and(|answer| answer.status.success())
    }

    fn in_dir(dir: &Path, owner: &Owner) -> Option<Self> {
        // A link in PATH leads to the real folder, which is where Postgres looks for its library.
        let dir = fs::canonicalize(dir.join("postgres"))
            .ok()?
            .parent()?
            .to_owned();
        if !dir.join("initdb").exists() {
            return None;
        }
        let answer = owner
            .command(&dir.join("postgres"), Path::new("/"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_of(&String::from_utf8_lossy(&answer.stdout))?;
        Some(Self { dir, major })
    }
}

/// `15` of `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, programs) in INSTALLATIONS {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                folders.push(entry.path().join(programs));
            }
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("command not found"), None);
    }

    #[test]
    fn postgres_is_found_without_path() {
        let owner = Owner::of_this_process().unwrap();
        let binaries = Binaries::find_in(OsStr::new(""), &owner, None).unwrap();
        assert!(binaries.program("initdb").exists());
    }

    #[test]
    fn a_version_that_is_not_there_gives_another_one() {
        let owner = Owner::of_this_process().unwrap();
        assert!(Binaries::find(&owner, Some(7)).unwrap().major > 7);
    }
}
