//! Where in an object store a backup is.

use std::fmt;
use std::str::FromStr;

/// `s3://bucket/prefix`: everything of a backup lies below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPlace {
    pub(super) bucket: String,
    /// Without a slash at either end; may be empty.
    pub(super) prefix: String,
}

/// A text names no such place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not s3://BUCKET or s3://BUCKET/PREFIX: a bucket has 3 to 63 of a-z, 0-9, '.' and '-', a prefix names \
     parted by single slashes, of letters, digits, '.', '_' and '-'"
)]
pub struct NotABucket(String);

impl BucketPlace {
    /// Whether a text means an object store, well formed or not, and not a folder.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("s3://")
    }

    /// The key of an object below it.
    pub(super) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }
}

impl FromStr for BucketPlace {
    type Err = NotABucket;

    fn from_str(text: &str) -> Result<Self, NotABucket> {
        let read = || {
            let rest = text.strip_prefix("s3://")?;
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
            let is_prefix = prefix.is_empty() || prefix.split('/').all(is_name);
            (is_bucket(bucket) && is_prefix).then(|| Self {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        read().ok_or_else(|| NotABucket(text.to_owned()))
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>, as far as it goes for every store.
fn is_bucket(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    (3..=63).contains(&name.len()) && name.bytes().all(fits)
}

/// Names that no store and no client writes in another way.
fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !name.is_empty() && name.bytes().all(fits) && !name.bytes().all(|b| b == b'.')
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_perhaps_a_prefix() {
        let key = |text: &str| text.parse::<BucketPlace>().unwrap().key("x");
        assert_eq!(key("s3://backup"), "x");
        assert_eq!(key("s3://backup/"), "x");
        assert_eq!(key("s3://backup/gb/events"), "gb/events/x");
        assert_eq!(key("s3://backup/gb/events/"), "gb/events/x");
        let place: BucketPlace = "s3://backup/gb/".parse().unwrap();
        assert_eq!(place.to_string(), "s3://backup/gb");
    }

    #[test]
    fn what_stores_would_read_in_different_ways_is_refused() {
        for wrong in [
            "backup",
            "s3:/backup",
            "s3://",
            "s3://ab",
            "s3://Backup",
            "s3://key:secret@backup",
            "s3://backup//gb",
            "s3://backup/../other",
            "s3://backup/a b",
            "s3://backup/a%20b",
        ] {
            assert!(wrong.parse::<BucketPlace>().is_err(), "{wrong}");
        }
    }
}
