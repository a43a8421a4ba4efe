//! Device profiles: what a model's registers mean, as data. One TOML file each in `gateway/profiles/`, built
//! into the program, and from a folder of one's own without building anything. The README there says
//! how one is written.
//!
//! [`Library`] has them, [`parse`] checks one, [`Point::decode`] makes a value of registers.

mod check;
mod error;
mod file;
mod library;
mod limits;
mod meaning;
mod number;
pub mod plan;
mod point;
mod point_check;
mod register;
mod variant;

pub use check::{MAX_FILE_BYTES, MAX_POINTS, MAX_TEXT_REGISTERS, MAX_VARIANTS, parse};
pub use error::{ProfileError, ProfileErrors};
pub use library::Library;
pub use limits::{Limits, MAX_REGISTERS};
pub use meaning::{Meaning, Quantity, Value};
pub use number::Factor;
pub use point::{MAX_SCALE, NO_SCALE, Point, Sign, Unreadable, Unwritable};
pub use register::{Block, Function, Kind, Register, Registers, WordOrder};
pub use variant::{Condition, Facts, Variant};

use schemas::gateway::ProfileRef;
use serde::{Deserialize, Serialize};

/// How the points of a device are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Modbus registers at addresses that the profile names.
    Modbus,
    /// Modbus registers that the device describes itself.
    SunSpec,
    /// Telegrams of a meter's P1 port.
    P1,
}

/// How requests are framed on the way to the device, unless the configuration says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Modbus TCP.
    Tcp,
    /// Modbus RTU on a serial line.
    Rtu,
    /// Modbus RTU through a TCP connection.
    RtuOverTcp,
    /// Modbus RTU inside the frames of a Solarman V5 data logger.
    Solarman,
}

/// Where a device tells who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Serial number: by it an exchanged meter is noticed.
    pub serial: Option<Register>,
    /// Model.
    pub model: Option<Register>,
    /// Version of the firmware.
    pub firmware: Option<Register>,
    /// The vendor's number of the type.
    pub device_type: Option<Register>,
}

/// A profile that keeps all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its id, which is the file's name.
    pub id: String,
    /// Its version, counted by who writes it.
    pub version: u32,
    /// Who makes the devices.
    pub maker: String,
    /// The models it is for.
    pub models: Vec<String>,
    /// A sentence for people.
    pub description: Option<String>,
    /// How the points are known.
    pub protocol: Protocol,
    /// How requests are framed unless configured otherwise.
    pub framing: Framing,
    /// TCP port unless configured otherwise.
    pub port: u16,
    /// Unit id unless configured otherwise.
    pub unit_id: u8,
    /// What the devices can take.
    pub limits: Limits,
    /// Where they tell who they are.
    pub identity: Identity,
    /// The points of a device that fulfils no variant.
    pub points: Vec<Point>,
    /// The blocks that may be read, where they are not computed.
    pub blocks: Option<Vec<Block>>,
    /// What differs in some devices.
    pub variants: Vec<Variant>,
    /// The counters that certificates come from unless configured otherwise: the first that a device has.
    pub counters: Vec<Meaning>,
    /// SHA-256 over the content, in hexadecimal.
    pub sha256: String,
}

/// What is read from one device, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The points.
    pub points: Vec<Point>,
    /// The blocks that hold them, in order.
    pub blocks: Vec<Block>,
    /// The names of the variants that the device is.
    pub variants: Vec<String>,
}

impl Selection {
    /// The point of that meaning.
    #[must_use]
    pub fn point(&self, meaning: Meaning) -> Option<&Point> {
        self.points.iter().find(|point| point.meaning == meaning)
    }
}

impl Profile {
    /// What is read from a device that says `facts` of itself.
    #[must_use]
    pub fn select(&self, facts: &Facts) -> Selection {
        let mut points = self.points.clone();
        let mut variants = Vec::new();
        for variant in &self.variants {
            if variant.when.iter().all(|condition| condition.holds(facts)) {
                variant.apply(&mut points);
                variants.push(variant.name.clone());
            }
        }
        let blocks = self.blocks_for(&points);
        Selection {
            points,
            blocks,
            variants,
        }
    }

    /// The blocks that have to be read for `points`: of the profile's own those that hold one of them, else
    /// as few as its limits allow.
    #[must_use]
    pub fn blocks_for(&self, points: &[Point]) -> Vec<Block> {
        let Some(blocks) = &self.blocks else {
            return plan::blocks(points, &self.limits);
        };
        let spans: Vec<Block> = points.iter().flat_map(plan::spans).collect();
        let needed = |block: &&Block| {
            spans.iter().any(|span| {
                span.function == block.function
                    && block.start <= span.start
                    && span.end() <= block.end()
            })
        };
        blocks.iter().filter(needed).copied().collect()
    }

    /// How envelopes name it.
    #[must_use]
    pub fn reference(&self) -> ProfileRef {
        ProfileRef {
            id: self.id.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
