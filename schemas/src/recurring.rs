//! Words of recurring actions.

use crate::words;

words! {
    /// Unit of the time between two runs of a rule.
    PeriodUnit { Hour = "hour", Day = "day", Week = "week", Month = "month", Year = "year" }
}

words! {
    /// What becomes of periods that went by while the registry could not run them.
    MissedPeriods {
        /// One run makes up for all of them.
        CatchUp = "catch_up",
        /// They are passed over.
        Skip = "skip",
    }
}

words! {
    /// What a run does that can not be met in full.
    Shortfall {
        /// What is possible.
        Partial = "partial",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

words! {
    /// State of a rule.
    RuleStatus {
        /// It runs when its time comes.
        Active = "active",
        /// It waits to be resumed; what comes due meanwhile is passed over.
        Paused = "paused",
        /// It never runs again.
        Ended = "ended",
    }
}

words! {
    /// Why a rule ended.
    EndReason {
        /// Somebody ended it.
        ByHand = "by_hand",
        /// It ran as often as it was to.
        Repetitions = "repetitions",
        /// An account it needs is closed, and closed accounts stay closed.
        AccountClosed = "account_closed",
    }
}

words! {
    /// What became of a period.
    RunOutcome {
        /// All that was wanted was done.
        Met = "met",
        /// Less than wanted was done.
        Partial = "partial",
        /// Nothing was done: too little matched, or nothing.
        Nothing = "nothing",
        /// The period was passed over.
        Skipped = "skipped",
        /// A rule of the registry forbade it; the reason says which.
        Refused = "refused",
        /// More bundles match than one action lists; the run goes on.
        Ongoing = "ongoing",
    }
}
