//! Reading and writing the file: everything that is wrong with it is told at once.

use super::amend::amended;
use super::{
    Config, DISK_SHARE_MIB, DeviceConfig, FILE_NAME, GAP_LIMIT_H, MAX_DEVICES, NAMEPLATE_W,
    SAMPLE_EVERY_S,
};
use crate::folder::write_whole;
use schemas::gateway::limit::MAX_TEXT_CHARS;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use url::Url;

/// What the address of a registry is.
const ADDRESS_RULE: &str = "must be an http or https URL, such as https://registry.example";

/// Something wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where, as in `device[2].nameplate_w`; empty for the file as a whole.
    pub place: String,
    /// What the rule is.
    pub rule: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.rule)
        } else {
            write!(f, "{}: {}", self.place, self.rule)
        }
    }
}

/// The configuration can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is none.
    #[error("{} is missing: run `gateway enrol` first", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It holds something wrong.
    #[error("{}:{}", path.display(), wrong.iter().map(|one| format!("\n  {one}")).collect::<String>())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Everything that is wrong with it.
        wrong: Vec<Wrong>,
    },
}

impl Config {
    /// Reads `gateway.toml` in `dir`.
    ///
    /// # Errors
    /// [`ConfigError`], which names everything that is wrong.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = dir.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ConfigError::Missing { path });
            }
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        Self::parse(&text).map_err(|wrong| ConfigError::Wrong { path, wrong })
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| vec![as_whole(&error)])?;
        // Devices one by one, so that a mistake in one does not hide those in the others.
        let devices = match table.remove("device") {
            None => Vec::new(),
            Some(toml::Value::Array(devices)) => devices,
            Some(_) => {
                wrong.push(at("device", "must be written [[device]]"));
                Vec::new()
            }
        };
        let mut read = Vec::new();
        for (index, device) in devices.into_iter().enumerate() {
            match DeviceConfig::deserialize(device) {
                Ok(device) => read.push((index, device)),
                Err(error) => wrong.push(misread(Some(index), &error)),
            }
        }
        match Self::deserialize(table) {
            Ok(mut config) => {
                wrong.extend(config.contradictions());
                wrong.extend(contradictions_among(&read));
                config.devices = read.into_iter().map(|(_, device)| device).collect();
                if wrong.is_empty() {
                    return Ok(config);
                }
            }
            Err(error) => {
                wrong.push(misread(None, &error));
                wrong.extend(contradictions_among(&read));
            }
        }
        Err(wrong)
    }

    /// Checks a configuration that was changed in memory as [`Config::parse`] does.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Vec<Wrong>> {
        let devices: Vec<_> = self.devices.iter().cloned().enumerate().collect();
        let mut wrong = self.contradictions();
        wrong.extend(contradictions_among(&devices));
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The text of `gateway.toml` in `dir` with what differs from `before` changed, or all of this where there is no such
    /// file. What else a person has written there stays.
    ///
    /// # Errors
    /// [`ConfigError`], for instance when somebody is in the middle of editing the file.
    pub fn text_of(&self, dir: &Path, before: &Self) -> Result<String, ConfigError> {
        let path = dir.join(FILE_NAME);
        match std::fs::read_to_string(&path) {
            Ok(there) => {
                amended(&there, before, self).map_err(|wrong| ConfigError::Wrong { path, wrong })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                toml::to_string(self).map_err(|error| ConfigError::Io {
                    path,
                    source: io::Error::other(error),
                })
            }
            Err(source) => Err(ConfigError::Io { path, source }),
        }
    }

    /// Writes [`Config::text_of`] to `gateway.toml` in `dir`, whole or not at all.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is as it was then.
    pub fn save(&self, dir: &Path, before: &Self) -> Result<(), ConfigError> {
        let path = dir.join(FILE_NAME);
        let text = self.text_of(dir, before)?;
        write_whole(&path, text.as_bytes()).map_err(|source| ConfigError::Io { path, source })
    }

    fn contradictions(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if let Some(registry) = &self.registry {
            if !is_address(registry) {
                wrong.push(at("registry", ADDRESS_RULE));
            }
            if !registry.username().is_empty() || registry.password().is_some() {
                wrong.push(at("registry", "must not carry a user or password"));
            }
        }
        let mut within =
            |place: &str, holds: bool, from: &dyn fmt::Display, to: &dyn fmt::Display| {
                if !holds {
                    wrong.push(at(place, format!("must be {from} to {to}")));
                }
            };
        let (from, to) = (SAMPLE_EVERY_S.start(), SAMPLE_EVERY_S.end());
        within(
            "sample_every_s",
            SAMPLE_EVERY_S.contains(&self.sample_every_s),
            from,
            to,
        );
        let (from, to) = (GAP_LIMIT_H.start(), GAP_LIMIT_H.end());
        within(
            "gap_limit_h",
            GAP_LIMIT_H.contains(&self.gap_limit_h),
            from,
            to,
        );
        let (from, to) = (DISK_SHARE_MIB.start(), DISK_SHARE_MIB.end());
        within(
            "disk_share_mib",
            DISK_SHARE_MIB.contains(&self.disk_share_mib),
            from,
            to,
        );
        if !self.api.listen.ip().is_loopback() && self.api.token_file.is_none() {
            wrong.push(at(
                "api.listen",
                "must be a loopback address, or api.token_file be set",
            ));
        }
        wrong
    }
}

/// Reads the address of a registry, as a person writes it.
///
/// # Errors
/// The rule.
pub fn registry_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok();
    url.filter(is_address)
        .ok_or_else(|| ADDRESS_RULE.to_owned())
}

fn is_address(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// The same of the file. One of another scheme is told with all else that is wrong.
pub(super) fn registry<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Url>, D::Error> {
    let url = Url::parse(String::deserialize(value)?.trim());
    url.map(Some).map_err(|_| D::Error::custom(ADDRESS_RULE))
}

/// What is wrong with devices, each with its place in the file.
fn contradictions_among(devices: &[(usize, DeviceConfig)]) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if devices.len() > MAX_DEVICES {
        let rule = format!("a gateway has at most {MAX_DEVICES} devices");
        wrong.push(at("device", rule));
    }
    let mut ids = HashMap::new();
    let mut places = HashMap::new();
    for (index, device) in devices {
        if let Some(first) = ids.insert(device.id, index) {
            let rule = format!("{} is that of device[{first}] already", device.id);
            wrong.push(at(&place(*index, "id"), rule));
        }
        if device.id.0 < 1 {
            wrong.push(at(&place(*index, "id"), "must be 1 or more"));
        }
        if device.profile.is_empty() {
            wrong.push(at(&place(*index, "profile"), "must not be empty"));
        }
        if !NAMEPLATE_W.contains(&device.nameplate_w) {
            let rule = format!("must be {} to {}", NAMEPLATE_W.start(), NAMEPLATE_W.end());
            wrong.push(at(&place(*index, "nameplate_w"), rule));
        }
        if device.unit_id.is_some_and(|unit| unit > 247) && !matches!(device.unit_id, Some(255)) {
            // Modbus Application Protocol V1.1b3 and Messaging on TCP/IP V1.0b, 4.4.2: 248 to 254 are
            // reserved, 255 is "not used" on TCP.
            wrong.push(at(&place(*index, "unit_id"), "must be 0 to 247, or 255"));
        }
        let chars = device.firmware.as_deref().map(|text| text.chars().count());
        if chars.is_some_and(|chars| !(1..=MAX_TEXT_CHARS).contains(&chars)) {
            let rule = format!("has 1 to {MAX_TEXT_CHARS} characters");
            wrong.push(at(&place(*index, "firmware"), rule));
        }
        let unit_id = device.unit_id.filter(|_| !device.connection.is_p1());
        let meter = (&device.connection, unit_id, &device.counter);
        if let Some(first) = places.insert(meter, index) {
            let rule = format!(
                "is the meter and counter of device[{first}]: its energy would count twice"
            );
            wrong.push(at(&place(*index, "connection"), rule));
        }
    }
    wrong
}

fn place(index: usize, field: &str) -> String {
    if field.is_empty() {
        format!("device[{index}]")
    } else {
        format!("device[{index}].{field}")
    }
}

fn at(place: &str, rule: impl Into<String>) -> Wrong {
    Wrong {
        place: place.to_owned(),
        rule: rule.into(),
    }
}

/// A value of another kind than the key's, of the file or of a device. The error shows the key in a line of its own.
fn misread(device: Option<usize>, error: &toml::de::Error) -> Wrong {
    let text = error.to_string();
    let key = text.trim_end().rsplit_once("\nin `");
    let key = key.map_or("", |(_, key)| key.trim_end_matches('`'));
    match device {
        Some(index) => at(&place(index, key), error.message()),
        None => at(key, error.message()),
    }
}

/// An error of the syntax knows its line.
fn as_whole(error: &toml::de::Error) -> Wrong {
    at("", error.to_string().trim_end())
}
