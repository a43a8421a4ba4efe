//! The folders that are written to.

use super::Finding;
use crate::config::Config;
use std::collections::BTreeSet;
use std::fs::{File, remove_file};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const ABOUT: &str = "disk";
/// Below that, a burst of readings or one rebuild may fill it.
const LOW_BYTES: u64 = 2 << 30;
/// Below that, it is a matter of minutes.
const NONE_BYTES: u64 = 256 << 20;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    folders(config).iter().map(|folder| look(folder)).collect()
}

/// Folders of the data, of a file of events, and of the keys.
pub fn folders(config: &Config) -> BTreeSet<PathBuf> {
    let mut files = Vec::new();
    if let Ok(location) = config.event_store_location() {
        files.extend(location.file().map(Path::to_owned));
    }
    files.extend(config.people_keys().map(|keys| keys.path));
    let mut folders = BTreeSet::from([config.data_dir.clone()]);
    folders.extend(
        files
            .iter()
            .filter_map(|file| file.parent())
            .map(Path::to_owned),
    );
    folders
}

fn look(folder: &Path) -> Finding {
    let place = folder.display();
    match probe(folder) {
        Err(error) => Finding::problem(
            ABOUT,
            format!("{place} can not be written to: {error}"),
            "make the folder, and give it to the user that the registry runs as",
        ),
        Ok(free) => grade(&place.to_string(), free),
    }
}

fn grade(place: &str, free: u64) -> Finding {
    let says = format!("{place} is written to; {} MiB are free", free >> 20);
    let advice = "make room or move the data: events are never deleted; with a full disk commands are refused";
    match free {
        ..NONE_BYTES => Finding::problem(ABOUT, says, advice),
        NONE_BYTES..LOW_BYTES => Finding::warning(ABOUT, says, advice),
        _ => Finding::well(ABOUT, says),
    }
}

/// Writes a little, durably; then how many bytes may be written.
fn probe(folder: &Path) -> io::Result<u64> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(b"written by `registry doctor`\n")?;
        file.sync_all()
    });
    let removed = remove_file(&path);
    written.and(removed)?;
    free(folder)
}

/// Bytes that may be written.
pub fn free(folder: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::doctor::Grade;

    #[test]
    fn little_room_is_a_warning_and_hardly_any_a_problem() {
        for (free, expected) in [
            (LOW_BYTES, Grade::Well),
            (LOW_BYTES - 1, Grade::Warning),
            (NONE_BYTES, Grade::Warning),
            (NONE_BYTES - 1, Grade::Problem),
            (0, Grade::Problem),
        ] {
            assert_eq!(grade("/x", free).grade, expected, "{free}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_problem_and_nothing_is_left_in_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let missing = look(&folder.path().join("none"));
        assert_eq!(missing.grade, Grade::Problem, "{missing}");
        assert!(missing.says.contains("none"), "{missing}");
        look(folder.path());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
