//! Processor time by program: what a figure would be on a machine that does nothing else.

use std::collections::HashMap;
use std::fs;

/// `utime` and the like in `/proc/<pid>/stat` are in hundredths of a second (`USER_HZ`, which is 100
/// on every architecture of today).
const TICK_US: u64 = 10_000;

/// The processes of ours that are measured. What else descends from this one is Postgres.
#[derive(Debug, Default)]
pub struct Ours {
    pub registries: Vec<u32>,
    /// Where they are processes of their own.
    pub projectors: Vec<u32>,
}

/// Microseconds of processor time used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    generator: u64,
    registry: u64,
    projectors: u64,
    postgres: u64,
}

struct Process {
    parent: u32,
    own: u64,
    /// Of children that have ended.
    ended: u64,
}

impl Ours {
    /// The processes of Postgres.
    pub fn postgres(&self) -> Vec<u32> {
        self.postgres_of(&processes())
    }

    fn postgres_of(&self, processes: &HashMap<u32, Process>) -> Vec<u32> {
        let generator = std::process::id();
        let is_started_here = |pid: u32| {
            let mut at = pid;
            while let Some(process) = processes.get(&at) {
                if process.parent == generator {
                    return true;
                }
                at = process.parent;
            }
            false
        };
        let ours = |pid: &u32| self.registries.contains(pid) || self.projectors.contains(pid);
        let all = processes.keys().copied();
        all.filter(|pid| !ours(pid) && is_started_here(*pid))
            .collect()
    }
}

impl Used {
    /// Zero where there is no `/proc`.
    pub fn now(ours: &Ours) -> Self {
        let processes = processes();
        let own = |pids: &[u32]| -> u64 {
            let found = pids.iter().filter_map(|pid| processes.get(pid));
            found.map(|process| process.own).sum()
        };
        let postgres = ours.postgres_of(&processes);
        let ended = postgres.iter().filter_map(|pid| processes.get(pid));
        Self {
            generator: own(&[std::process::id()]),
            registry: own(&ours.registries),
            projectors: own(&ours.projectors),
            postgres: own(&postgres) + ended.map(|process| process.ended).sum::<u64>(),
        }
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            generator: self.generator.saturating_sub(before.generator),
            registry: self.registry.saturating_sub(before.registry),
            projectors: self.projectors.saturating_sub(before.projectors),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            generator: self.generator + other.generator,
            registry: self.registry + other.registry,
            projectors: self.projectors + other.projectors,
            postgres: self.postgres + other.postgres,
        }
    }

    /// Microseconds that one of `count` took registry, projectors and Postgres.
    pub fn server_us(self, count: u64) -> f64 {
        (self.registry + self.projectors + self.postgres) as f64 / count.max(1) as f64
    }

    /// A sentence: the processor time that one of `count` took, by program.
    pub fn per(self, count: u64) -> String {
        let each = |micros: u64| micros as f64 / count.max(1) as f64;
        let projectors = match self.projectors {
            0 => String::new(),
            micros => format!("projectors {:.1} µs, ", each(micros)),
        };
        format!(
            "registry {:.1} µs, {projectors}Postgres {:.1} µs; the generator took {:.1} µs",
            each(self.registry),
            each(self.postgres),
            each(self.generator)
        )
    }
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let text = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The second field, a name in brackets, may hold anything.
            let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
            let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
            let process = Process {
                parent: fields.get(1)?.parse().ok()?,
                own: (number(11)? + number(12)?) * TICK_US,
                ended: (number(13)? + number(14)?) * TICK_US,
            };
            Some((pid, process))
        })
        .collect()
}
