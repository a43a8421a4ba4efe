//! Programs of the system that make flushes fail and clocks go wrong and show connections, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where Debian, Fedora and Arch have it.
const LIBFAKETIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Whether one process may make the calls of another fail here, which is not its child.
pub fn can_trace() -> bool {
    let Ok(mut other) = Command::new("sleep").arg("1").spawn() else {
        return false;
    };
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=none"])
        .args(["-p", &other.id().to_string()])
        .output();
    // It is let go when the other ends.
    let ended = other.wait();
    ended.is_ok() && tried.is_ok_and(|tried| tried.status.success())
}

/// Who is connected to whom on this machine.
pub fn connections() -> String {
    let shown = Command::new("ss").args(["-tanp"]).output();
    shown.map_or_else(
        |error| format!("ss can not show them: {error}"),
        |shown| String::from_utf8_lossy(&shown.stdout).into_owned(),
    )
}

/// From now on each flush of a process fails, until this is dropped.
pub struct FailingFlushes(Child);

impl FailingFlushes {
    pub fn of(process: u32) -> Self {
        let child = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-e", "trace=fsync,fdatasync"])
            .args(["-e", "inject=fsync,fdatasync:error=EIO"])
            .args(["-p", &process.to_string()])
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for FailingFlushes {
    fn drop(&mut self) {
        // It ends by itself with the process that it looks at.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A clock of one process that can be set, in a file.
pub struct SetClock {
    library: &'static str,
    file: PathBuf,
}

impl SetClock {
    /// One that is right.
    pub fn in_the(folder: &Path, name: &str) -> Option<Self> {
        let library = LIBFAKETIME
            .into_iter()
            .find(|path| Path::new(path).exists())?;
        let file = folder.join(name);
        let clock = Self { library, file };
        clock.set(0);
        Some(clock)
    }

    /// Sets it off by so many seconds, within a second from now.
    pub fn set(&self, off_s: i64) {
        let unfinished = self.file.with_extension("unfinished");
        std::fs::write(&unfinished, format!("{off_s:+}\n")).unwrap();
        std::fs::rename(unfinished, &self.file).unwrap();
    }

    /// What a process is started with that goes by it. Time that only passes is left alone.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

impl Drop for SetClock {
    /// The library leaves something in memory of each process that was killed.
    fn drop(&mut self) {
        for left in std::fs::read_dir("/dev/shm")
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = left.file_name();
            let process = name.to_str().and_then(|name| {
                ["faketime_shm_", "sem.faketime_sem_"]
                    .iter()
                    .find_map(|prefix| name.strip_prefix(prefix))
            });
            if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                // Another test may be cleaning up too.
                let _ = std::fs::remove_file(left.path());
            }
        }
    }
}
