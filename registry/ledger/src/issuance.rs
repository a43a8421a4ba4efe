//! Rules of issuance.

use crate::account::open_account;
use crate::capacity::{self, Hours};
use crate::command::IssueBundle;
use crate::context::{Context, Policy};
use crate::decide::Decision;
use crate::device;
use crate::entry::Device;
use crate::key::Key;
use crate::reading::{Broken, check_capacity, check_interval, check_reading};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, SubsecRound, Utc};
use schemas::energy::EnergyCarrier;
use schemas::event::LedgerEvent;
use schemas::event::issuance::{
    BundlesIssued, IssuanceMetadata, IssuanceMetadataRecorded, IssuanceTerms,
};
use schemas::event::reading::{DebtPaid, DebtPart, ReadingsAccepted, Run};
use schemas::id::{
    BundleId, CertificateId, DeviceId, MAX_CERTIFICATE_ID, MeasurementId, MetadataId, MeterId,
};
use schemas::interval::{Day, years_after};
use schemas::{Interval, WattHours};

/// EnergyTag's registry configurations.
pub const CONFIGURATIONS: std::ops::RangeInclusive<u8> = 1..=3;

pub(crate) fn record_metadata(
    entries: &impl Entries,
    metadata: &IssuanceMetadata,
) -> Result<LedgerEvent, Refusal> {
    check_metadata(metadata)
        .map_err(|(field, code, rule)| Refusal::new(code, rule).at(format!("/{field}")))?;
    let metadata_id = get::counters(entries)?.metadata;
    Ok(IssuanceMetadataRecorded {
        metadata_id,
        metadata: metadata.clone(),
        imported_from: None,
    }
    .into())
}

/// Whether issuance metadata says what it must.
pub(crate) fn check_metadata(metadata: &IssuanceMetadata) -> Result<(), Broken> {
    if !CONFIGURATIONS.contains(&metadata.registry_configuration) {
        return Err((
            "registry_configuration",
            Code::ValueOutOfRange,
            "registry_configuration must be 1, 2 or 3 (EnergyTag)".to_owned(),
        ));
    }
    let texts = [
        (
            "country_of_issuance",
            Some(&metadata.country_of_issuance),
            1,
        ),
        (
            "connected_grid_identification",
            Some(&metadata.connected_grid_identification),
            1,
        ),
        ("issuing_body", Some(&metadata.issuing_body), 1),
        ("issue_market_zone", Some(&metadata.issue_market_zone), 1),
        ("legal_status", metadata.legal_status.as_ref(), 0),
        ("issuance_purpose", metadata.issuance_purpose.as_ref(), 0),
        ("support_received", metadata.support_received.as_ref(), 0),
        (
            "quality_scheme_reference",
            metadata.quality_scheme_reference.as_ref(),
            0,
        ),
        (
            "dissemination_level",
            metadata.dissemination_level.as_ref(),
            0,
        ),
    ];
    for (field, text, least) in texts {
        let fits = |text: &String| {
            text.trim().chars().count() >= least && text.chars().count() <= device::MAX_TEXT_CHARS
        };
        if !text.is_none_or(fits) {
            return Err((
                field,
                Code::ValueOutOfRange,
                format!(
                    "{field} must have {least} to {} characters",
                    device::MAX_TEXT_CHARS
                ),
            ));
        }
    }
    Ok(())
}

/// The newest issuance metadata, as far as the entries in memory tell.
pub(crate) fn needed_metadata(entries: &impl Entries, keys: &mut Vec<Key>) {
    if let Ok(counters) = get::counters(entries) {
        keys.push(Key::Metadata(counters.newest_metadata()));
    }
}

/// The newest issuance metadata.
pub(crate) fn newest_metadata(
    entries: &impl Entries,
) -> Result<(MetadataId, &IssuanceMetadata), Refusal> {
    let newest = get::counters(entries)?.newest_metadata();
    if newest.0 < 1 {
        return Err(missing_metadata());
    }
    Ok((
        newest,
        get::metadata(entries, newest)?.ok_or_else(missing_metadata)?,
    ))
}

fn missing_metadata() -> Refusal {
    Refusal::new(
        Code::IssuanceMetadataMissing,
        "Could not find issuance metadata.",
    )
}

/// First instant at which what is issued `now` is expired: whole calendar years later, on the second.
pub(crate) fn expiry(now: DateTime<Utc>, policy: Policy) -> DateTime<Utc> {
    years_after(now, policy.expiry_years).trunc_subsecs(0)
}

/// The certificates after `first`, as many as `quantity`, if the device has that many serials left.
pub(crate) fn check_serials(first: CertificateId, quantity: WattHours) -> Result<(), Refusal> {
    if first
        .0
        .checked_add(quantity.0)
        .is_none_or(|next| next > MAX_CERTIFICATE_ID)
    {
        return Err(Refusal::new(
            Code::SerialsExhausted,
            format!(
                "certificate ids end at {MAX_CERTIFICATE_ID}; the device has too few left for {quantity}"
            ),
        ));
    }
    Ok(())
}

/// Serials that the next issuance takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serials {
    pub bundle: BundleId,
    pub certificate: CertificateId,
}

impl Serials {
    /// Those that are next.
    pub fn next(entries: &impl Entries, device: &Device) -> Result<Self, Refusal> {
        Ok(Self {
            bundle: get::counters(entries)?.bundle,
            certificate: device.next_certificate_id,
        })
    }
}

/// Issues for readings of one meter of a certified device, and moves the serials on; `None` when all of
/// them are zero.
pub(crate) fn issue_for(
    entries: &impl Entries,
    (device_id, device): (DeviceId, &Device),
    meter_id: Option<MeterId>,
    runs: Vec<Run>,
    serials: &mut Serials,
    context: &Context,
) -> Result<Option<BundlesIssued>, Refusal> {
    let amounts = || runs.iter().flat_map(|run| run.wh.iter().copied());
    let total: WattHours = amounts().sum();
    if total == WattHours::ZERO {
        return Ok(None);
    }
    let bundles = amounts().filter(|wh| wh.0 > 0).count();
    let (metadata_id, metadata) = newest_metadata(entries)?;
    check_serials(serials.certificate, total)?;
    let issued = BundlesIssued {
        device_id,
        meter_id,
        account_id: device.account_id,
        metadata_id,
        first_bundle_id: serials.bundle,
        first_certificate_id: serials.certificate,
        terms: IssuanceTerms {
            energy_source: device.attributes.energy_source,
            energy_carrier: EnergyCarrier::Electricity,
            registry_configuration: metadata.registry_configuration,
            issuance_post_energy_carrier_conversion: false,
            expiry: expiry(context.now, context.policy),
            emissions_factor_production_device: None,
            emissions_factor_source: None,
        },
        runs,
    };
    serials.bundle = serials
        .bundle
        .plus(i64::try_from(bundles).unwrap_or(i64::MAX));
    serials.certificate = serials.certificate.plus(total.0);
    Ok(Some(issued))
}

pub(crate) fn needed(entries: &impl Entries, issue: &IssueBundle, keys: &mut Vec<Key>) {
    let day = Day::of(issue.production_start);
    keys.push(Key::Device(issue.device_id));
    keys.push(Key::Account(issue.account_id));
    keys.push(Key::Metadata(issue.metadata_id));
    keys.push(Key::DeviceDay(issue.device_id, day));
    capacity::needed(entries, issue.device_id, [day], keys);
}

/// Issues one bundle by hand, under the same rules as an issuance from readings. Where no reading was
/// accepted for the interval, the issuing body's statement is recorded as one. What the device owes is
/// paid out of the quantity first; the bundle holds the rest.
pub(crate) fn issue_by_hand(
    entries: &impl Entries,
    issue: &IssueBundle,
    context: &Context,
) -> Result<Decision, Refusal> {
    let device = device::metered(entries, issue.device_id)?;
    open_account(entries, issue.account_id)?;
    let metadata = get::metadata(entries, issue.metadata_id)?.ok_or_else(missing_metadata)?;
    if !device.attributes.is_certified() {
        return Err(Refusal::new(
            Code::DeviceNotCertified,
            format!(
                "Device {} consumes or stores; certificates are issued for production",
                issue.device_id
            ),
        )
        .at("/device_id"));
    }
    if issue.energy_source != device.attributes.energy_source {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!(
                "energy_source must be the device's: {}",
                device.attributes.energy_source
            ),
        )
        .at("/energy_source"));
    }
    if issue.quantity.0 <= 0 {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            "bundle_quantity must be at least 1 Wh",
        )
        .at("/bundle_quantity"));
    }
    let source = issue.emissions_factor_source.as_deref();
    if source.is_some_and(|text| text.chars().count() > device::MAX_TEXT_CHARS) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!(
                "emissions_factor_source has at most {} characters",
                device::MAX_TEXT_CHARS
            ),
        )
        .at("/emissions_factor_source"));
    }
    let interval = check_interval(issue.production_start, issue.production_end)
        .and_then(|interval| {
            check_reading(device, interval, issue.quantity, context).map(|()| interval)
        })
        .map_err(|(column, code, rule)| {
            Refusal::new(code, rule).at(format!("/{}", bundle_field(column)))
        })?;
    let first = checked_range(device, issue)?;
    let reading = standing(entries, issue, device, interval, context)?;
    let paid = device.debt.min(issue.quantity);
    let quantity = issue.quantity - paid;
    if quantity == WattHours::ZERO {
        return Err(Refusal::new(
            Code::DeviceInDebt,
            format!(
                "device {} owes {}, so nothing of {} would be issued",
                issue.device_id, device.debt, issue.quantity
            ),
        )
        .at("/bundle_quantity"));
    }
    let mut events = Vec::new();
    let measurement_id = match reading {
        Some(measurement_id) => measurement_id,
        None => {
            let recorded = reading_to_record(entries, issue, device, interval)?;
            let measurement_id = recorded.first_measurement_id;
            events.push(LedgerEvent::from(recorded).into());
            measurement_id
        }
    };
    if paid > WattHours::ZERO {
        let paid = paid_by_hand(issue.device_id, device, measurement_id, interval, paid);
        events.push(LedgerEvent::from(paid).into());
    }
    events.push(
        LedgerEvent::from(BundlesIssued {
            device_id: issue.device_id,
            meter_id: None,
            account_id: issue.account_id,
            metadata_id: issue.metadata_id,
            first_bundle_id: get::counters(entries)?.bundle,
            first_certificate_id: first,
            terms: IssuanceTerms {
                energy_source: issue.energy_source,
                energy_carrier: issue.energy_carrier,
                registry_configuration: metadata.registry_configuration,
                issuance_post_energy_carrier_conversion: issue
                    .issuance_post_energy_carrier_conversion,
                expiry: issue
                    .expiry
                    .unwrap_or_else(|| expiry(context.now, context.policy)),
                emissions_factor_production_device: issue.emissions_factor_production_device,
                emissions_factor_source: issue.emissions_factor_source.clone(),
            },
            runs: Run::pack([(interval, quantity)]),
        })
        .into(),
    );
    Ok(Decision::unless_dry(false, events))
}

fn paid_by_hand(
    device_id: DeviceId,
    device: &Device,
    measurement_id: MeasurementId,
    interval: Interval,
    wh: WattHours,
) -> DebtPaid {
    DebtPaid {
        device_id,
        account_id: device.account_id,
        parts: vec![DebtPart {
            measurement_id,
            meter_id: None,
            interval_start: interval.start(),
            wh,
        }],
    }
}

/// The bundle field that a reading's column stands for.
fn bundle_field(column: &str) -> &'static str {
    match column {
        "interval_start_datetime" => "production_starting_interval",
        "interval_end_datetime" => "production_ending_interval",
        _ => "bundle_quantity",
    }
}

fn checked_range(device: &Device, issue: &IssueBundle) -> Result<CertificateId, Refusal> {
    let start = issue.start.unwrap_or(device.next_certificate_id);
    if start < device.next_certificate_id {
        return Err(Refusal::new(
            Code::RangeTaken,
            format!(
                "certificate ids of device {} below {} were issued before and are never reused",
                issue.device_id, device.next_certificate_id
            ),
        )
        .at("/certificate_bundle_id_range_start"));
    }
    check_serials(start, issue.quantity)?;
    let end = start.plus(issue.quantity.0 - 1);
    if issue.end.is_some_and(|given| given != end) {
        return Err(Refusal::new(
            Code::RangeQuantity,
            "bundle_quantity must be certificate_bundle_id_range_end - certificate_bundle_id_range_start + 1",
        )
        .at("/certificate_bundle_id_range_end"));
    }
    Ok(start)
}

/// The reading to issue for, where the device's own meter has one with so much free.
fn standing(
    entries: &impl Entries,
    issue: &IssueBundle,
    device: &Device,
    interval: Interval,
    context: &Context,
) -> Result<Option<MeasurementId>, Refusal> {
    let day = get::readings(entries, issue.device_id, None, Day::of(interval.start()))?;
    let Some((found, reading)) = day.and_then(|day| day.overlapping(interval)) else {
        Hours::of(entries, issue.device_id, device)
            .check(interval, issue.quantity, context)?
            .map_err(|(_, code, rule)| Refusal::new(code, rule).at("/bundle_quantity"))?;
        return Ok(None);
    };
    if found != interval {
        return Err(Refusal::new(
            Code::ReadingOverlap,
            format!(
                "{interval} overlaps {found}, for which device {} has a reading",
                issue.device_id
            ),
        )
        .at("/production_starting_interval"));
    }
    if issue.quantity > reading.free() {
        return Err(Refusal::new(
            Code::OverMetered,
            format!(
                "device {} metered {} in {interval} and {} of it are issued; {} can not be issued",
                issue.device_id, reading.wh, reading.issued, issue.quantity
            ),
        )
        .at("/bundle_quantity"));
    }
    if reading.is_doubtful() {
        // Nobody asked when it came in whether the device can have produced so much.
        let beside = Hours::of(entries, issue.device_id, device)
            .but(None, interval.start())
            .check(interval, reading.wh, context)?;
        check_capacity(device, interval, reading.wh, context)
            .and(beside)
            .map_err(|(_, code, rule)| Refusal::new(code, rule).at("/bundle_quantity"))?;
    }
    Ok(Some(reading.measurement_id))
}

fn reading_to_record(
    entries: &impl Entries,
    issue: &IssueBundle,
    device: &Device,
    interval: Interval,
) -> Result<ReadingsAccepted, Refusal> {
    Ok(ReadingsAccepted {
        device_id: issue.device_id,
        account_id: device.account_id,
        meter_id: None,
        first_measurement_id: get::counters(entries)?.measurement,
        gross_net_indicator: "NET".to_owned(),
        runs: Run::pack([(interval, issue.quantity)]),
        repeated: 0,
        gateway: None,
    })
}
