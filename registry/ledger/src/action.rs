//! Rules of actions on bundles.

use crate::account::{existing, open_account};
use crate::command::{ActOnBundles, Amount};
use crate::context::Context;
use crate::decide::Decision;
use crate::device::MAX_TEXT_CHARS;
use crate::entry::Bundle;
use crate::export::{self, MAX_REGISTRY_CHARS};
use crate::key::Key;
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::standing;
use crate::state::{Entries, get};
use crate::state_machine::{Transition, transition};
use crate::storage::storage_device;
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Export, Origin, Part, Split};
use schemas::id::BundleId;
use schemas::interval::{Day, rfc3339};
use schemas::life_cycle::{ActionType, QuantityMode};
use std::collections::HashSet;

/// Most bundles one action may list.
pub const MAX_BUNDLES: usize = 10_000;
/// Most offending bundles one refusal names.
pub const MAX_NAMED: usize = 100;
/// Most decimal places of a percentage: more than a binary double shows, and exact in 128 bit.
pub const MAX_PERCENTAGE_SCALE: u32 = 18;

pub(crate) fn needed(entries: &impl Entries, act: &ActOnBundles, keys: &mut Vec<Key>) {
    keys.push(Key::Account(act.source_id));
    keys.extend(act.target_id.map(Key::Account));
    keys.extend(act.beneficiary_account_id.map(Key::Account));
    keys.extend(act.storage_device_id.map(Key::Device));
    for bundle_id in &act.bundle_ids {
        keys.push(Key::Bundle(*bundle_id));
        let Ok(Some(bundle)) = get::bundle(entries, *bundle_id) else {
            continue;
        };
        // A claim by the beneficiary's account concerns bundles of another holder.
        keys.push(Key::Account(bundle.account_id));
        if act.action_type == ActionType::Export {
            keys.push(Key::Device(bundle.device_id));
        }
        if act.action_type == ActionType::Withdraw && bundle.trail().issued_for.is_none() {
            keys.push(Key::readings(
                bundle.device_id,
                bundle.meter_id,
                Day::of(bundle.interval.start()),
            ));
        }
    }
}

/// Acts on all listed bundles or on none.
pub(crate) fn act(
    entries: &impl Entries,
    act: &ActOnBundles,
    context: &Context,
) -> Result<Decision, Refusal> {
    let row = transition(act.action_type);
    check_list(act)?;
    check_texts(act)?;
    check_parties(entries, act)?;
    check_amount(act)?;
    let bundles = eligible(entries, act, row, context)?;
    if act.action_type == ActionType::UseForStorage {
        return Err(Refusal::new(
            Code::BundleState,
            "bundles are used up by issuing for what storage releases, and not otherwise",
        ));
    }
    if matches!(
        act.action_type,
        ActionType::ConfirmExport | ActionType::TakeBackExport
    ) {
        // As a whole, by `export::settle`.
        return Err(Refusal::new(
            Code::ExportNotFound,
            "an export is confirmed or taken back by its id",
        ));
    }
    let takes = takes(&bundles, act.amount)?;
    let taken = bundles
        .into_iter()
        .zip(takes)
        .filter(|(_, take)| *take > WattHours::ZERO)
        .collect::<Vec<_>>();
    if taken.is_empty() {
        return Ok(Decision::default());
    }
    let action = record(entries, act, &taken, context)?;
    let reserved = match act.action_type {
        ActionType::Export => vec![export::largest_settlement(entries, &act.here, &action)?.into()],
        _ => Vec::new(),
    };
    Ok(Decision {
        reserved,
        ..LedgerEvent::from(action).into()
    })
}

/// The event of an action that takes so much of each of these bundles, more than nothing and at most all.
pub(crate) fn record(
    entries: &impl Entries,
    act: &ActOnBundles,
    taken: &[((BundleId, &Bundle), WattHours)],
    context: &Context,
) -> Result<BundleAction, Refusal> {
    let counters = get::counters(entries)?;
    let mut next_bundle = counters.bundle;
    let parts = taken
        .iter()
        .map(|((bundle_id, bundle), take)| {
            let end = bundle.start.plus(take.0 - 1);
            let split = (end < bundle.end).then(|| {
                let split = Split {
                    taken: next_bundle,
                    rest: next_bundle.plus(1),
                    rest_end: bundle.end,
                    rest_status: bundle.status,
                };
                next_bundle = next_bundle.plus(2);
                split
            });
            // What storage released was issued for no reading, so none is issued for again.
            let is_read = bundle.trail().issued_for.is_none();
            let origin = (act.action_type == ActionType::Withdraw && is_read).then(|| Origin {
                device_id: bundle.device_id,
                meter_id: bundle.meter_id,
                interval_start: bundle.interval.start(),
            });
            Part {
                bundle_id: *bundle_id,
                start: bundle.start,
                end,
                split,
                origin,
            }
        })
        .collect();
    let beneficiary = match act.action_type {
        ActionType::Cancel => Some(match text(act.beneficiary.as_deref()) {
            Some(named) => named.to_owned(),
            None => existing(entries, act.source_id)?.account_name.clone(),
        }),
        ActionType::Claim => text(act.beneficiary.as_deref()).map(str::to_owned),
        ActionType::CancelForStorage => Some(for_storage(entries, act)?),
        _ => None,
    };
    let (certificate_quantity, certificate_bundle_percentage, quantity_mode) = match act.amount {
        Amount::Whole => (None, None, QuantityMode::PerBundle),
        Amount::Quantity(wh, mode) => (Some(wh), None, mode),
        Amount::Percentage(share, mode) => (None, Some(share), mode),
    };
    Ok(BundleAction {
        action_id: counters.action,
        action_type: act.action_type,
        source_id: act.source_id,
        user_id: context.actor.user_id(),
        target_id: act
            .target_id
            .filter(|_| act.action_type == ActionType::Transfer),
        beneficiary,
        beneficiary_account_id: act
            .beneficiary_account_id
            .filter(|_| act.action_type == ActionType::Cancel),
        storage_device_id: act
            .storage_device_id
            .filter(|_| act.action_type == ActionType::CancelForStorage),
        reason: text(act.reason.as_deref()).map(str::to_owned),
        certificate_quantity,
        certificate_bundle_percentage,
        quantity_mode,
        localise_time: act.localise_time,
        export: offer(act),
        requested_at: context.requested_at,
        rule_id: None,
        parts,
    })
}

/// The beneficiary of a cancellation for storage: the storage device, which must be the account's own,
/// since it is the account that has certificates issued for what the device releases.
fn for_storage(entries: &impl Entries, act: &ActOnBundles) -> Result<String, Refusal> {
    let missing = || {
        Refusal::new(
            Code::DeviceNotFound,
            format!("account {} has no such storage device", act.source_id),
        )
        .at("/storage_device_id")
    };
    let device_id = act.storage_device_id.ok_or_else(missing)?;
    let device = storage_device(entries, device_id, "/storage_device_id")?;
    if device.account_id != act.source_id {
        return Err(missing());
    }
    let identifier = device.attributes.local_device_identifier.clone();
    let identifier = identifier.unwrap_or_else(|| device_id.to_string());
    Ok(format!("for storage: {identifier}"))
}

/// What an export is about.
fn offer(act: &ActOnBundles) -> Option<Export> {
    if act.action_type != ActionType::Export {
        return None;
    }
    Some(Export {
        receiving_registry: text(act.receiving_registry.as_deref())?.to_owned(),
        offer_id: None,
        receiving_reference: None,
        without_signature: false,
        certificates: Vec::new(),
    })
}

/// The text, unless it is blank.
pub(crate) fn text(given: Option<&str>) -> Option<&str> {
    given.map(str::trim).filter(|text| !text.is_empty())
}

fn check_list(act: &ActOnBundles) -> Result<(), Refusal> {
    const LIST: &str = "/granular_certificate_bundle_ids";
    if act.bundle_ids.is_empty() {
        return Err(Refusal::new(
            Code::ListEmpty,
            format!(
                "No certificates found to {} with given query parameters.",
                act.action_type
            ),
        )
        .at(LIST));
    }
    if act.bundle_ids.len() > MAX_BUNDLES {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!(
                "an action lists at most {MAX_BUNDLES} bundles; this one lists {}",
                act.bundle_ids.len()
            ),
        )
        .at(LIST));
    }
    let mut seen = HashSet::with_capacity(act.bundle_ids.len());
    match act.bundle_ids.iter().position(|id| !seen.insert(*id)) {
        Some(index) => Err(Refusal::new(
            Code::BundleRepeated,
            format!("bundle {} is listed twice", act.bundle_ids[index]),
        )
        .at(format!("{LIST}/{index}"))),
        None => Ok(()),
    }
}

pub(crate) fn check_texts(act: &ActOnBundles) -> Result<(), Refusal> {
    for (field, given) in [("beneficiary", &act.beneficiary), ("reason", &act.reason)] {
        if given
            .as_ref()
            .is_some_and(|text| text.chars().count() > MAX_TEXT_CHARS)
        {
            return Err(Refusal::new(
                Code::ValueOutOfRange,
                format!("{field} has at most {MAX_TEXT_CHARS} characters"),
            )
            .at(format!("/{field}")));
        }
    }
    match act.action_type {
        ActionType::Export => check_registry(act.receiving_registry.as_deref()),
        _ => Ok(()),
    }
}

fn check_registry(given: Option<&str>) -> Result<(), Refusal> {
    let length = text(given).map_or(0, |name| name.chars().count());
    if !(1..=MAX_REGISTRY_CHARS).contains(&length) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("receiving_registry must have 1 to {MAX_REGISTRY_CHARS} characters"),
        )
        .at("/receiving_registry"));
    }
    Ok(())
}

pub(crate) fn check_parties(entries: &impl Entries, act: &ActOnBundles) -> Result<(), Refusal> {
    match act.action_type {
        // The issuing body's own, which a suspension is not to stand in the way of.
        ActionType::Withdraw | ActionType::Expire => existing(entries, act.source_id)?,
        ActionType::Lock | ActionType::Unlock => standing::not_closed(entries, act.source_id)?,
        ActionType::Transfer | ActionType::Export => {
            let source = open_account(entries, act.source_id)?;
            standing::check_transfers(act.source_id, source)?;
            source
        }
        _ => open_account(entries, act.source_id)?,
    };
    if let Some(beneficiary) = act.beneficiary_account_id {
        open_account(entries, beneficiary)
            .map_err(|refusal| refusal.at("/beneficiary_account_id"))?;
    }
    if act.action_type != ActionType::Transfer {
        return Ok(());
    }
    let missing = |detail: String| Refusal::new(Code::AccountNotFound, detail).at("/target_id");
    let target_id = act
        .target_id
        .ok_or_else(|| missing("a transfer needs a target account".to_owned()))?;
    let target = get::account(entries, target_id)?
        .filter(|target| !target.is_closed)
        .ok_or_else(|| missing(format!("Target account does not exist: {target_id}")))?;
    standing::check(target_id, target)
        .and_then(|()| standing::check_transfers(target_id, target))
        .map_err(|refusal| refusal.at("/target_id"))?;
    if !target.whitelist.contains(&act.source_id) {
        return Err(Refusal::new(
            Code::NotWhitelisted,
            format!(
                "Target account ({target_id}) has not whitelisted the source account ({}) for transfer.",
                act.source_id
            ),
        )
        .at("/target_id"));
    }
    Ok(())
}

pub(crate) fn check_amount(act: &ActOnBundles) -> Result<(), Refusal> {
    match act.amount {
        Amount::Quantity(wh, _) if wh.0 < 1 => Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("certificate_quantity must be at least 1 Wh, not {}", wh.0),
        )
        .at("/certificate_quantity")),
        Amount::Percentage(share, _)
            if share <= Decimal::ZERO
                || share > Decimal::ONE
                || share.normalize().scale() > MAX_PERCENTAGE_SCALE =>
        {
            Err(Refusal::new(
                Code::ValueOutOfRange,
                format!(
                    "certificate_bundle_percentage must be greater than 0, less than or equal to 1, and have \
                     at most {MAX_PERCENTAGE_SCALE} decimal places; {share} is not"
                ),
            )
            .at("/certificate_bundle_percentage"))
        }
        _ => Ok(()),
    }
}

/// The listed bundles, all of which allow the action. An expiry, which the registry lists by itself,
/// passes over those that are not due, or changed since they were listed.
fn eligible<'e>(
    entries: &'e impl Entries,
    act: &ActOnBundles,
    row: &Transition,
    context: &Context,
) -> Result<Vec<(BundleId, &'e Bundle)>, Refusal> {
    let expires = act.action_type == ActionType::Expire;
    let mut bundles = Vec::with_capacity(act.bundle_ids.len());
    let mut offending: Vec<(usize, Code, String)> = Vec::new();
    for (index, bundle_id) in act.bundle_ids.iter().enumerate() {
        match check_bundle(entries, act, row, *bundle_id, context)? {
            Ok(bundle) if expires && bundle.expiry > context.now => {}
            Ok(bundle) => bundles.push((*bundle_id, bundle)),
            Err(_) if expires => {}
            Err((code, rule)) => offending.push((index, code, rule)),
        }
    }
    let Some((_, code, first)) = offending.first() else {
        return Ok(bundles);
    };
    let detail = match offending.len() {
        1 => first.clone(),
        count => format!(
            "{count} of the listed bundles refuse the action, so it was not taken; the first: {first}"
        ),
    };
    let errors = offending
        .iter()
        .take(MAX_NAMED)
        .map(|(index, code, rule)| FieldError {
            place: Place::Pointer(format!("/granular_certificate_bundle_ids/{index}")),
            code: code.as_str(),
            detail: rule.clone(),
        })
        .collect();
    Err(Refusal {
        code: *code,
        detail,
        errors,
        expected_sequence: None,
    })
}

/// Which states an action is allowed from: in the contract's words where it has some, which its clients look for.
fn wrong_state(row: &Transition, action: ActionType, found: &str) -> String {
    match action {
        ActionType::Transfer => format!("Can only transfer active certificates, found: {found}"),
        ActionType::Cancel => {
            format!("Certificates must be in ACTIVE or RESERVED status to cancel, found: {found}")
        }
        ActionType::Claim => format!("Can only claim cancelled certificates, found: {found}"),
        _ => {
            let allowed: Vec<_> = row.from.iter().map(|status| status.as_str()).collect();
            format!(
                "{found}; {action} is allowed from {} only",
                allowed.join(" or ")
            )
        }
    }
}

pub(crate) type Checked<'e> = Result<&'e Bundle, (Code, String)>;

pub(crate) fn check_bundle<'e>(
    entries: &'e impl Entries,
    act: &ActOnBundles,
    row: &Transition,
    bundle_id: BundleId,
    context: &Context,
) -> Result<Checked<'e>, Refusal> {
    let claims = act.action_type == ActionType::Claim;
    // Somebody else's bundle and no bundle are the same answer: the caller may not know which it is.
    let found = get::bundle(entries, bundle_id)?.filter(|bundle| {
        bundle.account_id == act.source_id
            || (claims && bundle.beneficiary_account_id == Some(act.source_id))
    });
    let Some(bundle) = found else {
        return Ok(Err((
            Code::BundleNotFound,
            format!(
                "account {} holds no certificate bundle with id {bundle_id}",
                act.source_id
            ),
        )));
    };
    if !row.from.contains(&bundle.status) {
        let found = format!("bundle {bundle_id} is {}", bundle.status);
        return Ok(Err((
            Code::BundleState,
            wrong_state(row, act.action_type, &found),
        )));
    }
    if row.refuses_expired && bundle.expiry <= context.now {
        return Ok(Err((
            Code::BundleExpired,
            format!("bundle {bundle_id} expired at {}", rfc3339(bundle.expiry)),
        )));
    }
    if claims {
        if bundle
            .beneficiary_account_id
            .is_some_and(|account| account != act.source_id)
        {
            return Ok(Err((
                Code::BeneficiaryMismatch,
                format!(
                    "bundle {bundle_id} was cancelled for another account, which alone may claim it"
                ),
            )));
        }
        if let Some(named) = text(act.beneficiary.as_deref())
            && bundle.beneficiary.as_deref() != Some(named)
        {
            return Ok(Err((
                Code::BeneficiaryMismatch,
                format!("bundle {bundle_id} was cancelled for another beneficiary than {named:?}"),
            )));
        }
    }
    Ok(Ok(bundle))
}

/// How much to take of each bundle, in order.
fn takes(bundles: &[(BundleId, &Bundle)], amount: Amount) -> Result<Vec<WattHours>, Refusal> {
    let whole = || bundles.iter().map(|(_, bundle)| bundle.quantity());
    match amount {
        Amount::Whole => Ok(whole().collect()),
        Amount::Quantity(wh, QuantityMode::PerBundle) => Ok(whole().map(|quantity| quantity.min(wh)).collect()),
        Amount::Quantity(wh, QuantityMode::Total) => in_total(bundles, wh),
        Amount::Percentage(share, QuantityMode::PerBundle) => bundles
            .iter()
            .enumerate()
            .map(|(index, (bundle_id, bundle))| match share_of(share, bundle.quantity()) {
                WattHours::ZERO => Err(Refusal::new(
                    Code::SplitTooSmall,
                    format!(
                        "The size to split must be greater than 0: {share} of bundle {bundle_id} with {} is \
                         less than one certificate",
                        bundle.quantity()
                    ),
                )
                .at(format!("/granular_certificate_bundle_ids/{index}"))),
                taken => Ok(taken),
            })
            .collect(),
        Amount::Percentage(share, QuantityMode::Total) => {
            let total: WattHours = whole().sum();
            match share_of(share, total) {
                WattHours::ZERO => Err(Refusal::new(
                    Code::SplitTooSmall,
                    format!(
                        "The size to split must be greater than 0: {share} of {total} is less than one certificate"
                    ),
                )
                .at("/certificate_bundle_percentage")),
                wh => in_total(bundles, wh),
            }
        }
    }
}

fn in_total(bundles: &[(BundleId, &Bundle)], wh: WattHours) -> Result<Vec<WattHours>, Refusal> {
    let mut left = wh;
    let takes = bundles
        .iter()
        .map(|(_, bundle)| {
            let taken = bundle.quantity().min(left);
            left -= taken;
            taken
        })
        .collect();
    if left > WattHours::ZERO {
        return Err(Refusal::new(
            Code::QuantityExceedsTotal,
            format!(
                "the listed bundles hold {}, less than the {wh} asked for",
                wh - left
            ),
        )
        .at("/certificate_quantity"));
    }
    Ok(takes)
}

/// floor(share × quantity), exactly: share ≤ 1 has at most 18 decimal places, so 128 bit suffice.
pub(crate) fn share_of(share: Decimal, quantity: WattHours) -> WattHours {
    let share = share.normalize();
    let scaled = share.mantissa() * i128::from(quantity.0) / 10_i128.pow(share.scale());
    WattHours(
        i64::try_from(scaled)
            .expect("a share of at most 1 of a quantity fits where the quantity does"),
    )
}
