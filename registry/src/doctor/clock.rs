//! The clocks of the machines.

use super::Finding;
use chrono::{DateTime, TimeDelta, Utc};

/// From here on, times in answers and deadlines look odd.
const ODD: TimeDelta = TimeDelta::seconds(1);
/// From here on, tokens and envelopes of gateways are refused.
const WRONG: TimeDelta = TimeDelta::seconds(30);

const ADVICE: &str = "keep the clocks of all machines with NTP (timedatectl set-ntp true)";

/// What the clock of another machine said between two looks at this one's.
pub(super) fn compare(
    about: &'static str,
    before: DateTime<Utc>,
    theirs: DateTime<Utc>,
    after: DateTime<Utc>,
) -> Option<Finding> {
    // On the way it went on: only what is outside of both looks is known to differ.
    let differs = (before - theirs).max(theirs - after);
    let says = format!(
        "its clock and the one here differ by {} ms",
        differs.num_milliseconds()
    );
    if differs >= WRONG {
        Some(Finding::problem(about, says, ADVICE))
    } else if differs >= ODD {
        Some(Finding::warning(about, says, ADVICE))
    } else {
        None
    }
}

/// The last event was recorded in the future.
pub(super) fn ahead(
    about: &'static str,
    recorded: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Finding> {
    let ahead = recorded - now;
    (ahead >= ODD).then(|| {
        let says = format!(
            "the last event was recorded {} ms in the future, so the clock here has gone back, or that of another \
             registry is ahead; up to a minute, decisions are dated behind it",
            ahead.num_milliseconds()
        );
        Finding::problem(about, says, ADVICE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade;

    #[test]
    fn clocks_that_differ_are_a_warning_and_then_a_problem_whichever_is_ahead() {
        let now = Utc::now();
        let grade = |theirs: DateTime<Utc>| {
            compare("x", now, theirs, now + TimeDelta::milliseconds(5)).map(|found| found.grade)
        };
        let ms = TimeDelta::milliseconds;
        for (theirs, expected) in [
            (now, None),
            (now + ms(5) + ODD - ms(1), None),
            (now + ms(5) + ODD, Some(Grade::Warning)),
            (now - ODD, Some(Grade::Warning)),
            (now + ms(5) + WRONG, Some(Grade::Problem)),
            (now - WRONG, Some(Grade::Problem)),
        ] {
            assert_eq!(grade(theirs), expected, "{}", theirs - now);
        }
    }

    #[test]
    fn an_event_from_the_future_is_a_problem() {
        let now = Utc::now();
        assert_eq!(ahead("x", now, now), None);
        assert_eq!(
            ahead("x", now + ODD, now).map(|found| found.grade),
            Some(Grade::Problem)
        );
    }
}
