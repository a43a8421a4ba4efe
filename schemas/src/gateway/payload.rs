//! The payload of an envelope.

use super::jws::Signed;
use super::limit::{MAX_READINGS, MAX_TEXT_CHARS};
use super::reading::Reading;
use crate::id::{DeviceId, GatewayId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The meter that answered, by what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterIdentity {
    /// Who made it.
    #[schema(max_length = 100, example = "Huawei")]
    pub maker: String,
    /// Its model.
    #[schema(max_length = 100, example = "SUN2000-10KTL-M1")]
    pub model: String,
    /// Its serial number.
    #[schema(max_length = 100, example = "HV2140123456")]
    pub serial: String,
    /// The version of its firmware, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, nullable = false)]
    pub firmware: Option<String>,
}

/// The profile by which the meter was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRef {
    /// Its id.
    #[schema(max_length = 100, example = "huawei_sun2000")]
    pub id: String,
    /// SHA-256 of its file, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
}

/// What an envelope says: readings of one device, in the order of its envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterReadings {
    /// Always [`Signed::CONTEXT`].
    #[schema(pattern = "^gcr-meter-readings/1$")]
    pub context: String,
    /// The gateway, as the registry enrolled it.
    #[schema(value_type = i64)]
    pub gateway_id: GatewayId,
    /// The device, as it is registered.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// The meter that answered.
    pub meter: MeterIdentity,
    /// The profile by which it was read.
    pub profile: ProfileRef,
    /// The envelope's number among those of the device, from 1 without a gap.
    #[schema(minimum = 1)]
    pub sequence: i64,
    /// SHA-256 of the device's previous envelope in compact serialisation, in hexadecimal; absent of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$", nullable = false)]
    pub previous: Option<String>,
    /// When it was signed, by the gateway's clock.
    pub created_at: DateTime<Utc>,
    /// The readings.
    #[schema(min_items = 1, max_items = 500)]
    pub readings: Vec<Reading>,
}

impl Signed for MeterReadings {
    const TYP: &'static str = "gcr-meter-readings+jwt";
    const CONTEXT: &'static str = "gcr-meter-readings/1";

    fn context(&self) -> &str {
        &self.context
    }
}

/// A payload breaks a rule that it can be checked against by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {rule}")]
pub struct Unfit {
    /// JSON pointer into the payload.
    pub pointer: String,
    /// The rule, in a sentence.
    pub rule: String,
}

impl Unfit {
    fn new(pointer: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            rule: rule.into(),
        }
    }
}

impl MeterReadings {
    /// Checks what can be checked without knowing the device or the envelopes before.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn check(&self) -> Result<(), Unfit> {
        if self.sequence < 1 {
            return Err(Unfit::new("/sequence", "sequence counts from 1"));
        }
        if (self.sequence == 1) != self.previous.is_none() {
            return Err(Unfit::new(
                "/previous",
                "previous is there exactly where sequence is above 1",
            ));
        }
        if self.previous.as_deref().is_some_and(|hash| !is_hash(hash)) {
            return Err(Unfit::new("/previous", HASH_RULE));
        }
        if !is_hash(&self.profile.sha256) {
            return Err(Unfit::new("/profile/sha256", HASH_RULE));
        }
        let meter = &self.meter;
        for (pointer, text) in [
            ("/meter/maker", Some(&meter.maker)),
            ("/meter/model", Some(&meter.model)),
            ("/meter/serial", Some(&meter.serial)),
            ("/meter/firmware", meter.firmware.as_ref()),
            ("/profile/id", Some(&self.profile.id)),
        ] {
            // Postgres can not store U+0000 in a text.
            if text.is_some_and(|text| text.chars().count() > MAX_TEXT_CHARS || text.contains('\0'))
            {
                let rule = format!("a text has at most {MAX_TEXT_CHARS} characters, none U+0000");
                return Err(Unfit::new(pointer, rule));
            }
        }
        if !(1..=MAX_READINGS).contains(&self.readings.len()) {
            let rule = format!("an envelope carries 1 to {MAX_READINGS} readings");
            return Err(Unfit::new("/readings", rule));
        }
        for (index, reading) in self.readings.iter().enumerate() {
            if let Some(rule) = reading.broken() {
                return Err(Unfit::new(format!("/readings/{index}"), rule));
            }
        }
        Ok(())
    }
}

const HASH_RULE: &str = "a hash is 64 hexadecimal digits in lower case";

fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
