//! How much memory processes hold. Kilobytes are of 1,000 B.

use anyhow::{Context, Result};
use std::fs;

/// What a process holds now.
pub fn resident_kb(process: u32) -> Result<u64> {
    kb(&format!("/proc/{process}/status"), "VmRSS:")
}

/// What it held at most.
pub fn most_kb(process: u32) -> Result<u64> {
    kb(&format!("/proc/{process}/status"), "VmHWM:")
}

/// Its share of what it holds, where several hold the same: shares of processes can be added up.
pub fn share_kb(process: u32) -> Result<u64> {
    kb(&format!("/proc/{process}/smaps_rollup"), "Pss:")
}

fn kb(file: &str, field: &str) -> Result<u64> {
    let text =
        fs::read_to_string(file).context("memory is read from /proc, which only Linux has")?;
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("no {field}"))?;
    Ok(kib * 1_024 / 1_000)
}
