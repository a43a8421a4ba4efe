//! What the figures were measured on.

use crate::row::{Bench, fsync};
use anyhow::Result;
use std::fs;

/// Lines that describe the machine.
pub async fn facts(bench: &Bench) -> Result<Vec<String>> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or_else(
            || "unknown".into(),
            |kib| format!("{} GiB", (kib + (1 << 19)) >> 20),
        );
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let postgres = bench.databases.server_version().await?;
    let flushes = fsync::rate(&bench.options.folder)?;
    Ok(vec![
        format!("{cores} cores ({model}), {memory} of memory"),
        format!("{} {}", std::env::consts::OS, kernel.trim()),
        format!("Postgres {postgres}, both databases on this machine"),
        format!("disk: {flushes:.0} durable appends of 4 KiB per second, one after the other"),
    ])
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
