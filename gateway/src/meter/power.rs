//! Which power belongs to a counter.

use crate::profile::{Meaning, Selection, Value};

const STRINGS: [Meaning; 4] = [
    Meaning::String1Power,
    Meaning::String2Power,
    Meaning::String3Power,
    Meaning::String4Power,
];

/// The power that the counter integrates, in W; `None` if the device tells none.
///
/// Of generation the lesser of the modules' power and the inverter's: with a battery, either alone may be
/// more than what is counted.
pub(super) fn power_w(
    selection: &Selection,
    counter: Meaning,
    values: &[(Meaning, Value)],
) -> Option<i64> {
    let value = |meaning: Meaning| {
        let found = values.iter().find(|(name, _)| *name == meaning);
        found.map(|(_, value)| value.whole())
    };
    if counter != Meaning::GenerationTotal {
        return counter
            .power()
            .iter()
            .find_map(|(meaning, sign)| value(*meaning).map(|power| power * sign));
    }
    let strings: Vec<_> = STRINGS.into_iter().filter_map(value).collect();
    let modules =
        value(Meaning::DcPower).or_else(|| (!strings.is_empty()).then(|| strings.iter().sum()));
    let has_battery = selection.points.iter().any(|point| {
        matches!(
            point.meaning,
            Meaning::BatteryPower | Meaning::BatteryDischargePower | Meaning::DischargeTotal
        )
    });
    match (modules, value(Meaning::AcPower)) {
        (Some(modules), Some(inverter)) => Some(modules.min(inverter)),
        (Some(modules), None) => Some(modules),
        (None, inverter) if !has_battery => inverter,
        _ => None,
    }
}
