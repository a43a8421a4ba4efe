//! From the lines of a telegram to energy: the codes of IEC 62056-61 (OBIS) that certificates need.

use super::telegram::Telegram;

/// Tariffs that a meter counts apart (`1-0:2.8.1` to `1-0:2.8.4`).
const TARIFFS: usize = 4;
/// Most digits of a number, on both sides of the point together. DSMR sends 9.
const MAX_DIGITS: usize = 15;
/// mWh of a kWh, and mW of a kW.
const MILLI_OF_KILO: i64 = 1_000_000;

/// What a telegram says. Energy in mWh, counted since the meter was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers {
    /// The first line: maker and type.
    pub identification: String,
    /// The equipment identifier (`0-0:96.1.1`, `96.1.0` or `1-0:0.0.0`); the first line where the meter sends
    /// none, as in Sweden.
    pub serial: String,
    /// Version of the telegram (`1-3:0.2.8` or `0-0:96.1.4`).
    pub version: Option<String>,
    /// Taken from the grid (`1-0:1.8.x`): the total if the meter sends one, else the sum of its tariffs.
    pub import_mwh: Option<i64>,
    /// Delivered to the grid (`1-0:2.8.x`), likewise.
    pub export_mwh: Option<i64>,
    /// The finest step of the coarsest of these counters, in mWh: by the digits that are sent.
    pub resolution_mwh: i64,
    /// Taken from the grid at the moment (`1-0:1.7.0`), in mW.
    pub import_mw: Option<i64>,
    /// Delivered to the grid at the moment (`1-0:2.7.0`), in mW.
    pub export_mw: Option<i64>,
}

/// A line that can not be what the meter means. A telegram with one is not used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObisError {
    #[error("{code}: {value:?} is not a number with a unit, such as 001234.567*kWh")]
    Value {
        /// The code, such as `1-0:2.8.1`.
        code: String,
        /// What stands in brackets.
        value: String,
    },
    #[error("{code}: the unit is {unit:?}, expected {expected}")]
    Unit {
        /// The code.
        code: String,
        /// What the meter sent.
        unit: String,
        /// What it may be.
        expected: &'static str,
    },
    #[error("{code} stands twice in one telegram, with different values")]
    Repeated {
        /// The code.
        code: String,
    },
}

/// An energy register by tariff, in mWh; the total first.
#[derive(Default)]
struct Energy([Option<i64>; TARIFFS + 1]);

impl Energy {
    fn sum(&self) -> Option<i64> {
        let [total, tariffs @ ..] = &self.0;
        total.or_else(|| {
            tariffs
                .iter()
                .flatten()
                .copied()
                .reduce(|sum, part| sum + part)
        })
    }
}

impl Registers {
    /// Reads the lines of a telegram. Codes that nothing is known about are passed over.
    ///
    /// # Errors
    /// If a line with a known code does not hold what it should.
    pub fn read(telegram: &Telegram) -> Result<Self, ObisError> {
        let (mut import, mut export) = (Energy::default(), Energy::default());
        let (mut import_mw, mut export_mw) = (None, None);
        let (mut serial, mut version) = (None, None);
        let mut resolution_mwh = 1;
        for line in telegram.lines() {
            let Some((code, value)) = split(line) else {
                continue;
            };
            match code {
                "0-0:96.1.1" | "0-0:96.1.0" | "1-0:0.0.0" if serial.is_none() => {
                    serial = Some(text(value)).filter(|serial| !serial.is_empty());
                }
                "1-3:0.2.8" | "0-0:96.1.4" => version = Some(value.to_owned()),
                "1-0:1.7.0" => once(&mut import_mw, code, milli(code, value, Unit::Power)?.0)?,
                "1-0:2.7.0" => once(&mut export_mw, code, milli(code, value, Unit::Power)?.0)?,
                _ => {
                    let (registers, tariff) = match tariff(code) {
                        Some((1, tariff)) => (&mut import, tariff),
                        Some((_, tariff)) => (&mut export, tariff),
                        None => continue,
                    };
                    let (energy, step) = milli(code, value, Unit::Energy)?;
                    resolution_mwh = resolution_mwh.max(step);
                    once(&mut registers.0[tariff], code, energy)?;
                }
            }
        }
        let identification = telegram.identification().to_owned();
        Ok(Self {
            serial: serial.unwrap_or_else(|| identification.clone()),
            identification,
            version,
            import_mwh: import.sum(),
            export_mwh: export.sum(),
            resolution_mwh,
            import_mw,
            export_mw,
        })
    }
}

/// `1-0:2.8.1(000123.456*kWh)` is a code and what its first brackets hold.
fn split(line: &str) -> Option<(&str, &str)> {
    let (code, rest) = line.split_once('(')?;
    let (value, _) = rest.split_once(')')?;
    Some((code.trim(), value.trim()))
}

/// `1-0:1.8.2` is import (1) in tariff 2; `1-0:2.8.0` is export (2), the total.
fn tariff(code: &str) -> Option<(u8, usize)> {
    let (direction, tariff) = match code.strip_prefix("1-0:")? {
        rest if rest.starts_with("1.8.") => (1, &rest[4..]),
        rest if rest.starts_with("2.8.") => (2, &rest[4..]),
        _ => return None,
    };
    let tariff = tariff.parse().ok().filter(|tariff| *tariff <= TARIFFS)?;
    Some((direction, tariff))
}

#[derive(Clone, Copy)]
enum Unit {
    Energy,
    Power,
}

/// `000123.456*kWh` in mWh, `01.193*kW` in mW: exact, since DSMR sends three decimals and more than six are
/// refused. And what its last digit counts.
fn milli(code: &str, value: &str, unit: Unit) -> Result<(i64, i64), ObisError> {
    let wrong = || ObisError::Value {
        code: code.to_owned(),
        value: value.chars().take(40).collect(),
    };
    let (number, given) = value.split_once('*').ok_or_else(wrong)?;
    let scale = match (unit, given) {
        (Unit::Energy, "kWh") | (Unit::Power, "kW") => MILLI_OF_KILO,
        (Unit::Energy, "Wh") | (Unit::Power, "W") => 1_000,
        _ => {
            return Err(ObisError::Unit {
                code: code.to_owned(),
                unit: given.chars().take(40).collect(),
                expected: match unit {
                    Unit::Energy => "kWh or Wh",
                    Unit::Power => "kW or W",
                },
            });
        }
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{decimals}");
    let fits = !whole.is_empty()
        && digits.len() <= MAX_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let digits: i64 = if fits {
        digits.parse().map_err(|_| wrong())?
    } else {
        return Err(wrong());
    };
    let parts = u32::try_from(decimals.len())
        .ok()
        .and_then(|decimals| 10_i64.checked_pow(decimals))
        .ok_or_else(wrong)?;
    if scale % parts != 0 {
        return Err(wrong());
    }
    let step = scale / parts;
    let value = digits.checked_mul(step).ok_or_else(wrong)?;
    Ok((value, step))
}

fn once(register: &mut Option<i64>, code: &str, value: i64) -> Result<(), ObisError> {
    match register.replace(value) {
        Some(earlier) if earlier != value => Err(ObisError::Repeated {
            code: code.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// An identifier: DSMR sends its characters as hexadecimal digits, some meters as they are.
fn text(value: &str) -> String {
    let decoded = hex::decode(value)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => text,
        _ => value.to_owned(),
    }
}
