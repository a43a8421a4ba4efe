//! A disk that can be filled: a file system in memory of a few MiB.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What fills it.
const BALLAST: &str = "ballast";
/// Bytes of the smallest piece of a file.
const PAGE: usize = 4_096;
const MIB: usize = 1 << 20;

/// A file system of its own, gone when this is dropped.
pub struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// Mounts one. None where that is neither allowed nor to be had by `sudo` without being asked, as in most
    /// containers.
    pub fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::Builder::new()
            .prefix("gcr-disk-")
            .tempdir()
            .unwrap();
        let size = format!("size={mib}m,mode=0777");
        let arguments = ["mount", "-t", "tmpfs", "-o", &size, "tmpfs"];
        let mounted = run(&arguments, dir.path()).or_else(|_| {
            let sudo: Vec<_> = ["sudo", "-n"].into_iter().chain(arguments).collect();
            run(&sudo, dir.path())
        });
        match mounted {
            Ok(()) => Some(Self { dir }),
            Err(error) => {
                eprintln!("no file system can be mounted here: {error}");
                None
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Leaves no room for anything.
    pub fn fill(&self) {
        for piece in [MIB, PAGE] {
            while !self.is_full_for(piece) {}
        }
    }

    /// Whether there is no room for a page; if there was, it is taken now.
    pub fn is_full(&self) -> bool {
        self.is_full_for(PAGE)
    }

    fn is_full_for(&self, bytes: usize) -> bool {
        let mut options = OpenOptions::new();
        let path = self.path().join(BALLAST);
        let mut ballast: File = options.append(true).create(true).open(path).unwrap();
        match ballast.write_all(&vec![0; bytes]) {
            Ok(()) => false,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
                true
            }
        }
    }

    /// Makes room again.
    pub fn free(&self) {
        std::fs::remove_file(self.path().join(BALLAST)).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since somebody may have a file open yet; what can not be undone stays until the machine restarts.
        let arguments = ["umount", "--lazy"];
        let _ = run(&arguments, self.path())
            .or_else(|_| run(&["sudo", "-n", "umount", "--lazy"], self.path()));
    }
}

fn run(arguments: &[&str], at: &Path) -> Result<(), String> {
    let mut command = Command::new(arguments[0]);
    let output = command.args(&arguments[1..]).arg(at).output();
    let output = output.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(said)
}
