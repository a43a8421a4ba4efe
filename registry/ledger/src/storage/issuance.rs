//! Rules of issuance for energy released from storage: an allocation's consumed Wh are matched, Wh for
//! Wh, by certificates cancelled for the device and produced while it charged; what it produced is issued
//! in as many bundles as there are cancelled ones, each with the attributes of its own source.

use super::command::IssueForStorage;
use super::method::shares;
use super::{DEVICE, storage_device};
use crate::account::open_account;
use crate::action::{MAX_BUNDLES, MAX_NAMED};
use crate::context::Context;
use crate::decide::Decision;
use crate::entry::{Allocation, Bundle};
use crate::issuance::{check_serials, expiry};
use crate::key::Key;
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Part, Split};
use schemas::event::storage::{AllocationIssued, NewBundle, SourceUsed, StorageCertificatesIssued};
use schemas::id::{AccountId, AllocationId, BundleId, CertificateId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use schemas::{Interval, WattHours};
use std::collections::HashSet;

/// Most allocations that are issued for at once.
pub const MAX_ALLOCATIONS: usize = 1_000;

const ALLOCATIONS: &str = "/allocated_storage_record_ids";
const BUNDLES: &str = "/granular_certificate_bundle_ids";

pub(crate) fn needed(entries: &impl Entries, issue: &IssueForStorage, keys: &mut Vec<Key>) {
    keys.push(Key::Device(issue.device_id));
    keys.extend(issue.allocation_ids.iter().copied().map(Key::Allocation));
    keys.extend(issue.bundle_ids.iter().copied().map(Key::Bundle));
    if let Ok(Some(device)) = get::device(entries, issue.device_id) {
        keys.push(Key::Account(device.account_id));
    }
}

/// A cancelled bundle, or what allocations before have left of one.
struct Cancelled {
    bundle_id: BundleId,
    start: CertificateId,
    end: CertificateId,
    produced: Interval,
}

impl Cancelled {
    const fn left(&self) -> WattHours {
        WattHours(self.end.0 - self.start.0 + 1)
    }
}

/// Issues for all listed allocations or for none.
pub(crate) fn issue(
    entries: &impl Entries,
    issue: &IssueForStorage,
    context: &Context,
) -> Result<Decision, Refusal> {
    check_lists(issue)?;
    let device = storage_device(entries, issue.device_id, DEVICE)?;
    open_account(entries, device.account_id)?;
    let allocations = allocations(entries, issue)?;
    let mut cancelled = cancelled(entries, issue, device.account_id, &allocations)?;
    let counters = get::counters(entries)?;
    let mut uses = Uses {
        next_bundle: counters.bundle,
        parts: Vec::new(),
    };
    let mut taken = Vec::with_capacity(allocations.len());
    for (index, (allocation_id, allocation)) in allocations.iter().enumerate() {
        let used = uses.cover(&mut cancelled, allocation).map_err(|found| {
            Refusal::new(
                Code::ChargeUncovered,
                format!(
                    "allocation {allocation_id} consumed {}; certificates of only {found}, produced within {}, \
                     are cancelled for the device by its account and not used up",
                    allocation.consumed, allocation.charged
                ),
            )
            .at(format!("{ALLOCATIONS}/{index}"))
        })?;
        taken.push(used);
    }
    let used = BundleAction {
        action_id: counters.action,
        action_type: ActionType::UseForStorage,
        source_id: device.account_id,
        user_id: context.actor.user_id(),
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: Some(issue.device_id),
        reason: None,
        certificate_quantity: None,
        certificate_bundle_percentage: None,
        quantity_mode: QuantityMode::PerBundle,
        export: None,
        localise_time: true,
        requested_at: context.requested_at,
        rule_id: None,
        parts: uses.parts,
    };
    let event = StorageCertificatesIssued {
        device_id: issue.device_id,
        account_id: device.account_id,
        first_certificate_id: device.next_certificate_id,
        expiry: expiry(context.now, context.policy),
        allocations: issued(&allocations, &taken, uses.next_bundle),
    };
    check_serials(event.first_certificate_id, event.total())?;
    Ok(Decision {
        events: vec![
            LedgerEvent::from(used).into(),
            LedgerEvent::from(event).into(),
        ],
        ..Decision::default()
    })
}

/// What is issued for each allocation: its produced Wh over the bundles it used up, by largest remainder.
fn issued(
    allocations: &[(AllocationId, Allocation)],
    taken: &[Vec<(BundleId, WattHours)>],
    first_bundle: BundleId,
) -> Vec<AllocationIssued> {
    let mut next_bundle = first_bundle;
    let of_one = allocations.iter().zip(taken);
    let of_one = of_one.map(|((allocation_id, allocation), used)| {
        let weights: Vec<_> = used.iter().map(|(_, wh)| *wh).collect();
        let shares = shares(allocation.produced, &weights);
        let sources = used.iter().zip(shares).map(|((bundle_id, wh), share)| {
            let issued = (share > WattHours::ZERO).then(|| {
                let bundle_id = next_bundle;
                next_bundle = bundle_id.plus(1);
                NewBundle {
                    bundle_id,
                    wh: share,
                }
            });
            SourceUsed {
                bundle_id: *bundle_id,
                wh: *wh,
                issued,
            }
        });
        AllocationIssued {
            allocation_id: *allocation_id,
            discharged: allocation.discharged,
            sources: sources.collect(),
        }
    });
    of_one.collect()
}

fn check_lists(issue: &IssueForStorage) -> Result<(), Refusal> {
    if issue.allocation_ids.is_empty() {
        return Err(Refusal::new(Code::ListEmpty, "no allocation is listed").at(ALLOCATIONS));
    }
    let lists = [
        (
            issue.allocation_ids.len(),
            MAX_ALLOCATIONS,
            "allocations",
            ALLOCATIONS,
        ),
        (issue.bundle_ids.len(), MAX_BUNDLES, "bundles", BUNDLES),
    ];
    for (listed, most, what, at) in lists {
        if listed > most {
            return Err(Refusal::new(
                Code::ListTooLong,
                format!("at most {most} {what} are taken at once; these are {listed}"),
            )
            .at(at));
        }
    }
    let mut seen = HashSet::new();
    let mut ids = issue.allocation_ids.iter();
    if let Some(index) = ids.position(|id| !seen.insert(*id)) {
        return Err(Refusal::new(
            Code::AllocationIssued,
            format!("allocation {} is listed twice", issue.allocation_ids[index]),
        )
        .at(format!("{ALLOCATIONS}/{index}")));
    }
    let mut seen = HashSet::new();
    match issue.bundle_ids.iter().position(|id| !seen.insert(*id)) {
        Some(index) => Err(Refusal::new(
            Code::BundleRepeated,
            format!("bundle {} is listed twice", issue.bundle_ids[index]),
        )
        .at(format!("{BUNDLES}/{index}"))),
        None => Ok(()),
    }
}

fn allocations(
    entries: &impl Entries,
    issue: &IssueForStorage,
) -> Result<Vec<(AllocationId, Allocation)>, Refusal> {
    let mut found = Vec::with_capacity(issue.allocation_ids.len());
    for (index, id) in issue.allocation_ids.iter().enumerate() {
        let at = || format!("{ALLOCATIONS}/{index}");
        let allocation = get::allocation(entries, *id)?
            .filter(|allocation| allocation.device_id == issue.device_id)
            .ok_or_else(|| {
                Refusal::new(
                    Code::AllocationNotFound,
                    format!("device {} has no allocation with id {id}", issue.device_id),
                )
                .at(at())
            })?;
        if allocation.is_issued {
            return Err(Refusal::new(
                Code::AllocationIssued,
                format!("certificates were issued for allocation {id} before"),
            )
            .at(at()));
        }
        found.push((*id, *allocation));
    }
    Ok(found)
}

/// The listed bundles that stand for charges of the allocations.
fn cancelled(
    entries: &impl Entries,
    issue: &IssueForStorage,
    account_id: AccountId,
    allocations: &[(AllocationId, Allocation)],
) -> Result<Vec<Cancelled>, Refusal> {
    let mut fit = Vec::with_capacity(issue.bundle_ids.len());
    let mut errors = Vec::new();
    for (index, bundle_id) in issue.bundle_ids.iter().enumerate() {
        let bundle = get::bundle(entries, *bundle_id)?;
        let held = bundle.filter(|bundle| bundle.account_id == account_id);
        match held.map(|bundle| (bundle, misfit(bundle, issue, allocations))) {
            Some((bundle, None)) => fit.push(Cancelled {
                bundle_id: *bundle_id,
                start: bundle.start,
                end: bundle.end,
                produced: bundle.interval,
            }),
            Some((_, Some(why))) => errors.push((
                index,
                Code::BundleNotForCharge,
                format!("bundle {bundle_id} {why}"),
            )),
            None => errors.push((
                index,
                Code::BundleNotFound,
                format!("account {account_id} holds no certificate bundle with id {bundle_id}"),
            )),
        }
    }
    let Some((_, code, first)) = errors.first().filter(|_| issue.are_named) else {
        return Ok(fit);
    };
    Err(Refusal {
        code: *code,
        detail: first.clone(),
        expected_sequence: None,
        errors: errors
            .iter()
            .take(MAX_NAMED)
            .map(|(index, code, detail)| FieldError {
                place: Place::Pointer(format!("{BUNDLES}/{index}")),
                code: code.as_str(),
                detail: detail.clone(),
            })
            .collect(),
    })
}

/// Why the bundle stands for none of the charges.
fn misfit(
    bundle: &Bundle,
    issue: &IssueForStorage,
    allocations: &[(AllocationId, Allocation)],
) -> Option<String> {
    let trail = bundle.trail();
    if bundle.status != CertificateStatus::CancelledForStorage {
        return Some(format!(
            "is {}, not {}",
            bundle.status,
            CertificateStatus::CancelledForStorage
        ));
    }
    if trail.cancelled_for != Some(issue.device_id) {
        return Some("was cancelled for another storage device".to_owned());
    }
    if let Some(used) = trail.used_for {
        return Some(format!("was used up by allocation {used}"));
    }
    let mut charges = allocations.iter().map(|(_, allocation)| allocation.charged);
    if charges.any(|charged| lies_within(bundle.interval, charged)) {
        return None;
    }
    Some(format!(
        "was produced in {}, while none of the allocations' energy was charged",
        bundle.interval
    ))
}

/// EnergyTag wants the charge and the certificate to be of one interval; the certificate's may be a part
/// of the charge's, where production is metered more often.
fn lies_within(produced: Interval, charged: Interval) -> bool {
    charged.start() <= produced.start() && produced.end() <= charged.end()
}

/// Bundles used up so far, as parts of one action.
struct Uses {
    next_bundle: BundleId,
    parts: Vec<Part>,
}

impl Uses {
    /// The bundles that stand for what the allocation consumed, larger ones split; else how many Wh there
    /// are.
    fn cover(
        &mut self,
        cancelled: &mut [Cancelled],
        allocation: &Allocation,
    ) -> Result<Vec<(BundleId, WattHours)>, WattHours> {
        let mut missing = allocation.consumed;
        let mut used = Vec::new();
        for one in cancelled {
            if missing == WattHours::ZERO {
                break;
            }
            if one.left() > WattHours::ZERO && lies_within(one.produced, allocation.charged) {
                let take = one.left().min(missing);
                missing -= take;
                used.push((self.take(one, take), take));
            }
        }
        if missing > WattHours::ZERO {
            return Err(allocation.consumed - missing);
        }
        Ok(used)
    }

    /// Uses up so many of the certificates, from the first on. Gives the bundle that holds them.
    fn take(&mut self, one: &mut Cancelled, wh: WattHours) -> BundleId {
        let end = one.start.plus(wh.0 - 1);
        let split = (end < one.end).then(|| Split {
            taken: self.next_bundle,
            rest: self.next_bundle.plus(1),
            rest_end: one.end,
            rest_status: CertificateStatus::CancelledForStorage,
        });
        let part = Part {
            bundle_id: one.bundle_id,
            start: one.start,
            end,
            split,
            origin: None,
        };
        if let Some(split) = split {
            self.next_bundle = split.rest.plus(1);
            one.bundle_id = split.rest;
        }
        one.start = end.plus(1);
        let used = part.acted_on();
        self.parts.push(part);
        used
    }
}
