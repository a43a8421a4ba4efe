//! Entries in memory: those the WRITE database does not have yet, and a cache of others.

use ledger::{Entries, Key, Slot};
use lru::LruCache;
use schemas::log::Position;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;

/// Entries kept beyond the pinned ones unless configured otherwise: about 40 MB of bundles.
pub const DEFAULT_CACHE_ENTRIES: usize = 100_000;

/// Pinned entries for which room is kept when fewer are pinned.
const ROOM_KEPT: usize = 16_384;

/// Pinned entries beyond which the sequencer takes no more commands: the WRITE database is so far
/// behind that memory is at stake (about 1 GB).
pub const MAX_PINNED_ENTRIES: usize = 2_000_000;

/// Every entry touched above the WRITE checkpoint, and recently used others.
///
/// Invariant: a key that is not here has not been touched by any event above `horizon`.
pub(super) struct Memory {
    pinned: HashMap<Key, Slot>,
    touches: VecDeque<(Position, Key)>,
    cache: LruCache<Key, Slot>,
    horizon: Position,
}

impl Entries for Memory {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        self.pinned.get(key).or_else(|| self.cache.peek(key))
    }
}

impl Memory {
    /// Empty, for a WRITE database at checkpoint `horizon`.
    pub fn new(cache_entries: usize, horizon: Position) -> Self {
        Self {
            pinned: HashMap::new(),
            touches: VecDeque::new(),
            cache: LruCache::new(NonZeroUsize::new(cache_entries).unwrap_or(NonZeroUsize::MIN)),
            horizon,
        }
    }

    /// Checkpoint below which a WRITE database must not be asked: entries were let go, or never taken in, up to here.
    pub const fn horizon(&self) -> Position {
        self.horizon
    }

    /// Entries that the WRITE database does not have yet.
    pub fn pinned(&self) -> usize {
        self.pinned.len()
    }

    /// Takes in what was loaded; what is in memory already wins.
    pub fn remember(&mut self, loaded: impl IntoIterator<Item = (Key, Slot)>) {
        for (key, slot) in loaded {
            if self.slot(&key).is_none() {
                self.cache.put(key, slot);
            }
        }
    }

    /// Takes in what events changed, and pins it until the checkpoint has passed them.
    pub fn pin(&mut self, changed: impl IntoIterator<Item = (Key, Slot)>) {
        let mut touched: Vec<_> = changed
            .into_iter()
            .map(|(key, slot)| {
                let position = slot.as_of;
                self.cache.pop(&key);
                self.pinned.insert(key, slot);
                (position, key)
            })
            .collect();
        touched.sort_unstable_by_key(|(position, _)| *position);
        self.touches.extend(touched);
    }

    /// Lets go of pins that the WRITE database has by now.
    pub fn advance(&mut self, checkpoint: Position) {
        self.horizon = self.horizon.max(checkpoint);
        while let Some((position, key)) = self.touches.front().copied()
            && position <= checkpoint
        {
            self.touches.pop_front();
            if self
                .pinned
                .get(&key)
                .is_some_and(|slot| slot.as_of <= checkpoint)
                && let Some(slot) = self.pinned.remove(&key)
            {
                self.cache.put(key, slot);
            }
        }
        self.give_back_room();
    }

    /// A burst leaves behind room for as many entries as it touched.
    fn give_back_room(&mut self) {
        let room = 2 * self.pinned.len().max(ROOM_KEPT);
        if self.pinned.capacity() > 2 * room {
            self.pinned.shrink_to(room);
        }
        let room = 2 * self.touches.len().max(ROOM_KEPT);
        if self.touches.capacity() > 2 * room {
            self.touches.shrink_to(room);
        }
    }
}

/// Everything a decision can see: what a batch that is being appended makes of the state, what is in
/// memory, and what was loaded for the decision. Memory wins over a row that arrives late.
pub(super) struct View<'a> {
    /// Entries as they are once the append before is durable.
    pub ahead: Option<&'a HashMap<Key, Slot>>,
    /// Entries in memory.
    pub memory: &'a Memory,
    /// Entries loaded for this decision.
    pub loaded: &'a HashMap<Key, Slot>,
}

impl Entries for View<'_> {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        self.ahead
            .and_then(|ahead| ahead.get(key))
            .or_else(|| self.memory.slot(key))
            .or_else(|| self.loaded.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::id::BundleId;

    #[test]
    fn the_room_of_a_burst_is_given_back_once_it_has_passed() {
        const BURST: i64 = 100_000;
        let mut memory = Memory::new(1, Position(0));
        let slot = Slot {
            entry: None,
            as_of: Position(1),
        };
        memory.pin((1..=BURST).map(|id| (Key::Bundle(BundleId(id)), slot.clone())));
        assert!(memory.pinned.capacity() >= 100_000);
        memory.advance(Position(1));
        assert_eq!(memory.pinned(), 0);
        assert!(memory.pinned.capacity() <= 8 * ROOM_KEPT);
        assert!(memory.touches.capacity() <= 8 * ROOM_KEPT);
    }
}
