//! Rules of corrections: an accepted reading gets another value, and certificates follow it.

use crate::action::{self, MAX_BUNDLES, MAX_NAMED};
use crate::capacity::{self, Hours};
use crate::command::{ActOnBundles, Amount, CorrectReading};
use crate::context::Context;
use crate::decide::Decision;
use crate::device::{self, MAX_TEXT_CHARS};
use crate::entry::{Bundle, DayReading, Device};
use crate::event::Event;
use crate::issuance::{Serials, issue_for, needed_metadata};
use crate::key::Key;
use crate::reading::{Broken, check_reading};
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::settlement::{Issuable, settle_and_issue};
use crate::state::{Entries, get};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::action::BundleAction;
use schemas::event::reading::{ReadingCorrected, Run};
use schemas::id::BundleId;
use schemas::interval::{Day, rfc3339};
use schemas::life_cycle::{ActionType, CertificateStatus, Settle};
use std::cmp::Reverse;

pub(crate) fn needed(entries: &impl Entries, correct: &CorrectReading, keys: &mut Vec<Key>) {
    let measurement = &correct.measurement;
    let day = Day::of(measurement.interval.start());
    measurement.needed(keys);
    keys.push(Key::Device(measurement.device_id));
    capacity::needed(entries, measurement.device_id, [day], keys);
    needed_metadata(entries, keys);
    keys.extend(correct.candidates.iter().copied().map(Key::Bundle));
}

/// Gives a reading another value. What certificates stand for beyond it is taken back; what it covers
/// beyond before is issued. The same value changes nothing.
pub(crate) fn correct(
    entries: &impl Entries,
    correct: &CorrectReading,
    context: &Context,
) -> Result<Decision, Refusal> {
    let measurement = &correct.measurement;
    let device = device::existing(entries, measurement.device_id)?;
    let reading = measurement.standing(entries)?;
    check_request(correct)?;
    let field = |(_, code, rule): Broken| Refusal::new(code, rule).at("/interval_usage");
    check_reading(device, measurement.interval, correct.wh, context).map_err(field)?;
    Hours::of(entries, measurement.device_id, device)
        .but(measurement.meter_id, measurement.interval.start())
        .check(measurement.interval, correct.wh, context)?
        .map_err(field)?;
    if correct.wh == reading.wh && !reading.is_doubtful() {
        return Ok(Decision::default());
    }
    // Nothing was issued for a doubtful one: whatever it becomes, all of it is issued.
    let is_higher = correct.wh > reading.wh || reading.is_doubtful();
    let case = Case {
        entries,
        correct,
        context,
        device,
        reading,
    };
    let events = if is_higher {
        case.raise()?
    } else {
        case.lower()?
    };
    Ok(Decision::unless_dry(correct.dry_run, events))
}

fn check_request(correct: &CorrectReading) -> Result<(), Refusal> {
    let reason = correct.reason.trim();
    if !(1..=MAX_TEXT_CHARS).contains(&reason.chars().count()) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("reason must have 1 to {MAX_TEXT_CHARS} characters that are not blank"),
        )
        .at("/reason"));
    }
    if correct.candidates.len() > MAX_BUNDLES {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a correction looks at {MAX_BUNDLES} bundles at most"),
        ));
    }
    Ok(())
}

/// One correction that changes something.
struct Case<'e, E: Entries> {
    entries: &'e E,
    correct: &'e CorrectReading,
    context: &'e Context,
    device: &'e Device,
    reading: DayReading,
}

/// The reading's certificates, as far as the caller knew them.
#[derive(Default)]
struct Found<'e> {
    /// Those that can be taken back, the largest first.
    usable: Vec<(BundleId, &'e Bundle)>,
    /// Those that can not.
    blocking: Vec<(BundleId, &'e Bundle)>,
}

impl<'e, E: Entries> Case<'e, E> {
    /// A correction that nothing follows from yet.
    fn event(&self) -> ReadingCorrected {
        let measurement = &self.correct.measurement;
        ReadingCorrected {
            measurement_id: measurement.measurement_id,
            device_id: measurement.device_id,
            meter_id: measurement.meter_id,
            account_id: self.device.account_id,
            interval: measurement.interval,
            previous_wh: self.reading.wh,
            wh: self.correct.wh,
            reason: self.correct.reason.trim().to_owned(),
            settle: self.correct.settle,
            excess: self.reading.excess(),
            withdrawn: self.reading.withdrawn(),
            debt: WattHours::ZERO,
            paid: WattHours::ZERO,
            action_id: None,
            replaced: Vec::new(),
            reissued: None,
            issued: None,
        }
    }

    /// The new value is higher: the difference pays what the device owes, and is issued. Where a part of
    /// the reading waits to be issued on request, the difference waits with it. A doubtful reading is settled
    /// by whatever value it is given.
    fn raise(&self) -> Result<Vec<Event>, Refusal> {
        let measurement = &self.correct.measurement;
        let mut event = self.event();
        let mut raised = self.reading.clone();
        raised.wh = self.correct.wh;
        let waits = self.reading.unissued() > WattHours::ZERO && !self.reading.is_doubtful();
        let mut after = Vec::new();
        if self.device.attributes.is_certified() && !waits {
            let difference = Issuable {
                measurement_id: measurement.measurement_id,
                meter_id: measurement.meter_id,
                interval: measurement.interval,
                wh: raised.unissued(),
            };
            after = settle_and_issue(
                self.entries,
                measurement.device_id,
                self.device,
                vec![difference],
                self.context,
            )?;
        }
        for follows in &after {
            match follows {
                Event::Ledger(LedgerEvent::DebtPaid(paid)) => event.paid = paid.total(),
                Event::Ledger(LedgerEvent::BundlesIssued(issued)) => {
                    event.issued = Some(issued.first_bundle_id);
                }
                _ => {}
            }
        }
        let mut events = vec![LedgerEvent::from(event).into()];
        events.extend(after);
        Ok(events)
    }

    /// The new value is lower: certificates for more than it covers are taken back, whole bundles, and
    /// what that was too much is issued anew; what can not be taken back the device owes.
    ///
    /// The reading changes last, so that its certificates are covered at every position in between.
    fn lower(&self) -> Result<Vec<Event>, Refusal> {
        let mut event = self.event();
        let reading = &self.reading;
        let missing = (reading.issued + reading.paid() - self.correct.wh - reading.excess())
            .max(WattHours::ZERO);
        if missing == WattHours::ZERO {
            return Ok(vec![LedgerEvent::from(event).into()]);
        }
        let found = self.bundles()?;
        let mut taken: Vec<(BundleId, &Bundle)> = Vec::new();
        let mut total = WattHours::ZERO;
        for (bundle_id, bundle) in &found.usable {
            if total >= missing {
                break;
            }
            total += bundle.quantity();
            taken.push((*bundle_id, bundle));
        }
        if total < missing {
            self.check_complete(&found)?;
            if self.correct.settle == Settle::Now {
                return Err(self.blocked(missing, total, &found));
            }
            event.debt = missing - total;
            event.excess += event.debt;
        }
        let mut events: Vec<Event> = Vec::new();
        if !taken.is_empty() {
            let withdrawal = self.withdrawal(&taken)?;
            event.action_id = Some(withdrawal.action_id);
            event.replaced = taken.iter().map(|(bundle_id, _)| *bundle_id).collect();
            events.push(LedgerEvent::from(withdrawal).into());
        }
        let surplus = (total - missing).max(WattHours::ZERO);
        if surplus > WattHours::ZERO {
            let issued = self.issue_anew(surplus, &taken)?;
            if let Some(Event::Ledger(LedgerEvent::BundlesIssued(issued))) = &issued {
                event.reissued = Some(issued.first_bundle_id);
            }
            events.extend(issued);
        }
        events.push(LedgerEvent::from(event).into());
        Ok(events)
    }

    /// Those of the bundles named that are of this reading and in circulation or used.
    fn bundles(&self) -> Result<Found<'e>, Refusal> {
        let measurement = &self.correct.measurement;
        let mut found = Found::default();
        let mut candidates = self.correct.candidates.clone();
        candidates.sort_unstable();
        candidates.dedup();
        for bundle_id in candidates {
            let bundle = get::bundle(self.entries, bundle_id)?.filter(|bundle| {
                bundle.device_id == measurement.device_id
                    && bundle.meter_id == measurement.meter_id
                    && bundle.interval == measurement.interval
                    && !matches!(
                        bundle.status,
                        CertificateStatus::Withdrawn | CertificateStatus::BundleSplit
                    )
            });
            let Some(bundle) = bundle else { continue };
            let is_usable = bundle.status == CertificateStatus::Active
                && bundle.account_id == self.device.account_id
                && bundle.expiry > self.context.now;
            if is_usable {
                found.usable.push((bundle_id, bundle));
            } else {
                found.blocking.push((bundle_id, bundle));
            }
        }
        found
            .usable
            .sort_by_key(|(bundle_id, bundle)| (Reverse(bundle.quantity()), *bundle_id));
        Ok(found)
    }

    /// Whether the caller named all certificates of the reading: one that was split or taken back in the
    /// meantime may have left others that can be taken back.
    fn check_complete(&self, found: &Found<'_>) -> Result<(), Refusal> {
        let all = found.usable.iter().chain(&found.blocking);
        let known: WattHours = all.map(|(_, bundle)| bundle.quantity()).sum();
        if known == self.reading.issued || self.correct.candidates.len() == MAX_BUNDLES {
            return Ok(());
        }
        Err(Refusal::new(
            Code::BundlesChanged,
            format!(
                "the certificates of reading {} changed meanwhile",
                self.correct.measurement.measurement_id
            ),
        ))
    }

    fn withdrawal(&self, taken: &[(BundleId, &Bundle)]) -> Result<BundleAction, Refusal> {
        let act = ActOnBundles {
            action_type: ActionType::Withdraw,
            source_id: self.device.account_id,
            bundle_ids: taken.iter().map(|(bundle_id, _)| *bundle_id).collect(),
            amount: Amount::Whole,
            target_id: None,
            beneficiary: None,
            beneficiary_account_id: None,
            reason: Some(self.correct.reason.clone()),
            receiving_registry: None,
            here: String::new(),
            localise_time: true,
            storage_device_id: None,
        };
        let whole: Vec<_> = taken.iter().map(|one| (*one, one.1.quantity())).collect();
        action::record(self.entries, &act, &whole, self.context)
    }

    /// One bundle for what was taken back and is covered: of the same source as what it replaces, and it
    /// lasts no longer.
    fn issue_anew(
        &self,
        wh: WattHours,
        taken: &[(BundleId, &Bundle)],
    ) -> Result<Option<Event>, Refusal> {
        let measurement = &self.correct.measurement;
        let mut serials = Serials::next(self.entries, self.device)?;
        let issued = issue_for(
            self.entries,
            (measurement.device_id, self.device),
            measurement.meter_id,
            Run::pack([(measurement.interval, wh)]),
            &mut serials,
            self.context,
        )?;
        let expiry = taken.iter().map(|(_, bundle)| bundle.expiry).min();
        let source = taken.first().map(|(_, bundle)| bundle.energy_source);
        Ok(issued.map(|mut issued| {
            issued.terms.expiry = expiry.unwrap_or(issued.terms.expiry);
            issued.terms.energy_source = source.unwrap_or(issued.terms.energy_source);
            LedgerEvent::from(issued).into()
        }))
    }

    /// The refusal that names what stands in the way. Who holds it is for the caller to say, who knows
    /// what the asker may see.
    fn blocked(&self, missing: WattHours, total: WattHours, found: &Found<'_>) -> Refusal {
        let in_the_way = |(bundle_id, bundle): &(BundleId, &Bundle)| {
            let mut detail = format!(
                "bundle {bundle_id} with {} is {}",
                bundle.quantity(),
                bundle.status
            );
            if bundle.account_id != self.device.account_id {
                detail.push_str(" in another account");
            } else if bundle.expiry <= self.context.now {
                detail.push_str(&format!(", and expired at {}", rfc3339(bundle.expiry)));
            }
            FieldError {
                place: Place::Bundle(*bundle_id),
                code: Code::CorrectionBlocked.as_str(),
                detail,
            }
        };
        Refusal {
            code: Code::CorrectionBlocked,
            detail: format!(
                "{missing} of certificates would have to be taken back, and {total} can be; {} bundles \
                 stand in the way",
                found.blocking.len()
            ),
            expected_sequence: None,
            errors: found
                .blocking
                .iter()
                .take(MAX_NAMED)
                .map(in_the_way)
                .collect(),
        }
    }
}
