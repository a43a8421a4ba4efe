//! What happened, out of a timeline or out of events.

mod issued;

use super::super::life::Claimant;
use super::evidence::{Evidence, Key};
use super::family::Family;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::WattHours;
use schemas::api::certificate::{Lineage, LineageEntry, LineageEvent, LineageFormat};
use schemas::event::LedgerEvent;
use schemas::event::action::BundleAction;
use schemas::event::gateway::FromGateway;
use schemas::event::reading::Run;
use schemas::id::{
    AccountId, ActionId, BundleId, CertificateId, DeviceId, MAX_CERTIFICATE_ID, MeasurementId,
    MetadataId,
};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::log::Position;

/// Longest interval of production.
const SECONDS_PER_HOUR: u32 = 3_600;

pub(super) struct Reading {
    pub id: MeasurementId,
    pub device_id: DeviceId,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub wh: WattHours,
    pub source: Source,
}

/// Who said what a reading is.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// A gateway. Its envelope is shown to whom the event is shown whole.
    Gateway { from: FromGateway, is_shown: bool },
    /// A person, of a reading that may be a gateway's.
    Corrected,
    /// A person, or it is not told.
    Other,
}

/// A bundle as an entry names it.
#[derive(Clone)]
pub(super) struct Named {
    pub id: BundleId,
    pub start: CertificateId,
    pub end: CertificateId,
    pub quantity: Option<WattHours>,
    pub hash: Option<String>,
}

pub(super) struct Issued {
    pub at: DateTime<Utc>,
    pub bundle: Named,
    pub account_id: AccountId,
    pub device_id: DeviceId,
    pub metadata_id: MetadataId,
    pub expiry: DateTime<Utc>,
    /// Whether another registry issued, where the readings are.
    pub is_imported: bool,
}

pub(super) struct Split {
    pub action_id: ActionId,
    pub bundle_id: BundleId,
    pub parts: Vec<Named>,
    pub rest_status: Option<CertificateStatus>,
}

pub(super) struct Action {
    pub at: DateTime<Utc>,
    pub action_id: ActionId,
    pub action_type: ActionType,
    pub bundle_id: BundleId,
    pub from: AccountId,
    pub to: Option<AccountId>,
    pub claimant: Claimant,
    /// States before and after, where they are told.
    pub statuses: Option<[CertificateStatus; 2]>,
}

pub(super) enum Step {
    Split(Split),
    Action(Action),
}

pub(super) struct Story {
    pub readings: Vec<Reading>,
    pub issued: Issued,
    pub steps: Vec<Step>,
    pub evidence: Evidence,
}

#[derive(Default)]
struct Teller {
    readings: Vec<Reading>,
    evidence: Evidence,
    issued: Vec<Issued>,
    steps: Vec<Step>,
    last: Option<Position>,
    findings: Vec<String>,
}

/// The story, unless it does not tell of the issuance; and what is wrong with its order.
pub(super) fn of(lineage: &Lineage, family: &Family<'_>) -> (Option<Story>, Vec<String>) {
    let mut teller = Teller::default();
    match (lineage.format, &lineage.timeline, &lineage.events) {
        (LineageFormat::Timeline, Some(entries), None) => {
            entries.iter().for_each(|entry| teller.entry(entry));
        }
        (LineageFormat::Raw, None, Some(events)) => {
            events.iter().for_each(|event| teller.event(event, family));
        }
        _ => teller.broken("the file has not exactly the form that `format` says"),
    }
    if teller
        .last
        .is_some_and(|last| last > lineage.ledger_position)
    {
        teller.broken("something happened after the position that the answer reflects");
    }
    if teller.issued.len() != 1 {
        teller.broken(&format!(
            "there are {} issuances, not one",
            teller.issued.len()
        ));
    }
    let story = teller.issued.pop().map(|issued| Story {
        readings: teller.readings,
        issued,
        steps: teller.steps,
        evidence: teller.evidence,
    });
    (story, teller.findings)
}

impl Teller {
    fn broken(&mut self, finding: &str) {
        self.findings.push(finding.to_owned());
    }

    /// Nothing happens before what stands before it.
    fn follows(&mut self, position: Position) {
        if self.last.is_some_and(|last| position < last) {
            self.broken(&format!(
                "what stands at position {position} comes too late"
            ));
        }
        self.last = Some(position);
    }

    fn reading(&mut self, reading: Reading) {
        if !self.issued.is_empty() {
            self.broken("a reading stands after the issuance");
        }
        if self.readings.iter().any(|other| other.id == reading.id) {
            self.broken(&format!("reading {} is there twice", reading.id));
        }
        self.readings.push(reading);
    }

    fn step(&mut self, step: Step) {
        if self.issued.is_empty() {
            self.broken("an action stands before the issuance");
        }
        self.steps.push(step);
    }

    fn entry(&mut self, entry: &LineageEntry) {
        match entry {
            LineageEntry::Reading(reading) => {
                self.follows(reading.ledger_position);
                self.reading(Reading {
                    id: reading.measurement_id,
                    device_id: reading.device_id,
                    start: reading.interval_start_datetime,
                    end: reading.interval_end_datetime,
                    wh: reading.interval_usage,
                    source: Source::Other,
                });
            }
            LineageEntry::Issuance(issuance) => {
                self.follows(issuance.ledger_position);
                let range = (
                    issuance.certificate_bundle_id_range_start.0,
                    issuance.certificate_bundle_id_range_end.0,
                );
                let is_other = issuance.origin.as_ref().is_some_and(|origin| {
                    let (start, end) = (
                        origin.certificate_bundle_id_range_start,
                        origin.certificate_bundle_id_range_end,
                    );
                    (start, end) != range
                });
                if is_other {
                    self.broken("other certificates were imported than the bundle has");
                }
                self.issued.push(Issued {
                    at: issuance.at,
                    bundle: Named {
                        id: issuance.bundle_id,
                        start: issuance.certificate_bundle_id_range_start,
                        end: issuance.certificate_bundle_id_range_end,
                        quantity: Some(issuance.bundle_quantity),
                        hash: Some(issuance.hash.clone()),
                    },
                    account_id: issuance.account_id,
                    device_id: issuance.device_id,
                    metadata_id: issuance.metadata_id,
                    expiry: issuance.expiry_datestamp,
                    is_imported: issuance.origin.is_some(),
                });
            }
            LineageEntry::Split(split) => {
                self.follows(split.ledger_position);
                let parts = split.parts.iter().map(|part| Named {
                    id: part.bundle_id,
                    start: part.certificate_bundle_id_range_start,
                    end: part.certificate_bundle_id_range_end,
                    quantity: Some(part.bundle_quantity),
                    hash: Some(part.hash.clone()),
                });
                self.step(Step::Split(Split {
                    action_id: split.action_id,
                    bundle_id: split.bundle_id,
                    parts: parts.collect(),
                    rest_status: None,
                }));
            }
            LineageEntry::Action(action) => {
                self.follows(action.ledger_position);
                self.step(Step::Action(Action {
                    at: action.at,
                    action_id: action.action_id,
                    action_type: action.action_type,
                    bundle_id: action.bundle_id,
                    from: action.from_account_id,
                    to: action.to_account_id,
                    claimant: claimant(action.beneficiary_account_id, action.is_redacted),
                    statuses: Some([action.status_before, action.status_after]),
                }));
            }
        }
    }

    fn event(&mut self, event: &LineageEvent, family: &Family<'_>) {
        self.follows(event.position);
        let payload = event.payload.to_string();
        match LedgerEvent::decode(&event.event_type, event.version, payload.as_bytes()) {
            Ok(LedgerEvent::ReadingsAccepted(accepted)) if is_one(&accepted.runs) => {
                let is_shown = !event.is_redacted;
                let source = accepted
                    .gateway
                    .map_or(Source::Other, |from| Source::Gateway { from, is_shown });
                for (id, interval, wh) in accepted.readings() {
                    self.reading(Reading {
                        id,
                        device_id: accepted.device_id,
                        start: interval.start(),
                        end: interval.end(),
                        wh,
                        source,
                    });
                }
            }
            Ok(LedgerEvent::MeasurementMoved(moved)) => self.reading(Reading {
                id: moved.measurement_id,
                device_id: moved.device_id,
                start: moved.interval.start(),
                end: moved.interval.end(),
                wh: moved.wh,
                source: Source::Other,
            }),
            Ok(LedgerEvent::ReadingCorrected(corrected)) => self.reading(Reading {
                id: corrected.measurement_id,
                device_id: corrected.device_id,
                start: corrected.interval.start(),
                end: corrected.interval.end(),
                wh: corrected.wh,
                source: Source::Corrected,
            }),
            Ok(LedgerEvent::EnvelopeAccepted(accepted)) => {
                self.evidence.envelopes.push(accepted);
            }
            Ok(LedgerEvent::GatewayEnrolled(enrolled)) => self.evidence.keys.push(Key {
                id: enrolled.key_id,
                gateway_id: enrolled.gateway_id,
                public: enrolled.public_key,
            }),
            Ok(LedgerEvent::GatewayKeyAdded(added)) => self.evidence.keys.push(Key {
                id: added.key_id,
                gateway_id: added.gateway_id,
                public: added.public_key,
            }),
            Ok(LedgerEvent::BundlesIssued(issued)) if is_one(&issued.runs) => {
                self.issuance(event, &issued, family);
            }
            Ok(LedgerEvent::StorageCertificatesIssued(issued)) => {
                self.released(event, &issued, family);
            }
            Ok(LedgerEvent::BundlesImported(imported)) => self.imported(&imported, family),
            Ok(LedgerEvent::BundlesActed(action)) => self.action(event, &action, family),
            Ok(_) => self.broken(&format!("{} is no event of one bundle", event.event_type)),
            Err(error) => self.broken(&error.to_string()),
        }
    }

    fn action(&mut self, event: &LineageEvent, action: &BundleAction, family: &Family<'_>) {
        if event.event_type != action.event_type() {
            self.broken(&format!("{} is a {}", event.event_type, action.action_type));
        }
        let root = &family.root.attributes;
        for part in &action.parts {
            if !is_serial(part.start) || !is_serial(part.end) {
                self.broken(&format!("bundle {} has no such serials", part.bundle_id));
                continue;
            }
            let origin = part
                .origin
                .map(|origin| (origin.device_id, origin.interval_start));
            let expected = (action.action_type == ActionType::Withdraw && !root.is_storage)
                .then_some((root.device_id, root.production_starting_interval));
            if origin != expected {
                self.broken(&format!(
                    "bundle {}: the origin is not that of the bundle",
                    part.bundle_id
                ));
            }
            let acted_on = Named {
                id: part.acted_on(),
                start: part.start,
                end: part.end,
                quantity: None,
                hash: None,
            };
            if !matches(family, &acted_on) {
                self.broken(&format!(
                    "bundle {} has another range than was acted on",
                    acted_on.id
                ));
            }
            if let Some(split) = part.split {
                let rest = Named {
                    id: split.rest,
                    start: part.end.plus(1),
                    end: split.rest_end,
                    quantity: None,
                    hash: None,
                };
                self.step(Step::Split(Split {
                    action_id: action.action_id,
                    bundle_id: part.bundle_id,
                    parts: vec![acted_on.clone(), rest],
                    rest_status: Some(split.rest_status),
                }));
            }
            if family.is_followed(acted_on.id) {
                self.step(Step::Action(Action {
                    at: event.recorded_at,
                    action_id: action.action_id,
                    action_type: action.action_type,
                    bundle_id: acted_on.id,
                    from: action.source_id,
                    to: action.target_id,
                    claimant: claimant(action.beneficiary_account_id, event.is_redacted),
                    statuses: None,
                }));
            }
        }
    }
}

/// Whether there is one interval with an amount that can be. A file may say anything, and what follows must
/// not overflow.
fn is_one(runs: &[Run]) -> bool {
    let [run] = runs else { return false };
    let [wh] = run.wh.as_slice() else {
        return false;
    };
    (0..MAX_CERTIFICATE_ID).contains(&wh.0)
        && (1..=SECONDS_PER_HOUR).contains(&run.step_s)
        && run.start < DateTime::<Utc>::MAX_UTC - TimeDelta::hours(1)
}

/// Whether a serial can be one of the bundle's.
fn is_serial(id: CertificateId) -> bool {
    (1..=MAX_CERTIFICATE_ID).contains(&id.0)
}

const fn claimant(account_id: Option<AccountId>, is_redacted: bool) -> Claimant {
    match account_id {
        Some(account_id) => Claimant::Account(account_id),
        None if is_redacted => Claimant::Hidden,
        None => Claimant::Holder,
    }
}

/// Whether a bundle of the family is what an entry says of it.
pub(super) fn matches(family: &Family<'_>, named: &Named) -> bool {
    family.bundle(named.id).is_some_and(|bundle| {
        let attributes = &bundle.attributes;
        let quantity = WattHours(family.quantity(bundle));
        attributes.certificate_bundle_id_range_start == named.start
            && attributes.certificate_bundle_id_range_end == named.end
            && named.quantity.is_none_or(|said| said == quantity)
            && named.hash.as_ref().is_none_or(|said| *said == bundle.hash)
    })
}
