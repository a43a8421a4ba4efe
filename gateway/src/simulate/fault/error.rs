//! What is wrong with a script.

use std::fmt;

/// A rule that a script breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, {place}: {rule}")]
pub struct FaultError {
    /// The file.
    pub file: String,
    /// Which fault, and which of its fields.
    pub place: String,
    /// What has to hold.
    pub rule: String,
}

/// All rules that a script breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultErrors(pub Vec<FaultError>);

impl fmt::Display for FaultErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for FaultErrors {}
