//! From bytes to telegrams: where one begins and ends, and whether it arrived whole.

use crc::{CRC_16_ARC, Crc};
use sha2::{Digest, Sha256};

/// Longest telegram, in bytes. Meters send 1 to 2 kB; a text message within may have 2,048 characters
/// (DSMR 5.0.2, section 6.12).
pub const MAX_TELEGRAM_BYTES: usize = 8192;

/// DSMR 5.0.2, section 6.2: polynomial x16 + x15 + x2 + 1, least significant bit first, start 0.
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_ARC);
const CRC_DIGITS: usize = 4;

/// A telegram whose checksum fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telegram {
    /// From `/` to `!`, both included; ASCII.
    text: String,
}

/// Why bytes are no telegram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    #[error("a telegram has no end within {MAX_TELEGRAM_BYTES} bytes")]
    TooLong,
    #[error("a telegram was cut off: the next one begins before its end")]
    CutOff,
    #[error("a telegram holds a byte that is not ASCII")]
    NotAscii,
    #[error("a telegram has no checksum of four hexadecimal digits after its end")]
    NoChecksum,
    #[error("a telegram has checksum {given:04X}, its bytes have {computed:04X}")]
    Checksum {
        /// What it says.
        given: u16,
        /// What follows from its bytes.
        computed: u16,
    },
    #[error("no telegram: it does not begin with /")]
    NoStart,
}

impl Telegram {
    /// The one telegram that `bytes` hold, with its checksum, as an adapter answers it over HTTP.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, TelegramError> {
        let bytes = bytes.trim_ascii();
        if bytes.first() != Some(&b'/') {
            return Err(TelegramError::NoStart);
        }
        let mut scanner = Scanner::default();
        scanner.push(bytes);
        scanner.push(b"\r\n");
        scanner.next().unwrap_or(Err(TelegramError::NoChecksum))
    }

    /// The lines of an adapter that answers them apart (`{"data": ["/…", …, "!1A2B"]}`), with or without the
    /// empty line after the first: the checksum tells which of both the meter sent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_lines<S: AsRef<str>>(lines: &[S]) -> Result<Self, TelegramError> {
        let lines: Vec<&str> = lines.iter().map(|line| line.as_ref().trim()).collect();
        Self::parse(lines.join("\r\n").as_bytes()).or_else(|error| {
            let mut lines = lines;
            lines.insert(lines.len().min(1), "");
            Self::parse(lines.join("\r\n").as_bytes()).map_err(|_| error)
        })
    }

    /// What the first line says, without the slash: the maker's letters and the type of the meter.
    #[must_use]
    pub fn identification(&self) -> &str {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_start_matches('/').trim()
    }

    /// The lines of data, without the first and the last.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().skip(1);
        lines.filter(|line| !line.is_empty() && *line != "!")
    }

    /// SHA-256 of the bytes from `/` to `!`.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// What a meter would send: `body` from `/` to before `!`, the end, its checksum.
    #[must_use]
    pub fn seal(body: &str) -> String {
        let computed = CRC.checksum(format!("{body}!").as_bytes());
        format!("{body}!{computed:04X}\r\n")
    }
}

/// Finds telegrams in a stream that may begin anywhere in one. Never holds more than
/// [`MAX_TELEGRAM_BYTES`] and what was pushed last.
#[derive(Debug, Default)]
pub struct Scanner {
    bytes: Vec<u8>,
    /// Bytes that hold no end, so that a telegram in many pieces is not searched anew for each.
    searched: usize,
}

impl Scanner {
    /// Takes what the connection brought.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if self.searched == 0 {
            // What precedes the first telegram, or lies between two.
            let start = self.bytes.iter().position(|byte| *byte == b'/');
            self.bytes.drain(..start.unwrap_or(self.bytes.len()));
        }
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let taken = self.bytes.drain(..bytes).collect();
        self.searched = 0;
        self.push(&[]);
        taken
    }
}

/// The next telegram, or why what looked like one is none; `None` until more is pushed. After an error
/// the search goes on behind it.
impl Iterator for Scanner {
    type Item = Result<Telegram, TelegramError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let from = self.searched.max(1);
        let found = self.bytes[from..]
            .iter()
            .position(|byte| matches!(byte, b'!' | b'/'));
        let Some(end) = found.map(|at| from + at) else {
            if self.bytes.len() > MAX_TELEGRAM_BYTES {
                self.take(self.bytes.len());
                return Some(Err(TelegramError::TooLong));
            }
            self.searched = self.bytes.len();
            return None;
        };
        if end >= MAX_TELEGRAM_BYTES {
            self.take(end);
            return Some(Err(TelegramError::TooLong));
        }
        if self.bytes[end] == b'/' {
            self.take(end);
            return Some(Err(TelegramError::CutOff));
        }
        self.searched = end;
        // Up to the end of the line, so that a checksum is not cut in two.
        let rest = &self.bytes[end + 1..];
        let line = rest.iter().position(|byte| *byte == b'\n');
        let line = line.or((rest.len() > CRC_DIGITS + 1).then_some(rest.len()))?;
        let mut telegram = self.take(end + 1 + line);
        let given = telegram.split_off(end + 1);
        Some(check(telegram, &given))
    }
}

fn check(bytes: Vec<u8>, given: &[u8]) -> Result<Telegram, TelegramError> {
    let given = std::str::from_utf8(given.trim_ascii_end())
        .ok()
        .filter(|digits| digits.len() == CRC_DIGITS)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .ok_or(TelegramError::NoChecksum)?;
    let computed = CRC.checksum(&bytes);
    if given != computed {
        return Err(TelegramError::Checksum { given, computed });
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(Telegram { text }),
        _ => Err(TelegramError::NotAscii),
    }
}
