//! Where a list goes on: the key of the last entry of a page, in a text that clients do not look into.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest cursor: none of ours comes near.
const MAX_CHARS: usize = 500;

/// The cursor after the entry with this key of this list.
#[must_use]
pub fn encode<K: Serialize>(list: &str, key: &K) -> String {
    let json = serde_json::to_vec(&(list, key))
        .expect("keys hold only strings and integers, which always serialise");
    URL_SAFE_NO_PAD.encode(json)
}

/// The key in a cursor; `None` if it is none of ours or was made for another list.
#[must_use]
pub fn decode<K: DeserializeOwned>(list: &str, cursor: &str) -> Option<K> {
    if cursor.len() > MAX_CHARS {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (of, key) = serde_json::from_slice::<(String, K)>(&json).ok()?;
    (of == list).then_some(key)
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its entries.
    pub entries: Vec<T>,
    /// Where the next one begins; `None` on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` out of entries of which one more than that were asked for.
    pub fn of<K: Serialize>(
        mut entries: Vec<T>,
        limit: i64,
        list: &str,
        key: impl FnOnce(&T) -> K,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next_cursor = entries
            .last()
            .filter(|_| more)
            .map(|last| encode(list, &key(last)));
        Self {
            entries,
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = encode("actions", &7_i64);
        assert_eq!(decode::<i64>("actions", &cursor), Some(7));
        assert_eq!(decode::<i64>("bundles", &cursor), None);
        assert_eq!(decode::<(i64, i64)>("actions", &cursor), None);
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = |count| Page::of((1..=count).collect::<Vec<i64>>(), 3, "list", |last| *last);
        assert_eq!(page(3).next_cursor, None);
        let cut = page(4);
        assert_eq!(cut.entries, [1, 2, 3]);
        assert_eq!(decode::<i64>("list", &cut.next_cursor.unwrap()), Some(3));
        assert_eq!(page(0).next_cursor, None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(list in "[a-z_]{1,20}", micros in any::<i64>(), id in any::<i64>()) {
            let cursor = encode(&list, &(micros, id));
            prop_assert!(cursor.len() <= MAX_CHARS);
            prop_assert_eq!(decode::<(i64, i64)>(&list, &cursor), Some((micros, id)));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(cursor in ".{0,60}") {
            let _ = decode::<(i64, i64)>("list", &cursor);
        }
    }
}
