//! Processor time by program: what a figure would be on a machine that does nothing else.

use std::collections::HashMap;
use std::fs;

/// `utime` and the like in `/proc/<pid>/stat` are in hundredths of a second (`USER_HZ`, which is 100
/// on every architecture of today).
const TICK_US: u64 = 10_000;

/// Microseconds of processor time used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    generator: u64,
    registry: u64,
    postgres: u64,
}

struct Process {
    parent: u32,
    own: u64,
    /// Of children that have ended.
    ended: u64,
}

impl Used {
    /// By this process, by the registry, and by what the registry started. Zero where there is no
    /// `/proc`.
    pub fn now(registry: u32) -> Self {
        let processes = processes();
        let is_descendant = |pid: u32| {
            let mut at = pid;
            while let Some(process) = processes.get(&at) {
                if process.parent == registry {
                    return true;
                }
                at = process.parent;
            }
            false
        };
        let own = |pid| processes.get(&pid).map_or(0, |process| process.own);
        let started = processes.iter().filter(|(pid, _)| is_descendant(**pid));
        Self {
            generator: own(std::process::id()),
            registry: own(registry),
            postgres: started
                .map(|(_, process)| process.own + process.ended)
                .sum(),
        }
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            generator: self.generator.saturating_sub(before.generator),
            registry: self.registry.saturating_sub(before.registry),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            generator: self.generator + other.generator,
            registry: self.registry + other.registry,
            postgres: self.postgres + other.postgres,
        }
    }

    /// Microseconds that one of `count` took the registry and Postgres.
    pub fn server_us(self, count: u64) -> f64 {
        (self.registry + self.postgres) as f64 / count.max(1) as f64
    }

    /// A sentence: the processor time that one of `count` took, by program.
    pub fn per(self, count: u64) -> String {
        let each = |micros: u64| micros as f64 / count.max(1) as f64;
        format!(
            "registry {:.1} µs, Postgres {:.1} µs; the generator took {:.1} µs",
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
