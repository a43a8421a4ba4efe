//! Where a backup is, as it is named at the terminal.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use crate::backup::{BucketPlace, Buckets, NotABucket};

/// A folder, or what is meant as a place in an object store.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Folder(PathBuf),
    Bucket(String),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if BucketPlace::is_meant(text) {
            Self::Bucket(text.to_owned())
        } else {
            Self::Folder(text.into())
        })
    }
}

/// Where the events of a backup are, and where its keys.
#[derive(Debug)]
pub(super) enum Places {
    Folders { events: PathBuf, keys: PathBuf },
    Buckets(Buckets),
}

/// Two places of which nothing can be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadPlaces {
    #[error(transparent)]
    NotABucket(#[from] NotABucket),
    #[error("events and keys are both in folders, or both in the object store")]
    Mixed,
}

impl Places {
    /// The keys are where the events are, unless their place is named.
    pub fn of(events: Place, keys: Option<Place>) -> Result<Self, BadPlaces> {
        let keys = keys.unwrap_or_else(|| events.clone());
        match (events, keys) {
            (Place::Folder(events), Place::Folder(keys)) => Ok(Self::Folders { events, keys }),
            (Place::Bucket(events), Place::Bucket(keys)) => Ok(Self::Buckets(Buckets {
                events: events.parse()?,
                keys: keys.parse()?,
            })),
            _ => Err(BadPlaces::Mixed),
        }
    }

    /// Where the events are, for people.
    pub fn events(&self) -> String {
        match self {
            Self::Folders { events, .. } => events.display().to_string(),
            Self::Buckets(buckets) => buckets.events.to_string(),
        }
    }

    /// Where the keys are, for people.
    pub fn keys(&self) -> String {
        match self {
            Self::Folders { keys, .. } => keys.display().to_string(),
            Self::Buckets(buckets) => buckets.keys.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(events: &str, keys: Option<&str>) -> Result<Places, BadPlaces> {
        let place = |text: &str| text.parse().unwrap();
        Places::of(place(events), keys.map(place))
    }

    #[test]
    fn keys_are_where_the_events_are_unless_their_place_is_named() {
        let places = of("s3://backup/gb", None).unwrap();
        assert_eq!(
            (&*places.events(), &*places.keys()),
            ("s3://backup/gb", "s3://backup/gb")
        );
        let places = of("backup", Some("keys")).unwrap();
        assert_eq!((&*places.events(), &*places.keys()), ("backup", "keys"));
    }

    #[test]
    fn a_folder_and_an_object_store_are_not_mixed_and_a_bad_bucket_is_not_a_folder() {
        assert!(matches!(
            of("backup", Some("s3://keys")),
            Err(BadPlaces::Mixed)
        ));
        assert!(matches!(of("s3://b", None), Err(BadPlaces::NotABucket(_))));
    }
}
