#![allow(clippy::unwrap_used)]

use super::*;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_of(&folder.path().join("events.db"));
    (folder, path)
}

fn head(stream: &str, position: i64) -> (StreamName, Head) {
    let hash = RunningHash([u8::try_from(position % 251).unwrap(); 32]);
    (
        StreamName::try_from(stream.to_owned()).unwrap(),
        Head {
            position: Position(position),
            hash,
        },
    )
}

fn recorded(path: &Path) -> Vec<(StreamName, Head)> {
    Witness::open(path, true).unwrap().unwrap().heads().unwrap()
}

#[test]
fn a_witness_says_the_newest_of_each_stream() {
    let (_folder, path) = place();
    assert!(Witness::open(&path, true).unwrap().is_none());
    let mut witness = Witness::open_or_create(&path).unwrap();
    for position in 1..6 {
        witness
            .record(&[head("ledger-gb", position), head("market-gb", position * 7)])
            .unwrap();
    }
    assert_eq!(
        recorded(&path),
        [head("ledger-gb", 5), head("market-gb", 35)]
    );
}

#[test]
fn a_witness_never_goes_back_whoever_writes_it() {
    let (_folder, path) = place();
    let mut one = Witness::open_or_create(&path).unwrap();
    let mut other = Witness::open_or_create(&path).unwrap();
    one.record(&[head("ledger-gb", 5)]).unwrap();
    other
        .record(&[head("market-gb", 3), head("ledger-gb", 4)])
        .unwrap();
    one.record(&[head("market-gb", 2), head("identity-gb", 1)])
        .unwrap();
    other
        .record(&[head("identity-gb", 9), head("ledger-gb", 6)])
        .unwrap();
    let expected = [
        head("ledger-gb", 6),
        head("market-gb", 3),
        head("identity-gb", 9),
    ];
    assert_eq!(recorded(&path), expected);
}

#[test]
fn a_write_torn_anywhere_leaves_the_head_before_or_the_head_after() {
    let (_folder, path) = place();
    let mut witness = Witness::open_or_create(&path).unwrap();
    witness.record(&[head("ledger-gb", 41)]).unwrap();
    witness.record(&[head("ledger-gb", 42)]).unwrap();
    let before = std::fs::read(&path).unwrap();
    witness.record(&[head("ledger-gb", 43)]).unwrap();
    let after = std::fs::read(&path).unwrap();
    for cut in 0..after.len() {
        if before.get(cut) == after.get(cut) {
            continue;
        }
        let torn = [&after[..cut], &before[cut..]].concat();
        std::fs::write(&path, torn).unwrap();
        assert_eq!(recorded(&path), [head("ledger-gb", 42)], "torn at {cut}");
    }
    std::fs::write(&path, after).unwrap();
    assert_eq!(recorded(&path), [head("ledger-gb", 43)]);
}

#[test]
fn the_longest_line_fits_in_a_slot() {
    let stream = StreamName::try_from("a".repeat(100)).unwrap();
    let head = Head {
        position: Position(i64::MAX),
        hash: RunningHash([0xff; 32]),
    };
    let line = encode(&stream, head);
    assert!(line.len() <= LINE, "{}", line.len());
    assert_eq!(decode(line.as_bytes()), Some((stream, head)));
}

#[test]
fn a_file_of_something_else_is_refused() {
    let (_folder, path) = place();
    std::fs::write(&path, "shopping list\n").unwrap();
    assert!(matches!(
        Witness::open(&path, true),
        Err(StoreError::WitnessUnusable { .. })
    ));
}

#[test]
fn a_replaced_witness_may_go_back() {
    let (_folder, path) = place();
    Witness::open_or_create(&path)
        .unwrap()
        .record(&[head("ledger-gb", 9)])
        .unwrap();
    Witness::replace(&path, &[head("ledger-gb", 4)]).unwrap();
    assert_eq!(recorded(&path), [head("ledger-gb", 4)]);
}
