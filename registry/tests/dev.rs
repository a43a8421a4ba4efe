//! `registry dev` as a person runs it: a process with a terminal's signals, a folder, and nothing else.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder with a blank in its name that the user of Postgres can enter. Ends servers that a failed
/// test leaves in it.
struct Folder(TempDir);

fn folder() -> Folder {
    let dir = tempfile::Builder::new()
        .prefix("gcr dev ")
        .tempdir()
        .unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    Folder(dir)
}

impl Folder {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for pid in postmasters(self.path()) {
            if is_alive(pid) {
                kill_process(pid, Signal::QUIT).unwrap();
            }
        }
    }
}

fn registry(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
    command.current_dir(dir).stdin(Stdio::null());
    for key in ["http.port", "database.write.port", "database.read.port"] {
        command.arg("--set").arg(format!("{key}=0"));
    }
    command
}

struct Dev {
    process: Child,
    output: BufReader<ChildStdout>,
    banner: String,
}

impl Dev {
    /// Returns when everything is up.
    fn start(dir: &Path) -> Self {
        let mut process = registry(dir)
            .arg("dev")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("Ctrl-C stops") {
            assert!(output.read_line(&mut banner).unwrap() > 0, "{banner}");
        }
        Self {
            process,
            output,
            banner,
        }
    }

    /// `127.0.0.1:8000`, from the banner.
    fn api(&self) -> &str {
        let (_, rest) = self.banner.split_once("http://").unwrap();
        rest.lines().next().unwrap()
    }

    fn signal(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
        self.process.wait().unwrap()
    }
}

impl Drop for Dev {
    /// A failed test leaves nothing running.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
        }
    }
}

/// The postmasters over the clusters of `dir`, from their own files.
fn postmasters(dir: &Path) -> Vec<Pid> {
    let pid_of = |name: &str| {
        let file = dir.join("data/postgres").join(name).join("postmaster.pid");
        let text = fs::read_to_string(file).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    };
    ["write", "read"].into_iter().filter_map(pid_of).collect()
}

fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    match stat {
        Ok(stat) => !stat
            .rsplit_once(')')
            .unwrap()
            .1
            .trim_start()
            .starts_with('Z'),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => rustix::process::test_kill_process(pid).is_ok(),
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn both_signals_stop_all_of_it_with_success_and_it_starts_again() {
    let dir = folder();
    for signal in [Signal::INT, Signal::TERM] {
        let mut dev = Dev::start(dir.path());
        let servers = postmasters(dir.path());
        assert_eq!(servers.len(), 2);
        assert!(dev.signal(signal).success());
        assert!(!servers.into_iter().any(is_alive));
    }
}

#[test]
fn after_kill_9_the_next_start_replaces_the_databases_left_behind() {
    let dir = folder();
    let mut killed = Dev::start(dir.path());
    let left_behind = postmasters(dir.path());
    killed.signal(Signal::KILL);
    assert!(left_behind.iter().all(|pid| is_alive(*pid)));
    let mut dev = Dev::start(dir.path());
    assert!(!left_behind.into_iter().any(is_alive));
    assert!(dev.signal(Signal::INT).success());
}

#[test]
fn a_database_that_is_killed_is_started_again() {
    let dir = folder();
    let mut dev = Dev::start(dir.path());
    let old = postmasters(dir.path());
    kill_process(old[0], Signal::KILL).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while postmasters(dir.path()).first() == old.first() || postmasters(dir.path()).len() < 2 {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(dev.signal(Signal::INT).success());
}

#[test]
fn a_second_one_on_the_same_data_is_refused_and_a_reset_too() {
    let dir = folder();
    let mut dev = Dev::start(dir.path());
    let pid = dev.process.id().to_string();
    for arguments in [&["dev"][..], &["dev", "--reset", "--yes"]] {
        let refused = registry(dir.path()).args(arguments).output().unwrap();
        assert!(!refused.status.success());
        assert!(text(&refused).contains(&pid), "{}", text(&refused));
    }
    // Also when the port would have stopped it first.
    let port = dev.api().rsplit(':').next().unwrap().to_owned();
    let refused = Command::new(env!("CARGO_BIN_EXE_registry"))
        .current_dir(dir.path())
        .args(["dev", "--set", &format!("http.port={port}")])
        .output()
        .unwrap();
    assert!(text(&refused).contains(&pid), "{}", text(&refused));
    assert!(dev.signal(Signal::INT).success());
}

#[test]
fn the_banner_says_where_everything_is_and_shows_no_secret() {
    let dir = folder();
    let mut dev = Dev::start(dir.path());
    for part in [
        "API",
        "/docs",
        "events.db",
        "WRITE database",
        "READ database",
    ] {
        assert!(dev.banner.contains(part), "{part}: {}", dev.banner);
    }
    let mut secrets: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir.path().join("data/secrets")).unwrap() {
        secrets.push(entry.unwrap().path());
    }
    let file = dir.path().join("data/dev.toml");
    let configuration = fs::read_to_string(&file).unwrap();
    assert!(dev.signal(Signal::INT).success());
    assert!(!file.exists());
    let mut rest = String::new();
    while dev.output.read_line(&mut rest).unwrap() > 0 {}
    for path in secrets {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        let secret = fs::read_to_string(&path).unwrap();
        for shown in [&dev.banner, &rest, &configuration] {
            assert!(!shown.contains(secret.trim()));
        }
    }
}

#[test]
fn reset_asks_first_and_deletes_only_what_is_its_own() {
    let dir = folder();
    let mut dev = Dev::start(dir.path());
    dev.signal(Signal::KILL);
    let data = dir.path().join("data");
    fs::write(data.join("thesis.txt"), "years of work").unwrap();

    let unanswered = registry(dir.path()).args(["dev", "--reset"]).output();
    let unanswered = unanswered.unwrap();
    assert!(!unanswered.status.success());
    assert!(text(&unanswered).contains("events.db") && data.join("events.db").exists());

    let servers = postmasters(dir.path());
    let reset = registry(dir.path())
        .args(["dev", "--reset", "--yes"])
        .output()
        .unwrap();
    assert!(reset.status.success(), "{}", text(&reset));
    assert!(!servers.into_iter().any(is_alive));
    let left: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["thesis.txt"]);
}

#[test]
fn a_user_is_registered_once_with_a_password_that_is_given_or_made_and_is_erased() {
    let dir = folder();
    let mut dev = Dev::start(dir.path());
    let create = |email: &str, input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
        command
            .current_dir(dir.path())
            .env("GCR_CONFIG", "data/dev.toml")
            .args([
                "user", "create", "--role", "admin", "--name", "Ada", "--email", email,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !input.is_empty() {
            command.arg("--password-stdin");
        }
        let mut process = command.spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        process.wait_with_output().unwrap()
    };
    let made = create("ada@example.org", "");
    assert!(made.status.success(), "{}", text(&made));
    assert!(text(&made).contains("Password, shown only now: "));
    let given = create("bob@example.org", "correct horse battery\n");
    assert!(given.status.success(), "{}", text(&given));
    assert!(!text(&given).contains("correct horse battery"));
    let again = create("ADA@example.org", "correct horse battery\n");
    assert!(!again.status.success());
    assert!(
        text(&again).contains("registered already"),
        "{}",
        text(&again)
    );
    let short = create("eve@example.org", "secret\n");
    assert!(!short.status.success());

    let erase = |id: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
        command
            .current_dir(dir.path())
            .env("GCR_CONFIG", "data/dev.toml")
            .args(["user", "erase", id]);
        command.output().unwrap()
    };
    let registered = text(&made);
    let (_, id) = registered.split_once("User ").unwrap();
    let id = id.split_whitespace().next().unwrap();
    let erased = erase(id);
    assert!(erased.status.success(), "{}", text(&erased));
    assert!(text(&erased).contains("is erased"), "{}", text(&erased));
    let nobody = erase("9999");
    assert!(!nobody.status.success());
    assert!(text(&nobody).contains("9999"), "{}", text(&nobody));
    let anew = create("ada@example.org", "correct horse battery\n");
    assert!(anew.status.success(), "{}", text(&anew));
    assert!(dev.signal(Signal::INT).success());
}

#[test]
fn serve_without_a_key_is_refused_and_says_which_setting() {
    let dir = folder();
    let refused = registry(dir.path()).arg("serve").output().unwrap();
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("auth.master_secret"),
        "{}",
        text(&refused)
    );
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let dir = folder();
    let refused = registry(dir.path())
        .args(["config", "--set", "http.prot=1"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("`http.prot`"), "{}", text(&refused));
}
