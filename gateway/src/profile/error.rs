//! What is wrong with profiles.

use std::fmt;

/// One rule that a profile breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {place}: {rule}")]
pub struct ProfileError {
    /// The file's name.
    pub file: String,
    /// The section or point.
    pub place: String,
    /// The rule, in words.
    pub rule: String,
}

/// All the rules that profiles break, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileErrors(pub Vec<ProfileError>);

impl fmt::Display for ProfileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileErrors {}

/// Collects what is wrong with one file.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    found: Vec<ProfileError>,
}

impl Findings {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, place: impl fmt::Display, rule: impl fmt::Display) {
        self.found.push(ProfileError {
            file: self.file.clone(),
            place: place.to_string(),
            rule: rule.to_string(),
        });
    }

    /// `checked`, unless something was found.
    pub(super) fn finish<T>(self, checked: Option<T>) -> Result<T, ProfileErrors> {
        match checked {
            Some(checked) if self.found.is_empty() => Ok(checked),
            _ => Err(ProfileErrors(self.found)),
        }
    }
}
