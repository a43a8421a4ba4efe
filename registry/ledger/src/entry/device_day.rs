//! The accepted readings of a meter on one day.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::id::MeasurementId;
use schemas::interval::Day;
use schemas::{Interval, WattHours};
use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Accepted readings of a device's meter on one UTC day, by second of the day. An interval lies within
/// an hour, so it never reaches into the next day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceDay(pub BTreeMap<u32, DayReading>);

/// One accepted reading of a day. Always `issued + paid <= wh + excess`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayReading {
    /// Length in seconds.
    pub length_s: u32,
    /// Metered energy.
    pub wh: WattHours,
    /// Certificates issued for it and not withdrawn.
    pub issued: WattHours,
    /// Id of the reading.
    pub measurement_id: MeasurementId,
    /// What few readings have: most are the many.
    special: Option<Box<Special>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Special {
    withdrawn: WattHours,
    excess: WattHours,
    paid: WattHours,
    is_doubtful: bool,
}

impl DayReading {
    /// A reading as it is accepted.
    #[must_use]
    pub fn new(measurement_id: MeasurementId, interval: Interval, wh: WattHours) -> Self {
        Self {
            length_s: u32::try_from(interval.length().num_seconds()).unwrap_or_default(),
            wh,
            issued: WattHours::ZERO,
            measurement_id,
            special: None,
        }
    }

    fn special(&self) -> Special {
        self.special.as_deref().copied().unwrap_or_default()
    }

    fn change(&mut self, change: impl FnOnce(&mut Special)) {
        let mut special = self.special();
        change(&mut special);
        self.special = (special != Special::default()).then(|| Box::new(special));
    }

    /// What the issuing body withdrew and has not issued anew; it alone does.
    #[must_use]
    pub fn withdrawn(&self) -> WattHours {
        self.special().withdrawn
    }

    /// What certificates stood for, beyond what was metered, when it was corrected: the device owes
    /// it, or paid for it with other readings.
    #[must_use]
    pub fn excess(&self) -> WattHours {
        self.special().excess
    }

    /// What was kept back to pay what the device owed.
    #[must_use]
    pub fn paid(&self) -> WattHours {
        self.special().paid
    }

    /// Whether nothing is issued for it before a person has settled it.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.special().is_doubtful
    }

    /// Notes that it is doubtful.
    pub(crate) fn doubt(&mut self) {
        self.change(|special| special.is_doubtful = true);
    }

    /// Notes that a person has settled it.
    fn settle(&mut self) {
        if self.is_doubtful() {
            self.change(|special| special.is_doubtful = false);
        }
    }

    /// What is neither issued nor has paid a debt.
    #[must_use]
    pub fn free(&self) -> WattHours {
        self.wh + self.excess() - self.issued - self.paid()
    }

    /// What of that anybody but the issuing body may have issued.
    #[must_use]
    pub fn unissued(&self) -> WattHours {
        (self.free() - self.withdrawn()).max(WattHours::ZERO)
    }

    /// Takes free Wh to issue for them; beyond those for everybody, those that were withdrawn.
    pub(crate) fn issue(&mut self, wh: WattHours) {
        self.settle();
        self.take(wh);
        self.issued += wh;
    }

    /// Takes free Wh to pay a debt, likewise.
    pub(crate) fn pay(&mut self, wh: WattHours) {
        self.settle();
        self.take(wh);
        self.change(|special| special.paid += wh);
    }

    fn take(&mut self, wh: WattHours) {
        let withdrawn = wh - self.unissued();
        if withdrawn > WattHours::ZERO {
            self.change(|special| special.withdrawn -= withdrawn);
        }
    }

    /// Takes issued Wh back.
    pub(crate) fn withdraw(&mut self, wh: WattHours) {
        self.issued -= wh;
        self.change(|special| special.withdrawn += wh);
    }

    /// Has another value, and so much in excess and withdrawn.
    pub(crate) fn correct(&mut self, wh: WattHours, excess: WattHours, withdrawn: WattHours) {
        self.wh = wh;
        self.change(|special| {
            special.excess = excess;
            special.withdrawn = withdrawn;
            special.is_doubtful = false;
        });
    }
}

/// `[length in s, metered, issued, id]`, and behind them `withdrawn, excess, paid` where one of these is
/// not zero, and `true` behind those of a doubtful one: a day has up to 288 readings, and few of them have
/// anything to add.
impl Serialize for DayReading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = match &self.special {
            None => 4,
            Some(special) => 7 + usize::from(special.is_doubtful),
        };
        let mut list = serializer.serialize_seq(Some(length))?;
        list.serialize_element(&self.length_s)?;
        list.serialize_element(&self.wh)?;
        list.serialize_element(&self.issued)?;
        list.serialize_element(&self.measurement_id)?;
        if let Some(special) = &self.special {
            for wh in [special.withdrawn, special.excess, special.paid] {
                list.serialize_element(&wh)?;
            }
            if special.is_doubtful {
                list.serialize_element(&true)?;
            }
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for DayReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = DayReading;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of four or seven numbers, or seven and `true`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<DayReading, A::Error> {
        fn required<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
            list: &mut A,
            at: usize,
        ) -> Result<T, A::Error> {
            list.next_element()?
                .ok_or_else(|| de::Error::invalid_length(at, &List))
        }
        let mut reading = DayReading {
            length_s: required(&mut list, 0)?,
            wh: required(&mut list, 1)?,
            issued: required(&mut list, 2)?,
            measurement_id: required(&mut list, 3)?,
            special: None,
        };
        if let Some(withdrawn) = list.next_element()? {
            let special = Special {
                withdrawn,
                excess: required(&mut list, 5)?,
                paid: required(&mut list, 6)?,
                is_doubtful: list.next_element()?.unwrap_or_default(),
            };
            reading.change(|of_reading| *of_reading = special);
        }
        Ok(reading)
    }
}

/// Second of its UTC day at which an instant lies.
#[must_use]
pub fn second_of_day(instant: DateTime<Utc>) -> u32 {
    u32::try_from((instant - Day::of(instant).start()).num_seconds())
        .expect("an instant lies less than a day after its midnight")
}

impl DeviceDay {
    /// The accepted reading that shares an instant with `interval`, with its own interval.
    #[must_use]
    pub fn overlapping(&self, interval: Interval) -> Option<(Interval, &DayReading)> {
        let midnight = Day::of(interval.start()).start();
        let start = second_of_day(interval.start());
        let end =
            start + u32::try_from(interval.length().num_seconds()).unwrap_or(u32::MAX - start);
        let (second, reading) = self
            .0
            .range(..end)
            .next_back()
            .filter(|(second, reading)| **second + reading.length_s > start)?;
        let found = midnight + TimeDelta::seconds(i64::from(*second));
        Interval::new(
            found,
            found + TimeDelta::seconds(i64::from(reading.length_s)),
        )
        .ok()
        .map(|interval| (interval, reading))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reading() -> DayReading {
        serde_json::from_str("[3600,100,60,7]").unwrap()
    }

    #[test]
    fn a_reading_is_stored_as_before_unless_it_has_something_to_add() {
        assert_eq!(
            serde_json::to_string(&reading()).unwrap(),
            "[3600,100,60,7]"
        );
        let more = "[3600,100,60,7,1,2,3]";
        let read: DayReading = serde_json::from_str(more).unwrap();
        assert_eq!(
            (read.withdrawn().0, read.excess().0, read.paid().0),
            (1, 2, 3)
        );
        assert_eq!(serde_json::to_string(&read).unwrap(), more);
        let doubtful = "[3600,100,0,7,0,0,0,true]";
        let mut read: DayReading = serde_json::from_str(doubtful).unwrap();
        assert!(read.is_doubtful());
        assert_eq!(serde_json::to_string(&read).unwrap(), doubtful);
        read.issue(WattHours(100));
        assert!(!read.is_doubtful());
        let nothing: DayReading = serde_json::from_str("[3600,100,60,7,0,0,0]").unwrap();
        assert_eq!(nothing, reading());
        for wrong in [
            "[3600,100,60]",
            "[3600,100,60,7,1]",
            "[1,2,3,4,5,6,7,8]",
            "{}",
        ] {
            assert!(
                serde_json::from_str::<DayReading>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_the_issuing_body_withdrew_is_taken_last() {
        let mut reading = reading();
        reading.withdraw(WattHours(60));
        assert_eq!((reading.free().0, reading.unissued().0), (100, 40));
        reading.issue(WattHours(30));
        assert_eq!((reading.unissued().0, reading.withdrawn().0), (10, 60));
        reading.pay(WattHours(25));
        assert_eq!((reading.unissued().0, reading.withdrawn().0), (0, 45));
        assert_eq!(reading.free().0, 45);
    }

    #[test]
    fn readings_and_keys_are_small_for_there_are_many() {
        assert_eq!(size_of::<DayReading>(), 40);
        assert_eq!(size_of::<crate::Key>(), 24);
    }
}
