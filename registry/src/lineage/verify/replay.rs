//! The story, followed step by step.

use super::super::life::{Claimant, Life};
use super::family::Family;
use super::story::{Action, Split, Step, Story, matches};
use ledger::state_machine::transition;
use schemas::WattHours;
use schemas::api::certificate::Lineage;
use schemas::id::{ActionId, BundleId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use std::collections::BTreeMap;

/// Bundles as they are at some point.
pub(super) type Lives = BTreeMap<BundleId, Life>;

/// The issuance is that of the first bundle, and not above its readings.
pub(super) fn amounts(family: &Family<'_>, story: &Story) -> Vec<String> {
    let mut findings = Vec::new();
    let mut broken = |is_so: bool, finding: &str| {
        if is_so {
            findings.push(finding.to_owned());
        }
    };
    let root = &family.root.attributes;
    let issued = &story.issued;
    broken(
        issued.bundle.id != family.root.id || !matches(family, &issued.bundle),
        "the issuance is not that of the first bundle",
    );
    broken(
        issued.device_id != root.device_id
            || issued.metadata_id != root.metadata_id
            || issued.at != root.issuance_datestamp
            || issued.expiry != root.expiry_datestamp,
        "device, metadata, time or expiry of the issuance are not those of the bundle",
    );
    let is_of_another = story.readings.iter().any(|reading| {
        (reading.device_id, reading.start, reading.end)
            != (
                root.device_id,
                root.production_starting_interval,
                root.production_ending_interval,
            )
    });
    broken(is_of_another, "a reading is of another device or interval");
    let read = read_wh(story);
    let quantity = WattHours(family.quantity(family.root));
    broken(
        // What storage released was issued for an allocation, what was imported for a reading elsewhere.
        quantity > read && !root.is_storage && !issued.is_imported,
        &format!("{quantity} were issued, and {read} read"),
    );
    broken(
        issued.is_imported && !story.readings.is_empty(),
        "there is a reading of what was imported",
    );
    findings
}

/// Wh of all readings; a file may say anything, so the sum is bounded.
pub(super) fn read_wh(story: &Story) -> WattHours {
    let amounts = story.readings.iter().map(|reading| reading.wh.0);
    WattHours(amounts.fold(0, i64::saturating_add))
}

struct Replay<'a> {
    family: &'a Family<'a>,
    lives: Lives,
    findings: Vec<String>,
    /// An action that has split a followed bundle and has not acted on its part yet.
    due: Option<(ActionId, BundleId)>,
}

/// States and holders after the last step, and what was not allowed.
pub(super) fn replay(family: &Family<'_>, story: &Story) -> (Lives, Vec<String>) {
    let mut replay = Replay {
        family,
        lives: Lives::from([(family.root.id, Life::issued_to(story.issued.account_id))]),
        findings: Vec::new(),
        due: None,
    };
    for step in &story.steps {
        match step {
            Step::Split(split) => replay.split(split),
            Step::Action(action) => replay.act(action),
        }
    }
    replay.nothing_due();
    for (parent, _) in family.splits() {
        let status = replay.lives.get(&parent.id).map(|life| life.status);
        if status != Some(CertificateStatus::BundleSplit) {
            replay.broken(format!("that bundle {} was split is not told", parent.id));
        }
    }
    (replay.lives, replay.findings)
}

impl Replay<'_> {
    fn broken(&mut self, finding: String) {
        self.findings.push(finding);
    }

    fn nothing_due(&mut self) {
        if let Some((action, bundle)) = self.due.take() {
            self.broken(format!(
                "action {action} has split bundle {bundle} off and not acted on it"
            ));
        }
    }

    fn split(&mut self, split: &Split) {
        self.nothing_due();
        let id = split.bundle_id;
        let parts = self.family.parts(id);
        let is_as_hashed = parts.len() == split.parts.len()
            && parts
                .iter()
                .zip(&split.parts)
                .all(|(part, named)| part.id == named.id && matches(self.family, named));
        if parts.is_empty() || !is_as_hashed {
            self.broken(format!(
                "the parts of bundle {id} are not those it was split into"
            ));
        }
        let Some(life) = self.lives.get_mut(&id) else {
            return self.broken(format!("bundle {id} is split before it is there"));
        };
        let before = life.clone();
        life.status = CertificateStatus::BundleSplit;
        let can_be_split = ActionType::ALL
            .iter()
            .map(|action| transition(*action))
            .any(|row| row.splits && row.from.contains(&before.status));
        if !can_be_split
            || split
                .rest_status
                .is_some_and(|status| status != before.status)
        {
            self.broken(format!(
                "bundle {id} can not be split while it is {}",
                before.status
            ));
        }
        self.lives
            .extend(parts.iter().map(|part| (part.id, before.clone())));
        if let Some(taken) = parts
            .first()
            .filter(|part| self.family.is_followed(part.id))
        {
            self.due = Some((split.action_id, taken.id));
        }
    }

    fn act(&mut self, action: &Action) {
        let id = action.bundle_id;
        let row = transition(action.action_type);
        let verb = action.action_type;
        let mut wrong = Vec::new();
        match self.due.take() {
            Some(due) if due != (action.action_id, id) => {
                wrong.push("is not what the split was for")
            }
            Some(_) if !row.splits => wrong.push("takes bundles whole"),
            _ => {}
        }
        if !self.family.is_followed(id) {
            wrong.push("is on a bundle whose history is not told");
        }
        let expiry = self.family.root.attributes.expiry_datestamp;
        if row.refuses_expired && action.at >= expiry {
            wrong.push("came after the bundle had expired");
        }
        if action.action_type == ActionType::Expire && action.at < expiry {
            wrong.push("came before the bundle expires");
        }
        if action.to.is_some() != (action.action_type == ActionType::Transfer) {
            wrong.push("names a new holder, or lacks one");
        }
        match self.lives.get_mut(&id) {
            None => wrong.push("is on a bundle that is not there yet"),
            Some(life) => {
                if !row.from.contains(&life.status) {
                    wrong.push("is not allowed from the state the bundle is in");
                }
                let allowed = match (action.action_type, life.claimant) {
                    (ActionType::Claim, Claimant::Hidden) => true,
                    (ActionType::Claim, Claimant::Account(account)) => action.from == account,
                    _ => action.from == life.account_id,
                };
                if !allowed {
                    wrong.push("is for an account that may not take it");
                }
                let before = life.status;
                life.act(action.action_type, action.to, action.claimant);
                if action
                    .statuses
                    .is_some_and(|told| told != [before, life.status])
                {
                    wrong.push("does not lead from and to the states that are told");
                }
            }
        }
        for what in wrong {
            self.broken(format!(
                "bundle {id}: action {} ({verb}) {what}",
                action.action_id
            ));
        }
    }
}

/// What is there now is what the story leads to.
pub(super) fn leaves(lineage: &Lineage, family: &Family<'_>, lives: &Lives) -> Vec<String> {
    let mut findings = Vec::new();
    let mut told = lineage.leaves.iter();
    for bundle in family.leaves() {
        let Some(leaf) = told.next() else {
            findings.push(format!("what bundle {} is now is not told", bundle.id));
            continue;
        };
        let attributes = &bundle.attributes;
        let is_same = leaf.bundle_id == bundle.id
            && leaf.certificate_bundle_id_range_start
                == attributes.certificate_bundle_id_range_start
            && leaf.certificate_bundle_id_range_end == attributes.certificate_bundle_id_range_end
            && leaf.bundle_quantity == WattHours(family.quantity(bundle));
        if !is_same {
            findings.push(format!(
                "bundle {} is not the part that is told of",
                leaf.bundle_id
            ));
        }
        let Some(life) = lives.get(&bundle.id) else {
            findings.push(format!("how bundle {} came to be is not told", bundle.id));
            continue;
        };
        if (leaf.account_id, leaf.certificate_bundle_status) != (life.account_id, life.status) {
            findings.push(format!(
                "bundle {} is {} in account {}, but its history leads to {} in account {}",
                bundle.id,
                leaf.certificate_bundle_status,
                leaf.account_id,
                life.status,
                life.account_id
            ));
        }
    }
    if told.next().is_some() {
        findings.push("more parts are told of than there are".to_owned());
    }
    findings
}
