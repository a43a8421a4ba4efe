//! The program as a person at the wall uses it: what it says, right and wrong.
#![allow(clippy::unwrap_used, missing_docs)]

use gateway::config::FILE_NAME;
use gateway::folder::Folder;
use gateway::profile::{self, Library, Profile, Protocol};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");
/// The data logger of `gateway simulate`.
const LOGGER: u32 = 2_712_345_678;

/// A simulated device; gone when dropped.
struct Simulated {
    child: Child,
    address: String,
}

impl Simulated {
    fn start(profile: &str, framing: &str, more: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["simulate", "--with-parent", "--profile", profile])
            .args(["--framing", framing])
            .args(more)
            .args(["--date", "2026-06-21", "--time", "12:00:00"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit_once(' ').unwrap().1.to_owned();
        Self { child, address }
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end: whether it succeeded, and what it said.
fn run(arguments: &[&str], dir: &Path) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    let told = command
        .args(arguments)
        .arg("--dir")
        .arg(dir)
        .env_remove("GATEWAY_DIR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [told.stdout, told.stderr].concat();
    (told.status.success(), String::from_utf8(said).unwrap())
}

/// How devices of a profile are reached: the simulator's framings, each with the form of an address.
fn wires(profile: &Profile) -> Vec<(&'static str, String)> {
    match (profile.protocol, profile.framing) {
        (Protocol::P1, _) => vec![
            ("p1-tcp", "p1://ADDRESS".to_owned()),
            ("p1-http", "http://ADDRESS/api/v1/telegram".to_owned()),
        ],
        (_, profile::Framing::Tcp) => vec![("tcp", "tcp://ADDRESS".to_owned())],
        (_, profile::Framing::Rtu | profile::Framing::RtuOverTcp) => {
            vec![("rtu-over-tcp", "rtu+tcp://ADDRESS".to_owned())]
        }
        (_, profile::Framing::Solarman) => {
            vec![("solarman", format!("solarman://ADDRESS?logger={LOGGER}"))]
        }
    }
}

#[test]
fn a_device_of_every_profile_is_tried_before_it_is_configured() {
    let library = Library::embedded().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for profile in library.iter() {
        for (framing, form) in wires(profile) {
            let device = Simulated::start(&profile.id, framing, &[]);
            let at = form.replace("ADDRESS", &device.address);
            let (done, said) = run(&["try", "--profile", &profile.id, "--at", &at], dir.path());
            assert!(done, "{at}: {said}");
            for expected in ["counter for certificates", "serial number", " Wh"] {
                assert!(said.contains(expected), "{at}: {said}");
            }
        }
    }
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is kept of a trial");
}

#[test]
fn a_simulated_device_ends_well_when_it_is_told_to() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut device = Simulated::start("huawei_sun2000_hybrid", "tcp", &[]);
        kill_process(Pid::from_child(&device.child), signal).unwrap();
        let status = device.child.wait().unwrap();
        assert!(status.success(), "{signal:?}: {status}");
    }
}

#[test]
fn a_device_that_does_not_hear_at_first_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("faults.toml");
    std::fs::write(&script, "[[fault]]\nkind = \"silent\"\nfor_s = 2\n").unwrap();
    let faults = ["--faults", script.to_str().unwrap()];
    let device = Simulated::start("sma", "tcp", &faults);
    let at = format!("tcp://{}", device.address);
    let (done, said) = run(&["try", "--profile", "sma", "--at", &at], dir.path());
    assert!(done && said.contains("counter for certificates"), "{said}");
}

#[test]
fn a_device_that_can_not_be_read_is_told_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (
            ["--profile", "sma", "--at", "tcp://127.0.0.1:1"],
            "Connection refused",
        ),
        (
            ["--profile", "smaa", "--at", "tcp://127.0.0.1:1"],
            "there is no profile `smaa`; there are deye",
        ),
        (
            ["--profile", "p1", "--at", "tcp://127.0.0.1:1"],
            "not read: ",
        ),
        (
            ["--profile", "sma", "--at", "127.0.0.1:502"],
            "is not one of tcp://HOST",
        ),
    ] {
        let (done, said) = run(&[&["try"][..], &arguments].concat(), dir.path());
        assert!(!done && said.contains(expected), "{arguments:?}: {said}");
    }
    let (done, said) = run(&["try"], dir.path());
    assert!(
        !done && said.contains("name one with --profile and --at"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_an_enrolment_is_said_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let gateway = dir.path().join("gateway");
    let code = "3JQWG-NZG2M-GS0Y0-T27NR";
    for (arguments, dir, expected) in [
        (
            &["--registry", "registry.example", "--code", code][..],
            &gateway,
            "must be an http or https URL, such as https://registry.example",
        ),
        (&["--code", code], &gateway, "give --registry URL"),
        (
            &["--registry", "http://127.0.0.1:1", "--code", " "],
            &gateway,
            "the code is empty",
        ),
        (
            &["--registry", "http://127.0.0.1:1", "--code", code],
            &gateway,
            "the gateway has not enrolled at http://127.0.0.1:1/: the registry can not be reached: ",
        ),
        (
            &["--registry", "http://127.0.0.1:1", "--code", code],
            &file,
            "file can not be made the gateway's folder: ",
        ),
    ] {
        let (done, said) = run(&[&["enrol"][..], arguments].concat(), dir);
        assert!(!done && said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains(code), "{said}");
        let once = said.matches("os error").count() <= 1;
        assert!(once, "{said}");
    }
}

#[test]
fn a_folder_that_is_misspelt_is_told_and_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let misspelt = dir.path().join("gatewya");
    for command in ["status", "rotate-key"] {
        let (done, said) = run(&[command], &misspelt);
        assert!(!done && said.contains("gatewya"), "{said}");
    }
    assert!(!misspelt.exists());
}

/// Answers each request with `answer` for as long as the tests run.
fn something_answers(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = BufReader::new(caller.unwrap());
            let mut line = String::new();
            while caller.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            caller.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_device_is_not_read_beside_a_gateway_that_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let device = TcpListener::bind("127.0.0.1:0").unwrap();
    device.set_nonblocking(true).unwrap();
    let at = format!("tcp://{}", device.local_addr().unwrap());
    let refuses = "127.0.0.1:1".to_owned();
    let other = something_answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    for (listen, expected) in [
        (refuses, "a gateway is running here, and does not answer"),
        (other, "is another program or release"),
    ] {
        let text = format!("api.listen = \"{listen}\"\n");
        std::fs::write(dir.path().join(FILE_NAME), text).unwrap();
        let running = Folder::hold(dir.path()).unwrap();
        let (done, said) = run(&["try", "--profile", "sma", "--at", &at], dir.path());
        assert!(!done && said.contains(expected), "{said}");
        drop(running);
    }
    let asked = device.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "the device was asked");
}

#[test]
fn a_gateway_that_runs_is_not_said_to_be_at_rest_whatever_answers_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let answers = [
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "503",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"version\": \"9.9\"}",
            "is another program or release",
        ),
    ];
    for (answer, expected) in answers {
        let text = format!("api.listen = \"{}\"\n", something_answers(answer));
        std::fs::write(dir.path().join(FILE_NAME), text).unwrap();
        let running = Folder::hold(dir.path()).unwrap();
        let (done, said) = run(&["status"], dir.path());
        assert!(!done && said.contains(expected), "{said}");
        assert!(!said.contains("not running"), "{said}");
        drop(running);
        // Whoever answers there is not this folder's.
        let (done, said) = run(&["status"], dir.path());
        assert!(done && said.contains("not running"), "{said}");
    }
}
