//! The shape of a profile's file. What it says is checked in `check`.

use rust_decimal::Decimal;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A point as the file has it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FilePoint {
    pub meaning: String,
    #[serde(flatten)]
    pub body: toml::Table,
}

/// The rest of a point; apart, so that an error in it can name the point.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileBody {
    pub function: Option<u8>,
    pub address: u16,
    #[serde(rename = "type")]
    pub kind: super::register::Kind,
    pub word_order: Option<super::register::WordOrder>,
    pub unit: Option<String>,
    pub scale: Option<Exact>,
    pub offset: Option<Exact>,
    pub scale_register: Option<u16>,
    pub sign: Option<FileSign>,
    #[serde(default)]
    pub sentinels: Vec<Bits>,
    pub min: Option<Exact>,
    pub max: Option<Exact>,
    pub wraps_at: Option<Bits>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSign {
    pub function: Option<u8>,
    pub address: u16,
    pub negative_mask: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRegister {
    pub function: Option<u8>,
    pub address: u16,
    #[serde(rename = "type")]
    pub kind: super::register::Kind,
    pub count: Option<u16>,
    pub word_order: Option<super::register::WordOrder>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileBlock {
    pub function: Option<u8>,
    pub start: u16,
    pub count: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileWhen {
    pub model: Option<Vec<String>>,
    pub firmware: Option<Vec<String>>,
    pub firmware_at_least: Option<u64>,
    pub device_type: Option<Vec<u64>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileVariant {
    pub name: String,
    pub when: FileWhen,
    pub points: Vec<toml::Table>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileCounter {
    pub default: OneOrMore,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A number written as an integer, or as text if it has a decimal point: TOML's own would be binary
/// floating point, in which 0.1 does not exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Exact;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, or a decimal number in quotes")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Exact, E> {
                Ok(Exact(number.into()))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Exact, E> {
                Err(E::custom(
                    "a number with a decimal point is written in quotes, so that it is exact",
                ))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Exact, E> {
                Decimal::from_str_exact(text)
                    .map(Exact)
                    .map_err(|_| E::custom(format!("{text:?} is not a decimal number")))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Bits of a register: an integer, or `"0x…"` where TOML's 63 bits do not suffice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits(pub u64);

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Bits;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer of at least 0, or \"0x…\" in quotes")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Bits, E> {
                u64::try_from(number)
                    .map(Bits)
                    .map_err(|_| E::custom("bits are written without a sign, as 0x…"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Bits, E> {
                text.strip_prefix("0x")
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                    .map(Bits)
                    .ok_or_else(|| E::custom(format!("{text:?} is not 0x… of at most 64 bits")))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
