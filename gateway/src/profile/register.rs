//! Where a number is in a device's registers, and how many bits it has.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The function code that reads a register (Modbus Application Protocol 1.1b3, 6.3 and 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// 3, read holding registers.
    Holding,
    /// 4, read input registers.
    Input,
}

impl Function {
    /// The function of that code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            3 => Some(Self::Holding),
            4 => Some(Self::Input),
            _ => None,
        }
    }

    /// Its code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Holding => 3,
            Self::Input => 4,
        }
    }
}

/// The type of a number. The bytes of a register are big-endian always (Modbus Application Protocol 1.1b3, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the field's")]
pub enum Kind {
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    /// IEEE 754 single.
    F32,
    /// ASCII, two characters a register, padded with NUL or blanks.
    #[serde(rename = "STR")]
    Text,
}

impl Kind {
    /// How many registers a number takes; `None` of texts, whose profile says it.
    #[must_use]
    pub const fn registers(self) -> Option<u16> {
        match self {
            Self::U16 | Self::I16 => Some(1),
            Self::U32 | Self::I32 | Self::F32 => Some(2),
            Self::U64 | Self::I64 => Some(4),
            Self::Text => None,
        }
    }

    /// How many bits a number has; 0 of texts.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self.registers() {
            Some(registers) => registers as u32 * 16,
            None => 0,
        }
    }
}

/// Which register of several holds the upper bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WordOrder {
    /// The first.
    #[default]
    Big,
    /// The last.
    Little,
}

/// A run of registers that holds one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Register {
    /// How it is read.
    pub function: Function,
    /// Address on the wire, from 0.
    pub address: u16,
    /// How many registers.
    pub count: u16,
    /// What they hold.
    pub kind: Kind,
    /// In which order, if there are several.
    pub word_order: WordOrder,
}

impl Register {
    /// The first address behind it. Above `u16`, since the last register is 65535.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.address as u32 + self.count as u32
    }

    /// The bits of a number, upper bits first; `None` if `words` are not as many as the type takes.
    #[must_use]
    pub fn bits(&self, words: &[u16]) -> Option<u64> {
        if self.kind.registers() != u16::try_from(words.len()).ok() {
            return None;
        }
        let join = |bits: u64, word: &u16| bits << 16 | u64::from(*word);
        Some(match self.word_order {
            WordOrder::Big => words.iter().fold(0, join),
            WordOrder::Little => words.iter().rev().fold(0, join),
        })
    }

    /// The registers of a number's bits; the inverse of [`Register::bits`].
    #[must_use]
    pub fn words(&self, bits: u64) -> Vec<u16> {
        let count = u32::from(self.count.min(4));
        let mut words: Vec<u16> = (0..count)
            .rev()
            .map(|index| (bits >> (16 * index) & 0xFFFF) as u16)
            .collect();
        if self.word_order == WordOrder::Little {
            words.reverse();
        }
        words
    }

    /// The text in `words`: printable ASCII up to the first NUL, without blanks around it; `None` if there
    /// is none.
    #[must_use]
    pub fn text(words: &[u16]) -> Option<String> {
        let bytes = words.iter().flat_map(|word| word.to_be_bytes());
        let text: String = bytes
            .take_while(|byte| *byte != 0)
            .filter(|byte| (0x20..0x7F).contains(byte))
            .map(char::from)
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "function {} register {}",
            self.function.code(),
            self.address
        )
    }
}

/// A run of registers that is read in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// How it is read.
    pub function: Function,
    /// The first address.
    pub start: u16,
    /// How many registers.
    pub count: u16,
}

impl Block {
    /// The first address behind it.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.start as u32 + self.count as u32
    }

    /// Whether all of `register` is in it.
    #[must_use]
    pub fn holds(&self, register: &Register) -> bool {
        self.function == register.function
            && self.start <= register.address
            && register.end() <= self.end()
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, count, start) = (self.function.code(), self.count, self.start);
        write!(f, "function {code}, {count} registers from {start}")
    }
}

/// What has been read from a device: blocks with their words, each as it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers(Vec<(Block, Vec<u16>)>);

impl Registers {
    /// Adds the answer to a block. Words beyond or short of the block's count are never looked at.
    pub fn add(&mut self, block: Block, words: Vec<u16>) {
        if words.len() == usize::from(block.count) {
            self.0.push((block, words));
        }
    }

    /// The words of `register`, if one block holds all of them.
    #[must_use]
    pub fn get(&self, register: &Register) -> Option<&[u16]> {
        let (block, words) = self.0.iter().find(|(block, _)| block.holds(register))?;
        let from = usize::from(register.address - block.start);
        words.get(from..from + usize::from(register.count))
    }

    /// The blocks, in the order they were read.
    pub fn blocks(&self) -> impl Iterator<Item = (&Block, &[u16])> {
        self.0
            .iter()
            .map(|(block, words)| (block, words.as_slice()))
    }
}
