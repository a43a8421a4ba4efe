//! Which blocks are read for a set of points.

use super::limits::Limits;
use super::point::Point;
use super::register::{Block, Register};

/// All registers that have to be in one answer for the point to be decoded: its number and its scale, which
/// devices change at run time. A sign may come from another block.
pub fn spans(point: &Point) -> impl Iterator<Item = Block> {
    let number = block_of(&point.register);
    let together = match &point.scale_register {
        Some(scale) => cover(number, block_of(scale)),
        None => Some(number),
    };
    let sign = point.sign.as_ref().map(|sign| block_of(&sign.register));
    together.into_iter().chain(sign)
}

/// The fewest blocks in order that hold all of `points` and keep to `limits`.
#[must_use]
pub fn blocks(points: &[Point], limits: &Limits) -> Vec<Block> {
    let mut spans: Vec<Block> = points.iter().flat_map(spans).collect();
    spans.sort();
    let mut blocks: Vec<Block> = Vec::new();
    for span in spans {
        let joined = blocks
            .last()
            .filter(|last| u32::from(span.start) <= last.end() + u32::from(limits.max_gap))
            .and_then(|last| cover(*last, span))
            .filter(|joined| joined.count <= limits.max_registers);
        match (joined, blocks.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => blocks.push(span),
        }
    }
    blocks
}

const fn block_of(register: &Register) -> Block {
    Block {
        function: register.function,
        start: register.address,
        count: register.count,
    }
}

/// The block from the first to the last register of both; `None` of different functions, or when it has
/// more registers than can be counted.
fn cover(one: Block, other: Block) -> Option<Block> {
    let start = one.start.min(other.start);
    let end = one.end().max(other.end());
    let count = u16::try_from(end - u32::from(start)).ok()?;
    (one.function == other.function).then_some(Block {
        function: one.function,
        start,
        count,
    })
}
