//! Rules of a device's meters beside its own.

use crate::command::{RegisterMeter, UpdateMeter};
use crate::decide::Decision;
use crate::device::{self, MAX_TEXT_CHARS};
use crate::entry::{Device, Meter};
use crate::refusal::{Code, Refusal};
use crate::state::Entries;
use schemas::event::LedgerEvent;
use schemas::event::device::{MeterRegistered, MeterUpdated};
use schemas::id::{DeviceId, MeterId};

/// Most meters a device may have beside its own: each is looked at with every reading of the others.
pub const MAX_METERS: usize = 20;

/// Field and column that name a meter.
pub const METER: &str = "meter_identifier";

/// The meter of the device with this identifier.
pub(crate) fn named<'d>(
    device: &'d Device,
    device_id: DeviceId,
    identifier: &str,
) -> Result<(MeterId, &'d Meter), (Code, String)> {
    MeterId::all()
        .zip(&device.meters)
        .find(|(_, meter)| meter.identifier == identifier)
        .ok_or_else(|| {
            let shown: String = identifier.chars().take(MAX_TEXT_CHARS).collect();
            (
                Code::MeterNotFound,
                format!("device {device_id} has no meter {shown:?}"),
            )
        })
}

/// The same as a refusal of the field that names it.
pub(crate) fn existing<'d>(
    device: &'d Device,
    device_id: DeviceId,
    identifier: &str,
) -> Result<(MeterId, &'d Meter), Refusal> {
    named(device, device_id, identifier)
        .map_err(|(code, rule)| Refusal::new(code, rule).at(format!("/{METER}")))
}

pub(crate) fn register(
    entries: &impl Entries,
    register: &RegisterMeter,
) -> Result<LedgerEvent, Refusal> {
    let device = device::metered(entries, register.device_id)?;
    let identifier = register.identifier.trim();
    let refuse = |code, rule: String| Err(Refusal::new(code, rule).at(format!("/{METER}")));
    if !(1..=MAX_TEXT_CHARS).contains(&identifier.chars().count()) {
        return refuse(
            Code::ValueOutOfRange,
            format!("{METER} must have 1 to {MAX_TEXT_CHARS} characters that are not blank"),
        );
    }
    if named(device, register.device_id, identifier).is_ok() {
        return refuse(
            Code::MeterIdentifierTaken,
            format!(
                "device {} has a meter {identifier:?} already",
                register.device_id
            ),
        );
    }
    if device.meters.len() >= MAX_METERS {
        return refuse(
            Code::ListTooLong,
            format!("a device has at most {MAX_METERS} meters beside its own"),
        );
    }
    let Some(meter_id) = MeterId::all().nth(device.meters.len()) else {
        return refuse(Code::Internal, "meters are counted in 16 bits".to_owned());
    };
    Ok(MeterRegistered {
        device_id: register.device_id,
        meter_id,
        meter_identifier: identifier.to_owned(),
        is_active: register.is_active,
    }
    .into())
}

pub(crate) fn update(entries: &impl Entries, update: &UpdateMeter) -> Result<Decision, Refusal> {
    let device = device::metered(entries, update.device_id)?;
    let (meter_id, meter) = existing(device, update.device_id, update.identifier.trim())?;
    if meter.is_active == update.is_active {
        return Ok(Decision::default());
    }
    Ok(LedgerEvent::from(MeterUpdated {
        device_id: update.device_id,
        meter_id,
        meter_identifier: meter.identifier.clone(),
        is_active: update.is_active,
    })
    .into())
}
