//! What an audit found.

use crate::Target;
use std::fmt;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// I1.
    Acknowledged,
    /// I2.
    Metered,
    /// I3.
    Partition,
    /// I4.
    OnePlace,
    /// I5.
    Gapless,
    /// I6.
    Rebuilt,
    /// I7.
    Checkpoint,
}

impl Invariant {
    /// All that are audited here.
    pub const ALL: [Self; 7] = [
        Self::Acknowledged,
        Self::Metered,
        Self::Partition,
        Self::OnePlace,
        Self::Gapless,
        Self::Rebuilt,
        Self::Checkpoint,
    ];

    /// Its short name, `I1` to `I7`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["I1", "I2", "I3", "I4", "I5", "I6", "I7"][self as usize]
    }

    /// What it says.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Acknowledged => "no acknowledged write is missing, none is applied twice",
            Self::Metered => "issued Wh per device and interval do not exceed the metered",
            Self::Partition => "live leaves partition the issued range exactly",
            Self::OnePlace => "each Wh is in one account and state, and moves as the rules allow",
            Self::Gapless => "positions are gapless and the running hash is right",
            Self::Rebuilt => "rebuilt from the log equals live, row by row",
            Self::Checkpoint => "no row is above its checkpoint",
        }
    }
}

/// One invariant, looked at in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub invariant: Invariant,
    /// Where; `None`: in the log.
    pub target: Option<Target>,
    /// What was found wrong, in sentences.
    pub failures: Vec<String>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    /// Every check that was made.
    pub checks: Vec<Check>,
}

impl AuditReport {
    pub(super) fn add(
        &mut self,
        invariant: Invariant,
        target: Option<Target>,
        failures: Vec<String>,
    ) {
        self.checks.push(Check {
            invariant,
            target,
            failures,
        });
    }

    /// Whether nothing was found wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Everything found wrong, with where it was found.
    pub fn failures(&self) -> impl Iterator<Item = String> + '_ {
        self.checks.iter().flat_map(|check| {
            let place = check.target.map_or("log", Target::as_str);
            check
                .failures
                .iter()
                .map(move |failure| format!("{} {place}: {failure}", check.invariant.name()))
        })
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for invariant in Invariant::ALL {
            let mut checks = self
                .checks
                .iter()
                .filter(|check| check.invariant == invariant)
                .peekable();
            if checks.peek().is_none() {
                continue;
            }
            let failed = checks.any(|check| !check.failures.is_empty());
            let outcome = if failed { "FAIL" } else { "pass" };
            writeln!(f, "{} {outcome}  {}", invariant.name(), invariant.rule())?;
        }
        for failure in self.failures() {
            writeln!(f, "  {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_one_failure_has_not_passed_and_names_it() {
        let mut report = AuditReport::default();
        report.add(Invariant::Gapless, None, Vec::new());
        assert!(report.passed());
        let wrong = "table bundle, row 5: live has 1, the log gives 2".to_owned();
        report.add(Invariant::Rebuilt, Some(Target::Read), vec![wrong]);
        assert!(!report.passed());
        let printed = report.to_string();
        assert!(printed.contains("I5 pass"), "{printed}");
        assert!(printed.contains("I6 FAIL"), "{printed}");
        assert!(
            printed.contains("I6 read: table bundle, row 5"),
            "{printed}"
        );
    }
}
