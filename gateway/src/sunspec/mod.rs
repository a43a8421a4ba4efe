//! Devices that describe themselves by SunSpec models: where the models are is found by walking them
//! (SunSpec Device Information Model Specification 1.1, 6), what is in them is in `model`. What comes out is the
//! same [`Selection`] that a profile of registers gives.

mod model;
#[cfg(test)]
mod tests;

pub use model::Model;

use crate::profile::{Block, Facts, Function, Limits, Point, Register, Selection, plan};
use crate::transport::{ReadError, Session};
use model::{COMMON, MPPT, MPPT_COUNT};

/// Where a device may begin, in the order they are tried.
pub const BASES: [u16; 3] = [40_000, 50_000, 0];
/// What is there: "SunS".
pub const MARKER: [u16; 2] = [0x5375, 0x6E53];
/// The id behind the last model.
const END: u16 = 0xFFFF;
/// Most models of a device that are looked at.
pub const MAX_MODELS: usize = 64;
/// Makers whose meters count power to the grid as positive.
const EXPORT_POSITIVE: [&str; 1] = ["SolarEdge"];

/// A device does not describe itself as SunSpec has it.
#[derive(Debug, thiserror::Error)]
pub enum SunSpecError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The marker is nowhere.
    #[error("the device has no SunSpec marker at 40000, 50000 or 0")]
    NoMarker,
    /// A chain of models that does not end.
    #[error("the device's SunSpec models do not end: {0}")]
    Endless(&'static str),
    /// None of its models can be read.
    #[error("of the device's SunSpec models {0:?} none is known")]
    NoModel(Vec<u16>),
}

impl SunSpecError {
    /// Whether the session can not be used further.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_fatal())
    }
}

/// A device as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// All its models, in order.
    pub models: Vec<Model>,
    /// Who made it.
    pub maker: Option<String>,
    /// Who it is.
    pub facts: Facts,
    /// What can be read from it.
    pub selection: Selection,
}

/// Walks the models of `unit`.
///
/// # Errors
/// See [`SunSpecError`].
pub async fn discover(
    session: &mut Session,
    unit: u8,
    limits: &Limits,
) -> Result<Found, SunSpecError> {
    let mut walk = Walk {
        session,
        unit,
        limits,
    };
    let base = walk.base().await?;
    let models = walk.models(base).await?;
    let mut found = Found {
        models,
        maker: None,
        facts: Facts::default(),
        selection: Selection::default(),
    };
    if let Some(common) = found.models.iter().find(|model| model.id == COMMON) {
        found.maker = walk.text(common, 2, 16).await?;
        found.facts.model = walk.text(common, 18, 16).await?;
        found.facts.firmware = walk.text(common, 42, 8).await?;
        found.facts.serial = walk.text(common, 50, 16).await?;
    }
    found.selection = walk.select(&found).await?;
    Ok(found)
}

struct Walk<'a> {
    session: &'a mut Session,
    unit: u8,
    limits: &'a Limits,
}

impl Walk<'_> {
    async fn base(&mut self) -> Result<u16, SunSpecError> {
        for base in BASES {
            match self.read(base, 2).await {
                Ok(words) if words == MARKER => return Ok(base),
                Ok(_) => {}
                Err(error) if error.is_fatal() || error.is_silence() => return Err(error.into()),
                Err(_) => {}
            }
        }
        Err(SunSpecError::NoMarker)
    }

    async fn models(&mut self, base: u16) -> Result<Vec<Model>, SunSpecError> {
        let mut models = Vec::new();
        let mut address = base + 2;
        for _ in 0..=MAX_MODELS {
            let words = match self.read(address, 2).await {
                Ok(words) => words,
                // Some devices have nothing behind the last model, not even its end.
                Err(error) if !error.is_fatal() && !error.is_silence() && !models.is_empty() => {
                    return Ok(models);
                }
                Err(error) => return Err(error.into()),
            };
            let (Some(&id), Some(&length)) = (words.first(), words.get(1)) else {
                return Ok(models);
            };
            if id == END {
                return Ok(models);
            }
            if models.len() == MAX_MODELS {
                break;
            }
            models.push(Model {
                id,
                address,
                length,
            });
            let next = u32::from(address) + 2 + u32::from(length);
            address = u16::try_from(next)
                .map_err(|_| SunSpecError::Endless("they go beyond register 65535"))?;
        }
        Err(SunSpecError::Endless("there are more than 64"))
    }

    async fn select(&mut self, found: &Found) -> Result<Selection, SunSpecError> {
        let mut known: Vec<_> = found
            .models
            .iter()
            .filter_map(|model| model.rank().map(|rank| (rank, model)))
            .collect();
        known.sort_by_key(|(rank, _)| *rank);
        let maker = found.maker.as_deref().unwrap_or_default();
        let turned = EXPORT_POSITIVE.iter().any(|name| maker.starts_with(name));
        // Inside a model everything may be read along.
        let limits = Limits {
            max_gap: self.limits.max_registers,
            ..*self.limits
        };
        let mut selection = Selection::default();
        for (_, model) in known {
            let strings = if model.id == MPPT {
                self.strings(model).await?
            } else {
                0
            };
            let mut points = model.points(strings, turned);
            points.retain(|point| selection.point(point.meaning).is_none() && self.fits(point));
            selection.blocks.extend(plan::blocks(&points, &limits));
            selection.points.extend(points);
        }
        if selection.points.is_empty() {
            let ids = found.models.iter().map(|model| model.id).collect();
            return Err(SunSpecError::NoModel(ids));
        }
        Ok(selection)
    }

    fn fits(&self, point: &Point) -> bool {
        plan::spans(point).all(|span| span.count <= self.limits.max_registers)
    }

    async fn strings(&mut self, model: &Model) -> Result<u16, SunSpecError> {
        if model.length + 2 <= MPPT_COUNT {
            return Ok(0);
        }
        let words = self.read(model.address + MPPT_COUNT, 1).await?;
        Ok(words
            .first()
            .copied()
            .filter(|count| *count != 0xFFFF)
            .unwrap_or(0))
    }

    async fn text(
        &mut self,
        model: &Model,
        offset: u16,
        count: u16,
    ) -> Result<Option<String>, SunSpecError> {
        if offset + count > model.length.saturating_add(2) {
            return Ok(None);
        }
        Ok(Register::text(
            &self.read(model.address + offset, count).await?,
        ))
    }

    async fn read(&mut self, start: u16, count: u16) -> Result<Vec<u16>, ReadError> {
        let function = Function::Holding;
        self.session
            .read(
                self.unit,
                Block {
                    function,
                    start,
                    count,
                },
                self.limits,
            )
            .await
    }
}
