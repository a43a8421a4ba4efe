//! What differs in some devices of a model: by firmware, by model name, by the type a register tells.

use super::point::Point;

/// What a device says of itself; what its profile knows no register for is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Serial number.
    pub serial: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// The vendor's number of its type.
    pub device_type: Option<u64>,
}

/// A condition on [`Facts`]. What a device does not say fulfils none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The model begins with one of these.
    Model(Vec<String>),
    /// The firmware begins with one of these.
    Firmware(Vec<String>),
    /// The first number in the firmware's text is at least this.
    FirmwareAtLeast(u64),
    /// The type is one of these.
    DeviceType(Vec<u64>),
}

impl Condition {
    /// Whether `facts` fulfil it.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        let begins = |text: &Option<String>, with: &[String]| {
            text.as_deref()
                .is_some_and(|text| with.iter().any(|start| text.starts_with(start)))
        };
        match self {
            Self::Model(names) => begins(&facts.model, names),
            Self::Firmware(names) => begins(&facts.firmware, names),
            Self::FirmwareAtLeast(least) => facts
                .firmware
                .as_deref()
                .and_then(first_number)
                .is_some_and(|number| number >= *least),
            Self::DeviceType(types) => facts
                .device_type
                .is_some_and(|number| types.contains(&number)),
        }
    }
}

fn first_number(text: &str) -> Option<u64> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = &text[start..];
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Points that some devices have instead of, or beside, those of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its name, for people.
    pub name: String,
    /// All have to hold.
    pub when: Vec<Condition>,
    /// Take the place of the profile's points with the same meaning, or are added.
    pub points: Vec<Point>,
}

impl Variant {
    /// Puts its points among `points`.
    pub(super) fn apply(&self, points: &mut Vec<Point>) {
        for point in &self.points {
            match points
                .iter_mut()
                .find(|other| other.meaning == point.meaning)
            {
                Some(other) => other.clone_from(point),
                None => points.push(point.clone()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firmware_is_compared_by_its_first_number() {
        let firmware = |text: &str| Facts {
            firmware: Some(text.to_owned()),
            ..Facts::default()
        };
        let condition = Condition::FirmwareAtLeast(1_098);
        for (text, holds) in [
            ("1098", true),
            ("V1099.2", true),
            ("HV-1097", false),
            ("", false),
            ("beta", false),
            ("99999999999999999999", false),
        ] {
            assert_eq!(condition.holds(&firmware(text)), holds, "{text}");
        }
        assert!(!condition.holds(&Facts::default()));
    }
}
