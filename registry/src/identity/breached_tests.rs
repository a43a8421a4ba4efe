#![allow(clippy::unwrap_used)]
use super::*;

fn line(password: &str, count: u32) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    format!("{}:{count}", hex::encode_upper(hash))
}

/// Lines of these passwords in the order of their hashes.
fn lines(passwords: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = (1..)
        .zip(passwords)
        .map(|(count, password)| line(password, count))
        .collect();
    lines.sort();
    lines
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("breached.txt");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn refusal(text: &str) -> BreachedError {
    let (_dir, path) = file(text);
    BreachedList::open(&path).err().unwrap()
}

#[test]
fn every_line_is_found_from_the_first_to_the_last_and_nothing_else() {
    let passwords: Vec<_> = (0..1_000).map(|n| format!("password{n}")).collect();
    for count in [1, 2, 3, 1_000] {
        let lines = lines(&passwords[..count]);
        for text in [
            lines.join("\n"),
            lines.join("\n") + "\n",
            lines.join("\r\n"),
            lines.join("\r\n") + "\r\n",
        ] {
            let (_dir, path) = file(&text);
            let list = BreachedList::open(&path).unwrap();
            for password in &passwords[..count] {
                assert!(list.has(password).unwrap(), "{password} of {count}");
            }
            for absent in 0..1_000 {
                let absent = format!("correct horse {absent}");
                assert!(!list.has(&absent).unwrap(), "{absent} of {count}");
            }
        }
    }
}

#[test]
fn a_hash_of_the_published_list_is_the_one_that_is_looked_for() {
    let known = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824";
    let (_dir, path) = file(known);
    assert!(BreachedList::open(&path).unwrap().has("password").unwrap());
}

#[test]
fn a_count_of_twenty_digits_is_read_and_one_of_twenty_one_is_not() {
    let hash = "A".repeat(HASH_LEN);
    let of = |digits| format!("{hash}:{}\r\n", "9".repeat(digits));
    let (_dir, path) = file(&of(20));
    BreachedList::open(&path).unwrap();
    let later = "B".repeat(HASH_LEN);
    let long = format!("{}{later}:{}\r\n", of(21), "9".repeat(21));
    assert!(matches!(refusal(&long), BreachedError::Format { .. }));
}

#[test]
fn a_file_that_is_absent_empty_or_another_is_refused_by_name() {
    let absent = BreachedList::open(Path::new("/nowhere/breached.txt"));
    let said = absent.err().unwrap().to_string();
    assert!(
        said.contains("auth.breached_passwords /nowhere/breached.txt can not be read"),
        "{said}"
    );
    assert!(matches!(refusal(""), BreachedError::Empty { .. }));
    let sha1 = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    for other in [
        "password\nqwerty\n".to_owned(),
        format!("{sha1}\n"),
        format!("{sha1}:\n"),
        format!("{sha1}:many\n"),
        format!("{}:1\n", sha1.to_lowercase()),
        format!("{}:1\n", &sha1[8..]),
        format!("{sha1}:1\n\n"),
        "x".repeat(10_000),
    ] {
        let refused = refusal(&other);
        assert!(matches!(refused, BreachedError::Format { .. }), "{refused}");
        assert!(refused.to_string().contains("40 upper-case"), "{refused}");
    }
}

#[test]
fn a_file_that_is_ordered_by_count_is_refused() {
    let passwords: Vec<_> = (0..1_000).map(|n| format!("password{n}")).collect();
    let unordered: Vec<_> = passwords.iter().map(|password| line(password, 1)).collect();
    let refused = refusal(&unordered.join("\n"));
    assert!(matches!(refused, BreachedError::Order { .. }), "{refused}");
}
