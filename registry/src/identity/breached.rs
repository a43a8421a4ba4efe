//! A file of passwords that were stolen elsewhere, in the format of the offline list of Have I Been Pwned: a line per
//! password, `SHA-1 in 40 upper-case hexadecimal digits:how often it was seen`, ordered by the hash. It has tens of
//! gigabytes, so it is searched where it lies.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Hexadecimal digits of a hash.
const HASH_LEN: usize = 40;
/// Longest line with its end: hash, colon, 20 digits, carriage return, line feed.
const MAX_LINE: usize = HASH_LEN + 1 + 20 + 2;
/// Places that are looked at when the file is opened, besides its first and last line.
const SAMPLES: u64 = 256;

/// The list can not be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedError {
    /// The file can not be read.
    #[error("auth.breached_passwords {path} can not be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("auth.breached_passwords {path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line is none of the format's.
    #[error(
        "auth.breached_passwords {path}: the line at byte {at} is not `<SHA-1 in 40 upper-case hexadecimal \
         digits>:<count>`, as the list ordered by hash has it"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Where the line is about.
        at: u64,
    },
    /// A line comes before one that is less.
    #[error("auth.breached_passwords {path} is not ordered by hash: see the line at byte {at}")]
    Order {
        /// The file.
        path: PathBuf,
        /// Where the line is about.
        at: u64,
    },
}

/// The file, open: one that takes its place counts from the next start on.
pub struct BreachedList {
    path: PathBuf,
    file: File,
    len: u64,
}

/// A line, from `start` to before `end`, its line feed included.
struct Line {
    start: u64,
    end: u64,
    hash: [u8; HASH_LEN],
}

impl BreachedList {
    /// Opens the file, and looks at some of its lines.
    ///
    /// # Errors
    /// [`BreachedError`].
    pub fn open(path: &Path) -> Result<Self, BreachedError> {
        let unreadable = |source| BreachedError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let len = file.metadata().map_err(unreadable)?.len();
        let path = path.to_owned();
        if len == 0 {
            return Err(BreachedError::Empty { path });
        }
        let list = Self { path, file, len };
        list.check()?;
        Ok(list)
    }

    fn check(&self) -> Result<(), BreachedError> {
        let mut before = self.line_at(0)?;
        let step = (self.len / SAMPLES).max(1);
        let places = (1..SAMPLES).map(|sample| sample * step);
        for at in places.take_while(|at| *at < self.len).chain([self.len - 1]) {
            let line = self.line_at(at)?;
            if line.start != before.start && line.hash <= before.hash {
                let (path, at) = (self.path.clone(), line.start);
                return Err(BreachedError::Order { path, at });
            }
            before = line;
        }
        Ok(())
    }

    /// Whether the password is in the list. Reads some 35 times from the file, wherever it is.
    ///
    /// # Errors
    /// [`BreachedError`] if the file can not be read any more, or is not what it was.
    pub fn has(&self, password: &str) -> Result<bool, BreachedError> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let wanted = hex::encode_upper(hash);
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let line = self.line_at(low + (high - low) / 2)?;
            match line.hash.as_slice().cmp(wanted.as_bytes()) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => low = line.end,
                Ordering::Greater => high = line.start,
            }
        }
        Ok(false)
    }

    /// The line that the byte is of.
    fn line_at(&self, at: u64) -> Result<Line, BreachedError> {
        let bad = || BreachedError::Format {
            path: self.path.clone(),
            at,
        };
        let from = at.saturating_sub(MAX_LINE as u64);
        let mut window = [0; 2 * MAX_LINE + 1];
        let window = self.read(from, &mut window)?;
        let here = usize::try_from(at - from).map_err(|_| bad())?;
        if here >= window.len() {
            return Err(bad());
        }
        let is_end = |byte: &u8| *byte == b'\n';
        let start = match window[..here].iter().rposition(is_end) {
            Some(end) => end + 1,
            None if from == 0 => 0,
            None => return Err(bad()),
        };
        let rest = &window[start..];
        let (text, end) = match rest.iter().position(is_end) {
            Some(end) => (&rest[..end], start + end + 1),
            None if from + window.len() as u64 == self.len => (rest, window.len()),
            None => return Err(bad()),
        };
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (hash, count) = text.split_at_checked(HASH_LEN).ok_or_else(bad)?;
        let is_hash = hash
            .iter()
            .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte));
        let count = count.strip_prefix(b":").ok_or_else(bad)?;
        let is_count = !count.is_empty() && count.iter().all(u8::is_ascii_digit);
        if !is_hash || !is_count {
            return Err(bad());
        }
        Ok(Line {
            start: from + start as u64,
            end: from + end as u64,
            hash: hash.try_into().map_err(|_| bad())?,
        })
    }

    /// As much from there on as there is and fits.
    fn read<'b>(&self, from: u64, into: &'b mut [u8]) -> Result<&'b [u8], BreachedError> {
        let mut filled = 0;
        while filled < into.len() {
            match self.file.read_at(&mut into[filled..], from + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(BreachedError::Unreadable {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
        Ok(&into[..filled])
    }
}

#[cfg(test)]
#[path = "breached_tests.rs"]
mod tests;
