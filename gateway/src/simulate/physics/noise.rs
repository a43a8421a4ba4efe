//! Chance that is the same for the same seed, and asks for no state: a value for each moment.

/// One in a thousand.
pub const PERMILLE: u64 = 1_000;

/// A number that looks random, the same for the same `seed`, `channel` and `n` (SplitMix64: Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", 2014).
pub const fn hash(seed: u64, channel: u64, n: i64) -> u64 {
    let mut z = seed
        .wrapping_add(channel.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A value from 0 to 999 that changes gradually: one for each `period_s` seconds, straight lines between.
pub const fn gradual(seed: u64, channel: u64, second: i64, period_s: i64) -> u64 {
    let (n, within) = (second.div_euclid(period_s), second.rem_euclid(period_s));
    let before = hash(seed, channel, n) % PERMILLE;
    let after = hash(seed, channel, n + 1) % PERMILLE;
    let (period, within) = (period_s as u64, within as u64);
    (before * (period - within) + after * within) / period
}
