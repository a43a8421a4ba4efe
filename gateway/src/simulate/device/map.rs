//! Registers with their blocks: what is between them is not there.

use std::collections::BTreeMap;

use crate::profile::{Block, Function, MAX_REGISTERS, Register};

/// Why a read is answered by an exception (Modbus Application Protocol 1.1b3, 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 2: not all of these registers are in one block.
    Address,
    /// 3: so many can not be read at once.
    Quantity,
}

/// Registers at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    blocks: Vec<Block>,
    words: BTreeMap<(Function, u16), u16>,
    most: u16,
}

impl Map {
    /// Registers in `blocks`, all zero, of which `most` can be read at once.
    pub(super) fn new(blocks: Vec<Block>, most: u16) -> Self {
        let words = BTreeMap::new();
        Self {
            blocks,
            words,
            most,
        }
    }

    /// Adds the registers of `register`, in a block of their own where none has them.
    pub(super) fn place(&mut self, register: &Register, words: &[u16]) {
        if !self.blocks.iter().any(|block| block.holds(register)) {
            self.blocks.push(Block {
                function: register.function,
                start: register.address,
                count: register.count,
            });
        }
        self.write(register.function, register.address, words);
    }

    pub(super) fn write(&mut self, function: Function, start: u16, words: &[u16]) {
        for (address, word) in (start..).zip(words) {
            self.words.insert((function, address), *word);
        }
    }

    /// Sets or clears the bits of `mask` in a register.
    pub(super) fn mark(&mut self, register: &Register, mask: u16, is_set: bool) {
        let word = self
            .words
            .entry((register.function, register.address))
            .or_default();
        *word = if is_set { *word | mask } else { *word & !mask };
    }

    /// The registers from `start` on, as the device answers.
    ///
    /// # Errors
    /// The exception it answers instead.
    pub fn read(&self, function: Function, start: u16, count: u16) -> Result<Vec<u16>, Refusal> {
        if count == 0 || count > self.most.min(MAX_REGISTERS) {
            return Err(Refusal::Quantity);
        }
        let asked = Block {
            function,
            start,
            count,
        };
        let holds = |block: &&Block| {
            block.function == function && block.start <= start && asked.end() <= block.end()
        };
        let block = self.blocks.iter().find(holds).ok_or(Refusal::Address)?;
        let word = |address| self.words.get(&(block.function, address));
        // `end` is at most 65,536, so the last address fits.
        let addresses = (u32::from(start)..asked.end()).filter_map(|n| u16::try_from(n).ok());
        Ok(addresses
            .map(|address| word(address).copied().unwrap_or_default())
            .collect())
    }

    /// The blocks that can be read.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}
