//! Ids as requests name them.

use super::problem::FieldError;
use super::value::{At, FromValue, Given};
use serde::{Serialize, Serializer};
use std::fmt;

/// An id that a request names. Whether its sender may know what it stands for, or act for it, is not checked
/// yet, so it is no id that a command or a query takes: only a [`Check`] makes one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<T>(T);

/// Whoever looks at what an id stands for and who names it before the id is used. The registry's access
/// checks are the one implementation.
pub trait Check {}

impl<T> Named<T> {
    /// The id, for who checks it.
    pub fn open(self, _: &impl Check) -> T {
        self.0
    }
}

impl<T: FromValue> FromValue for Named<T> {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        T::from_value(given, at, errors).map(Self)
    }
}

/// Who named it may hear it again.
impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: fmt::Display> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
