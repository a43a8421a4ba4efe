//! Issuing for readings, after they have paid what their device owes.

use crate::context::Context;
use crate::entry::Device;
use crate::event::Event;
use crate::issuance::{Serials, issue_for};
use crate::refusal::Refusal;
use crate::state::Entries;
use chrono::{DateTime, Utc};
use schemas::event::LedgerEvent;
use schemas::event::reading::{DebtPaid, DebtPart, Run};
use schemas::id::{DeviceId, MeasurementId, MeterId};
use schemas::{Interval, WattHours};

/// What of a reading is to be issued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issuable {
    pub measurement_id: MeasurementId,
    pub meter_id: Option<MeterId>,
    pub interval: Interval,
    pub wh: WattHours,
}

impl Issuable {
    /// By meter, and in time order within each: so certificates are numbered.
    pub fn order(&self) -> (Option<MeterId>, DateTime<Utc>) {
        (self.meter_id, self.interval.start())
    }
}

/// Issues for readings, given by [`Issuable::order`]. What the device owes is paid before, out of the
/// oldest of them.
pub(crate) fn settle_and_issue(
    entries: &impl Entries,
    device_id: DeviceId,
    device: &Device,
    mut readings: Vec<Issuable>,
    context: &Context,
) -> Result<Vec<Event>, Refusal> {
    let mut events = Vec::new();
    if device.debt > WattHours::ZERO {
        events.extend(
            pay(device_id, device, &mut readings).map(|paid| LedgerEvent::from(paid).into()),
        );
    }
    let mut serials = Serials::next(entries, device)?;
    for of_meter in readings.chunk_by(|a, b| a.meter_id == b.meter_id) {
        let runs = Run::pack(of_meter.iter().map(|one| (one.interval, one.wh)));
        let meter_id = of_meter[0].meter_id;
        let issued = issue_for(
            entries,
            (device_id, device),
            meter_id,
            runs,
            &mut serials,
            context,
        )?;
        events.extend(issued.map(|issued| LedgerEvent::from(issued).into()));
    }
    Ok(events)
}

/// Takes what the device owes out of the readings, the oldest interval first.
fn pay(device_id: DeviceId, device: &Device, readings: &mut Vec<Issuable>) -> Option<DebtPaid> {
    let mut owed = device.debt;
    let mut parts = Vec::new();
    readings.sort_by_key(|one| (one.interval.start(), one.meter_id));
    for one in readings.iter_mut() {
        let wh = one.wh.min(owed);
        if wh == WattHours::ZERO {
            continue;
        }
        owed -= wh;
        one.wh -= wh;
        parts.push(DebtPart {
            measurement_id: one.measurement_id,
            meter_id: one.meter_id,
            interval_start: one.interval.start(),
            wh,
        });
        if owed == WattHours::ZERO {
            break;
        }
    }
    readings.retain(|one| one.wh > WattHours::ZERO);
    readings.sort_by_key(Issuable::order);
    (!parts.is_empty()).then_some(DebtPaid {
        device_id,
        account_id: device.account_id,
        parts,
    })
}
