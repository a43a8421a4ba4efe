//! Who a simulated device says it is.

use super::sunspec::{Family, Wiring};
use crate::profile::{Facts, Kind, Profile, Register};

/// Who a device says it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Serial number; where registers hold a number, its digits.
    pub serial: String,
    /// Model; what the profile names first if it is empty.
    pub model: String,
    /// Version of the firmware.
    pub firmware: Option<String>,
    /// The vendor's number of the type.
    pub device_type: Option<u64>,
    /// Which models it has, if it describes itself.
    pub family: Family,
    /// How it is wired, if it describes itself.
    pub wiring: Wiring,
}

impl Identity {
    /// What a device of `profile` says, as who reads its registers knows it. A profile may have variants by
    /// firmware and know no register for it: then it is the configuration that knows.
    #[must_use]
    pub fn facts(&self, profile: &Profile) -> Facts {
        let model = if self.model.is_empty() {
            profile.models.first().cloned()
        } else {
            Some(self.model.clone())
        };
        Facts {
            serial: Some(self.serial.clone()),
            model,
            firmware: self.firmware.clone(),
            device_type: self.device_type,
        }
    }

    /// The registers that say so.
    pub(super) fn registers(&self, profile: &Profile) -> Vec<(Register, Vec<u16>)> {
        let facts = self.facts(profile);
        let number = facts.device_type.map(|number| number.to_string());
        let said = [
            (profile.identity.serial, facts.serial),
            (profile.identity.model, facts.model),
            (profile.identity.firmware, facts.firmware),
            (profile.identity.device_type, number),
        ];
        let written = said.into_iter().filter_map(|(register, text)| {
            let register = register?;
            let words = words(&register, text.as_deref().unwrap_or_default());
            Some((register, words))
        });
        written.collect()
    }
}

fn words(register: &Register, text: &str) -> Vec<u16> {
    if register.kind != Kind::Text {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        return register.words(digits.parse().unwrap_or_default());
    }
    let mut bytes = text.bytes().chain(std::iter::repeat(0));
    let mut byte = || bytes.next().unwrap_or_default();
    let word = |_| u16::from_be_bytes([byte(), byte()]);
    (0..register.count).map(word).collect()
}
