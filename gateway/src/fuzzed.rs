//! What is fuzzed: everything that reads bytes of somebody else. Each entry takes any bytes and panics only where the
//! code has a defect. `gateway/fuzz` runs them under libFuzzer, and a test runs them over examples and
//! mutations of them.

use crate::bluetooth::frame::{Assembler, Frame as Piece};
use crate::discover::logger_serial;
use crate::profile;
use crate::transport::p1::{Registers, Scanner, Telegram, http};
use crate::transport::solarman::Frame;

/// Telegrams: as a stream in two pieces, and as an adapter answers them.
pub fn p1(bytes: &[u8]) {
    let mut scanner = Scanner::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        scanner.push(piece);
        for telegram in scanner.by_ref().flatten() {
            let _ = Registers::read(&telegram);
        }
    }
    let _ = http::parse(bytes);
    // Past the checksum, which hardly any input gets right by itself.
    if let Ok(text) = std::str::from_utf8(bytes) {
        let body: String = text
            .chars()
            .filter(|char| !matches!(char, '!' | '/'))
            .collect();
        if let Ok(telegram) = Telegram::parse(Telegram::seal(&format!("/{body}")).as_bytes()) {
            let _ = Registers::read(&telegram);
        }
    }
}

/// Frames of a data logger: what is decoded is encoded alike. And what it answers to who looks for it.
///
/// # Panics
/// If it is not.
pub fn solarman(bytes: &[u8]) {
    let _ = logger_serial(bytes);
    let mut rest = bytes;
    while let Ok(Some((frame, taken))) = Frame::decode(rest) {
        assert_eq!(frame.encode().as_deref(), Ok(&rest[..taken]));
        let _ = (frame.modbus_answer(), frame.modbus_request());
        rest = &rest[taken..];
    }
    if let Ok(request) = Frame::request(7, 1, bytes) {
        assert_eq!(request.modbus_request().is_ok(), bytes.len() >= 5);
    }
}

/// Files of profiles.
pub fn profile(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = profile::parse("fuzzed.toml", text);
    }
}

/// Frames of a phone, each with its length before it.
pub fn bluetooth(bytes: &[u8]) {
    let mut assembler = Assembler::default();
    let mut rest = bytes;
    while let [length, tail @ ..] = rest {
        let (frame, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        if let Ok(piece) = Piece::decode(frame) {
            let _ = assembler.take(&piece);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    /// The examples of a target, and where there are none better, the files it is made for.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = match target {
            "profile" => root.join("profiles"),
            target => root.join("fuzz/corpus").join(target),
        };
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let examples: Vec<_> = files
            .filter(|file| file.is_file())
            .map(|file| fs::read(file).unwrap())
            .collect();
        assert!(!examples.is_empty(), "{target} has no examples");
        examples
    }

    fn smoke(target: &str, entry: fn(&[u8])) {
        let examples = corpus(target);
        examples.iter().for_each(|example| entry(example));
        let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
        let strategy = (
            prop::sample::select(examples),
            edits,
            any::<prop::sample::Index>(),
        );
        let config = ProptestConfig {
            cases: 200,
            ..ProptestConfig::default()
        };
        proptest!(config, |((mut bytes, edits, cut) in strategy)| {
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            entry(&bytes);
        });
    }

    #[test]
    fn examples_of_telegrams_and_what_becomes_of_them_are_no_panic() {
        smoke("p1", p1);
    }

    #[test]
    fn examples_of_data_loggers_frames_and_what_becomes_of_them_are_no_panic() {
        smoke("solarman", solarman);
    }

    #[test]
    fn examples_of_profiles_and_what_becomes_of_them_are_no_panic() {
        smoke("profile", profile);
    }

    #[test]
    fn examples_of_phones_frames_and_what_becomes_of_them_are_no_panic() {
        smoke("bluetooth", bluetooth);
    }
}
