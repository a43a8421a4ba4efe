//! What was found.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Well,
    /// It works, and may not for long.
    Warning,
    /// It does not work, or not safely.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `disk`, `database write`.
    pub about: &'static str,
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub says: String,
    /// What to do; empty where nothing is to be done, or where it is said already.
    pub advice: String,
}

impl Finding {
    pub(super) fn well(about: &'static str, says: impl Into<String>) -> Self {
        Self::of(about, Grade::Well, says, "")
    }

    pub(super) fn warning(
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::of(about, Grade::Warning, says, advice)
    }

    pub(super) fn problem(
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::of(about, Grade::Problem, says, advice)
    }

    fn of(
        about: &'static str,
        grade: Grade,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            about,
            grade,
            says: says.into(),
            advice: advice.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Well => "well",
            Grade::Warning => "warning",
            Grade::Problem => "PROBLEM",
        };
        write!(f, "{grade:<8} {:<15} {}", self.about, self.says)?;
        if !self.advice.is_empty() {
            write!(f, "\n{:24} -> {}", "", self.advice)?;
        }
        Ok(())
    }
}
