//! Processes by their id: alive, whose, children, signals.

use std::{fs, process::Command};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

pub(super) fn pid(raw: i32) -> Option<Pid> {
    Pid::from_raw(raw).filter(|_| raw > 0)
}

pub(super) fn is_alive(pid: Pid) -> bool {
    // "Not permitted" means that it exists.
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)) && !is_zombie(pid)
}

/// A child that ended and whose parent has not asked yet: gone for every purpose here.
fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    })
}

/// Sends `signal`; a process that is already gone is fine.
pub(super) fn send(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(pid = pid.as_raw_nonzero(), %error, "a signal was not delivered");
    }
}

/// The command line of a process, arguments separated by NUL (Linux) or blanks.
pub(super) fn command_line(pid: Pid) -> Option<String> {
    let raw = pid.as_raw_nonzero();
    if let Ok(line) = fs::read(format!("/proc/{raw}/cmdline")) {
        return Some(String::from_utf8_lossy(&line).into_owned());
    }
    let answer = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &raw.to_string()])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// Processes whose parent is `parent`.
pub(super) fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero().get();
    parents()
        .into_iter()
        .filter(|(_, its_parent)| *its_parent == parent)
        .filter_map(|(child, _)| pid(child))
        .collect()
}

/// Process and parent, for all processes.
fn parents() -> Vec<(i32, i32)> {
    let from_proc: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let child = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in parentheses may hold anything, blanks and parentheses included.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            Some((child, parent.parse().ok()?))
        })
        .collect();
    if !from_proc.is_empty() {
        return from_proc;
    }
    let Ok(answer) = Command::new("ps").args(["-axo", "pid=,ppid="]).output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&answer.stdout)
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}
