//! Numbers that look random and are a function of their arguments.

/// SplitMix64's output function (Steele, Lea, Flood 2014), over a counter.
pub(super) const fn hash(seed: u64, index: i64) -> u64 {
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = index.cast_unsigned().wrapping_add(seed.wrapping_mul(GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in `low..=high`.
pub(super) const fn between(seed: u64, index: i64, low: i64, high: i64) -> i64 {
    let span = (high - low + 1).cast_unsigned();
    low + (hash(seed, index) % span).cast_signed()
}

/// `value` at position `at` of `span` between two neighbours of a table.
pub(super) const fn between_neighbours(left: i64, right: i64, at: i64, span: i64) -> i64 {
    left + (right - left) * at / span
}
