//! What a smart meter with a P1 port sends (DSMR 5.0.2, 5 and 6.12): a telegram of the same house.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::profile::{Facts, Function, Kind, Meaning, Point, Profile, Register, Value, WordOrder};
use crate::simulate::physics::{local_offset, local_time};
use crate::transport::p1::Telegram;

/// Registers of energy have six digits before the point and three behind it, in kWh.
const WRAPS_AT_WH: u64 = 1_000_000_000;
const MEANINGS: [Meaning; 4] = [
    Meaning::ImportTotal,
    Meaning::ExportTotal,
    Meaning::GridImportPower,
    Meaning::GridExportPower,
];

/// A profile with the points that a telegram has, so that faults can be about them. They are lines of text; of their
/// registers the type and the scale say how fine the numbers are.
#[must_use]
pub fn lay_out(profile: &Profile) -> Arc<Profile> {
    let points = MEANINGS.map(|meaning| Point {
        meaning,
        register: Register {
            function: Function::Holding,
            address: 0,
            count: 2,
            kind: Kind::U32,
            word_order: WordOrder::Big,
        },
        scale: Decimal::ONE,
        offset: Decimal::ZERO,
        scale_register: None,
        sign: None,
        sentinels: Vec::new(),
        min: None,
        max: None,
        wraps_at: meaning.is_counter().then_some(WRAPS_AT_WH),
    });
    Arc::new(Profile {
        points: points.to_vec(),
        blocks: Some(Vec::new()),
        ..profile.clone()
    })
}

/// The telegram of a meter that shows `values` at `at`; what is not among them has no line.
#[must_use]
pub fn write(facts: &Facts, at: DateTime<Utc>, values: &BTreeMap<Meaning, Value>) -> String {
    let mut text = format!(
        "/SIM5\\2{}\r\n\r\n1-3:0.2.8(50)\r\n",
        plain(facts.model.as_deref())
    );
    let season = if local_offset(at).num_hours() == 2 {
        'S'
    } else {
        'W'
    };
    let serial = hex::encode_upper(plain(facts.serial.as_deref()));
    let mut line = |code: &str, value: &str| {
        // Writing to a text does not fail.
        let _ = write!(text, "{code}({value})\r\n");
    };
    let time = local_time(at).format("%y%m%d%H%M%S");
    line("0-0:1.0.0", &format!("{time}{season}"));
    line("0-0:96.1.1", &serial);
    for (meaning, code) in [(Meaning::ImportTotal, 1), (Meaning::ExportTotal, 2)] {
        if let Some(total) = values.get(&meaning) {
            // As meters in the Netherlands do it: by tariff, and no total.
            let (low, high) = (total.whole() / 2, total.whole() - total.whole() / 2);
            line(&format!("1-0:{code}.8.1"), &kilo(low, 6, "kWh"));
            line(&format!("1-0:{code}.8.2"), &kilo(high, 6, "kWh"));
        }
    }
    for (meaning, code) in [(Meaning::GridImportPower, 1), (Meaning::GridExportPower, 2)] {
        if let Some(power) = values.get(&meaning) {
            line(&format!("1-0:{code}.7.0"), &kilo(power.whole(), 2, "kW"));
        }
    }
    Telegram::seal(&text)
}

fn kilo(units: i64, digits: usize, unit: &str) -> String {
    format!("{:0digits$}.{:03}*{unit}", units / 1_000, units % 1_000)
}

/// Without what would end a telegram, a line or a value.
fn plain(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().chars();
    text.filter(|char| char.is_ascii_graphic() && !matches!(char, '/' | '!' | '(' | ')'))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::p1::Registers;

    fn telegram(at: &str, values: &[(Meaning, i64)]) -> (String, Registers) {
        let facts = Facts {
            serial: Some("47/11".to_owned()),
            model: Some("T210!".to_owned()),
            ..Facts::default()
        };
        let values = values
            .iter()
            .map(|(meaning, milli)| (*meaning, Value(*milli)))
            .collect();
        let text = write(&facts, at.parse().unwrap(), &values);
        let telegram = Telegram::parse(text.as_bytes()).unwrap();
        (text, Registers::read(&telegram).unwrap())
    }

    #[test]
    fn a_telegram_says_what_the_meter_shows() {
        let values = [
            (Meaning::ImportTotal, 7_000_101_999),
            (Meaning::ExportTotal, 123_457_000),
            (Meaning::GridImportPower, 0),
            (Meaning::GridExportPower, 12_345_000),
        ];
        let (text, read) = telegram("2026-06-21T10:00:00Z", &values);
        assert!(
            text.starts_with("/SIM5\\2T210\r\n\r\n1-3:0.2.8(50)\r\n"),
            "{text}"
        );
        assert!(text.contains("1-0:2.8.1(000061.728*kWh)"), "{text}");
        assert!(text.contains("1-0:2.7.0(12.345*kW)"), "{text}");
        assert_eq!(read.import_mwh, Some(7_000_101_000));
        assert_eq!(read.export_mwh, Some(123_457_000));
        assert_eq!(
            (read.import_mw, read.export_mw),
            (Some(0), Some(12_345_000))
        );
        assert_eq!((read.serial.as_str(), read.resolution_mwh), ("4711", 1_000));
    }

    #[test]
    fn what_a_meter_does_not_show_has_no_line() {
        let (text, read) = telegram("2026-06-21T10:00:00Z", &[(Meaning::ImportTotal, 5_000)]);
        assert!(!text.contains("1-0:2."), "{text}");
        assert_eq!((read.import_mwh, read.export_mwh), (Some(5_000), None));
    }

    #[test]
    fn an_hour_that_comes_twice_is_told_apart_by_its_season() {
        let time = |at| telegram(at, &[]).0;
        assert!(time("2026-10-25T00:30:00Z").contains("0-0:1.0.0(261025023000S)"));
        assert!(time("2026-10-25T01:30:00Z").contains("0-0:1.0.0(261025023000W)"));
    }
}
