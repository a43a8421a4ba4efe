//! The life cycle of a bundle, as one table.

use ActionType as Action;
use CertificateStatus as Status;
use schemas::life_cycle::{ActionType, CertificateStatus};

/// What an action makes of a bundle's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The state stays; the holder changes.
    Stays,
    /// The state is this from here on.
    Becomes(Status),
    /// The state is what it was before the lock.
    Returns,
}

/// One row: from which states an action is allowed, what becomes of the state, and whether an expired
/// bundle is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The action.
    pub action: Action,
    /// States it is allowed from.
    pub from: &'static [Status],
    /// What becomes of the state.
    pub outcome: Outcome,
    /// Whether a bundle past its expiry is refused.
    pub refuses_expired: bool,
    /// Whether a bundle may be split for it.
    pub splits: bool,
}

/// Every transition there is. Issuance makes a bundle Active; a split makes its parent Bundle Split.
pub const TABLE: &[Transition] = &[
    Transition {
        action: Action::Transfer,
        from: &[Status::Active],
        outcome: Outcome::Stays,
        refuses_expired: true,
        splits: true,
    },
    Transition {
        action: Action::Cancel,
        from: &[Status::Active, Status::Reserved],
        outcome: Outcome::Becomes(Status::Cancelled),
        refuses_expired: true,
        splits: true,
    },
    Transition {
        action: Action::Claim,
        from: &[Status::Cancelled],
        outcome: Outcome::Becomes(Status::Claimed),
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Reserve,
        from: &[Status::Active],
        outcome: Outcome::Becomes(Status::Reserved),
        refuses_expired: true,
        splits: true,
    },
    Transition {
        action: Action::Release,
        from: &[Status::Reserved],
        outcome: Outcome::Becomes(Status::Active),
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Lock,
        from: &[Status::Active, Status::Reserved],
        outcome: Outcome::Becomes(Status::Locked),
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Unlock,
        from: &[Status::Locked],
        outcome: Outcome::Returns,
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Withdraw,
        from: &[Status::Active, Status::Reserved, Status::Locked],
        outcome: Outcome::Becomes(Status::Withdrawn),
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Expire,
        from: &[Status::Active, Status::Reserved],
        outcome: Outcome::Becomes(Status::Expired),
        refuses_expired: false,
        splits: false,
    },
    Transition {
        action: Action::CancelForStorage,
        from: &[Status::Active, Status::Reserved],
        outcome: Outcome::Becomes(Status::CancelledForStorage),
        refuses_expired: true,
        splits: true,
    },
    // By issuance for storage alone: what it uses up stays as it is, and is used up.
    Transition {
        action: Action::UseForStorage,
        from: &[Status::CancelledForStorage],
        outcome: Outcome::Becomes(Status::CancelledForStorage),
        refuses_expired: false,
        splits: true,
    },
    Transition {
        action: Action::Export,
        from: &[Status::Active],
        outcome: Outcome::Becomes(Status::ExportOffered),
        refuses_expired: true,
        splits: true,
    },
    // What is offered may circulate elsewhere already, so nothing else happens to it here: it does not
    // expire, and the issuing body takes it back before it withdraws or locks it.
    Transition {
        action: Action::ConfirmExport,
        from: &[Status::ExportOffered],
        outcome: Outcome::Becomes(Status::Exported),
        refuses_expired: false,
        splits: false,
    },
    Transition {
        action: Action::TakeBackExport,
        from: &[Status::ExportOffered],
        outcome: Outcome::Becomes(Status::Active),
        refuses_expired: false,
        splits: false,
    },
];

/// The row of an action.
#[must_use]
pub fn transition(action: Action) -> &'static Transition {
    &TABLE[action as usize]
}

/// The table as Markdown, as README prints it.
#[must_use]
pub fn markdown() -> String {
    let mut text =
        String::from("| action | allowed from | becomes | refuses expired |\n|---|---|---|---|\n");
    for row in TABLE {
        let from: Vec<_> = row.from.iter().map(|status| status.as_str()).collect();
        let becomes = match row.outcome {
            Outcome::Stays => "unchanged, in the target account",
            Outcome::Becomes(status) => status.as_str(),
            Outcome::Returns => "what it was before the lock",
        };
        let expired = if row.refuses_expired { "yes" } else { "no" };
        text.push_str(&format!(
            "| {} | {} | {becomes} | {expired} |\n",
            row.action,
            from.join(", ")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_row() {
        assert_eq!(TABLE.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(transition(*action).action, *action);
        }
    }

    #[test]
    fn final_states_are_never_left() {
        let finals = [
            Status::Claimed,
            Status::Expired,
            Status::Withdrawn,
            Status::BundleSplit,
            Status::Exported,
        ];
        for row in TABLE {
            assert!(
                row.from.iter().all(|from| !finals.contains(from)),
                "{} leaves a final state",
                row.action
            );
        }
    }

    #[test]
    fn what_is_cancelled_for_storage_stays_so() {
        let leaving = TABLE
            .iter()
            .filter(|row| row.from.contains(&Status::CancelledForStorage));
        for row in leaving {
            assert_eq!(row.outcome, Outcome::Becomes(Status::CancelledForStorage));
        }
    }

    #[test]
    fn what_is_offered_to_another_registry_is_only_confirmed_or_taken_back() {
        let actions: Vec<_> = TABLE
            .iter()
            .filter(|row| row.from.contains(&Status::ExportOffered))
            .map(|row| row.action)
            .collect();
        assert_eq!(actions, [Action::ConfirmExport, Action::TakeBackExport]);
    }

    #[test]
    fn a_cancelled_bundle_can_only_be_claimed() {
        let actions: Vec<_> = TABLE
            .iter()
            .filter(|row| row.from.contains(&Status::Cancelled))
            .collect();
        assert_eq!(
            actions.iter().map(|row| row.action).collect::<Vec<_>>(),
            [Action::Claim]
        );
    }
}
