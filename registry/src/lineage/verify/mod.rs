//! Whether a saved lineage holds together: hashes, ranges, amounts, states and the signed envelope of a gateway,
//! recomputed from the file alone.
//!
//! That a file holds together does not say that the registry wrote it: whoever makes up a whole history
//! makes up its hashes too. The hash of the bundle has to be the one that the registry answers for it.
//! Nor does the file tell whether the key in it is the gateway's: that is for GET /gateway/{id} to say.
//! What nothing in the file depends on can not be checked and is listed in [`NOT_COVERED`]; nor can it be
//! seen that something was left out without which the rest is a history too.

mod evidence;
mod family;
mod ranges;
mod replay;
mod story;

use family::Family;
use schemas::api::certificate::Lineage;
use std::fmt;

/// Values of which a change may go unnoticed, as the ends of their paths in the file; `*` stands for one
/// name. No hash covers them, and nothing else in the file follows from them alone.
pub const NOT_COVERED: &[(&str, &str)] = &[
    (
        "ledger_position",
        "positions are checked for their order only",
    ),
    ("position", "likewise"),
    ("at", "times of actions are checked against the expiry only"),
    ("recorded_at", "likewise"),
    ("requested_at", "when a request arrived decides nothing"),
    (
        "interval_usage",
        "a reading may be above what was issued for it",
    ),
    ("measurement_id", "ids of readings are checked nowhere else"),
    ("gross_net_indicator", "stored as submitted"),
    ("device_name", "names are not hashed, ids are"),
    ("device_unique_id", "likewise"),
    (
        "metadata/*",
        "the hash covers the id of the metadata, not its texts",
    ),
    (
        "action_id",
        "a part that went elsewhere is shown without its action",
    ),
    ("user_id", "who asked decides nothing"),
    ("beneficiary", "a text"),
    ("beneficiary_account_id", "matters for a claim only"),
    (
        "from_account_id",
        "of a claim by a beneficiary whom the reader may not see",
    ),
    ("reason", "a text"),
    ("is_redacted", "says what is left out"),
    ("is_extract", "likewise"),
    (
        "version",
        "an older version of an event may have the same shape",
    ),
    ("actor", "who acted decides nothing"),
    ("command_id", "a name"),
    (
        "payload/account_id",
        "of a reading: the account of the device then",
    ),
    (
        "envelope/*",
        "of a reading that is told in order: the raw form has the envelope to check",
    ),
    (
        "payload/gateway/*",
        "of a reading whose envelope the reader may not see",
    ),
    (
        "payload/outcome/*",
        "what became of other readings of the envelope, too",
    ),
    ("outcome/refused/*/*", "likewise"),
    (
        "payload/code",
        "a used one-time code, of which nothing is shown",
    ),
    ("payload/replaces", "the gateway's key before"),
    ("payload/accepted_until", "likewise"),
    ("payload/first_measurement_id", "as `measurement_id`"),
    (
        "payload/previous_wh",
        "of a correction: the amount until then",
    ),
    ("payload/wh", "of a correction: as `interval_usage`"),
    (
        "payload/settle",
        "of a correction: what was to become of it",
    ),
    ("payload/runs/*/wh/*", "of a reading: as `interval_usage`"),
    ("payload/source_id", "as `from_account_id`"),
    (
        "payload/certificate_quantity",
        "what was asked for, over all bundles of the action",
    ),
    ("payload/certificate_bundle_percentage", "likewise"),
    ("payload/quantity_mode", "likewise"),
    ("payload/localise_time", "decides nothing"),
    (
        "origin/*",
        "what another registry calls it; its own lineage there tells more",
    ),
    ("payload/import_id", "a name"),
    ("payload/export/*", "as `origin`"),
    ("lots/*/bundles/*/4", "as `origin`"),
    ("lots/*/bundles/*/5", "as `origin`"),
    ("lots/*/bundles/*/6", "as `origin`"),
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// What was seen.
    pub seen: String,
    /// What is wrong, in sentences.
    pub findings: Vec<String>,
}

/// What became of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Every check that could be made.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.findings.is_empty())
    }

    fn add(&mut self, name: &'static str, seen: String, findings: Vec<String>) {
        self.checks.push(Check {
            name,
            seen,
            findings,
        });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let outcome = if check.findings.is_empty() {
                "ok  "
            } else {
                "FAIL"
            };
            writeln!(f, "{outcome} {}: {}", check.name, check.seen)?;
            for finding in &check.findings {
                writeln!(f, "       {finding}")?;
            }
        }
        Ok(())
    }
}

/// Checks a lineage.
#[must_use]
pub fn verify(lineage: &Lineage) -> Verdict {
    let mut verdict = Verdict::default();
    let (family, findings) = Family::of(lineage);
    let seen = format!(
        "{} bundles descend from one issuance",
        lineage.bundles.len()
    );
    verdict.add("family", seen, findings);
    // Nothing can be followed where bundles are missing.
    let Some(family) = family else {
        return verdict;
    };
    let seen = format!(
        "{} recomputed, each over that of its parent",
        lineage.bundles.len()
    );
    verdict.add("hashes", seen, ranges::hashes(&family));
    let seen = "every part has what the bundle was issued with".to_owned();
    verdict.add("attributes", seen, ranges::attributes(&family));
    let seen = format!(
        "{} splits into two parts without gap or overlap",
        family.splits().count()
    );
    verdict.add("ranges", seen, ranges::partitions(&family));
    let (story, findings) = story::of(lineage, &family);
    let steps = story.as_ref().map_or(0, |story| story.steps.len());
    verdict.add(
        "order",
        format!("issued, then {steps} splits and actions"),
        findings,
    );
    if let Some(story) = story {
        let read = replay::read_wh(&story);
        let seen = format!("{} Wh issued for {read} read", family.quantity(family.root));
        verdict.add("reading", seen, replay::amounts(&family, &story));
        if let Some((seen, findings)) = evidence::check(&story) {
            verdict.add("envelope", seen, findings);
        }
        let (lives, findings) = replay::replay(&family, &story);
        let seen = "every action is allowed from the state and for the holder before".to_owned();
        verdict.add("transitions", seen, findings);
        let seen = format!(
            "{} Wh in {} bundles",
            family.quantity(family.asked),
            lineage.leaves.len()
        );
        verdict.add("now", seen, replay::leaves(lineage, &family, &lives));
    }
    verdict
}
