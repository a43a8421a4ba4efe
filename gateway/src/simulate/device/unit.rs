//! A device as time goes on.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::identity::Identity;
use super::map::Map;
use super::state;
use super::sunspec::{self, Fixed};
use super::telegram;
use crate::profile::{
    Facts, Function, Meaning, Point, Profile, Protocol, Quantity, Selection, Value,
};
use crate::simulate::fault::{Fault, Kind, Script, Shown, Turn};
use crate::simulate::physics::{Plant, Size, Totals};

/// Something that the profile makes impossible to simulate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// A fault that needs what the profile does not have.
    #[error("fault {number}: {rule}")]
    Fault {
        /// Its number in the script.
        number: usize,
        /// What has to hold.
        rule: String,
    },
}

/// A device of a profile at a house.
#[derive(Debug, Clone)]
pub struct Device {
    profile: Arc<Profile>,
    /// Registers that never change.
    fixed: Fixed,
    identity: Identity,
    plant: Plant,
    start: DateTime<Utc>,
    script: Script,
    /// What is added to a counter before it is shown, in mWh: negative after a reset.
    offsets: BTreeMap<Meaning, i64>,
    /// By fault, what was shown when values froze.
    frozen: BTreeMap<usize, BTreeMap<Meaning, Value>>,
    /// Added to the powers of ten in scale registers.
    finer: i16,
}

impl Device {
    /// A device that begins to be simulated at `start`.
    ///
    /// # Errors
    /// [`Unsupported`].
    pub fn new(
        profile: Arc<Profile>,
        identity: Identity,
        size: Size,
        seed: u64,
        start: DateTime<Utc>,
        script: Script,
    ) -> Result<Self, Unsupported> {
        let (profile, fixed) = match profile.protocol {
            Protocol::SunSpec => sunspec::lay_out(&profile, identity.family, identity.wiring),
            Protocol::P1 => (telegram::lay_out(&profile), Fixed::new()),
            Protocol::Modbus => (profile, Fixed::new()),
        };
        let has_battery = profile
            .points
            .iter()
            .any(|point| is_of_battery(point.meaning));
        let start = start.duration_trunc(TimeDelta::seconds(1)).unwrap_or(start);
        let size = Size {
            battery: size.battery.filter(|_| has_battery),
            ..size
        };
        let mut device = Self {
            profile,
            fixed,
            identity,
            plant: Plant::new(size, seed, start),
            start,
            script,
            offsets: BTreeMap::new(),
            frozen: BTreeMap::new(),
            finer: 0,
        };
        device.check()?;
        device.begin(start);
        Ok(device)
    }

    fn check(&self) -> Result<(), Unsupported> {
        let selection = self.selection();
        for (number, fault) in (1..).zip(&self.script.0) {
            let refuse = |rule: String| Err(Unsupported::Fault { number, rule });
            let has = |meaning: &Meaning| selection.point(*meaning).is_some();
            if let Some(missing) = fault.points.iter().find(|meaning| !has(meaning)) {
                return refuse(format!("{} has no point {missing}", self.profile.id));
            }
            if fault.kind == Kind::Turn(Turn::Wrap)
                && !counters(&selection, fault).any(|point| point.modulus(0).is_some())
            {
                return refuse(format!("no such counter of {} ever wraps", self.profile.id));
            }
        }
        Ok(())
    }

    /// Goes on until `now`; stays where it is if that has passed.
    pub fn advance_to(&mut self, now: DateTime<Utc>) {
        loop {
            let at = self.plant.at();
            let next = self
                .script
                .0
                .iter()
                .filter_map(|fault| fault.next(self.start, at))
                .min();
            match next.filter(|next| *next <= now) {
                Some(next) => {
                    self.plant.advance_to(next);
                    self.begin(next);
                }
                None => break,
            }
        }
        self.plant.advance_to(now);
    }

    /// Lets happen what begins at `now`.
    fn begin(&mut self, now: DateTime<Utc>) {
        for (number, fault) in self.script.clone().0.iter().enumerate() {
            if fault.since(self.start, now) != Some(now) {
                continue;
            }
            match fault.kind {
                Kind::Shown(Shown::Frozen) => {
                    let shown = self.truth();
                    self.frozen.insert(number, shown);
                }
                Kind::Shown(_) | Kind::Line(_) => {}
                Kind::Turn(turn) => self.turn(turn, fault),
            }
        }
    }

    fn turn(&mut self, turn: Turn, fault: &Fault) {
        let selection = self.selection();
        let truth = self.counted();
        match turn {
            Turn::Reset | Turn::MeterSwapped => {
                for point in counters(&selection, fault) {
                    let counted = truth.get(&point.meaning).map_or(0, |value| value.0);
                    self.offsets.insert(point.meaning, -counted);
                }
                if let Some(serial) = &fault.serial {
                    self.identity.serial.clone_from(serial);
                }
            }
            Turn::Wrap => {
                for point in counters(&selection, fault) {
                    let counted = truth.get(&point.meaning).map_or(0, |value| value.0);
                    if let Some(modulus) = point.modulus(0) {
                        let before = i64::from(fault.after_wh) * 1_000;
                        self.offsets
                            .insert(point.meaning, modulus - before - counted);
                    }
                }
            }
            Turn::Firmware => self.identity.firmware.clone_from(&fault.firmware),
            Turn::ScaleChanged => self.finer -= 1,
        }
    }

    fn selection(&self) -> Selection {
        self.profile.select(&self.facts())
    }

    /// What the house says, whatever the device shows.
    fn counted(&self) -> BTreeMap<Meaning, Value> {
        let phases = match self.profile.protocol {
            Protocol::SunSpec => self.identity.wiring.phases(),
            Protocol::Modbus | Protocol::P1 => 3,
        };
        state::values(&self.plant, phases, Meaning::ALL.iter().copied())
    }

    /// The same with what resets and exchanged meters took from the counters.
    fn truth(&self) -> BTreeMap<Meaning, Value> {
        let mut values = self.counted();
        for (meaning, offset) in &self.offsets {
            if let Some(value) = values.get_mut(meaning) {
                value.0 += offset;
            }
        }
        values
    }

    /// What it shows of `point`; `None`: that there is no value.
    fn shown(
        &self,
        point: &Point,
        truth: &BTreeMap<Meaning, Value>,
        exponent: i16,
    ) -> Option<Value> {
        let now = self.plant.at();
        let mut value = *truth.get(&point.meaning)?;
        for (number, fault) in self.script.0.iter().enumerate() {
            let Some(shown) = fault.shown().filter(|_| fault.meets(point.meaning)) else {
                continue;
            };
            if fault.since(self.start, now).is_none() {
                continue;
            }
            match shown {
                Shown::NotAvailable => return None,
                Shown::Zero => value = Value(0),
                Shown::Highest => {
                    value = Value(point.modulus(exponent).map_or(i64::MAX / 2, |end| end - 1));
                }
                Shown::Frozen => {
                    let then = self.frozen.get(&number);
                    value = then
                        .and_then(|then| then.get(&point.meaning))
                        .copied()
                        .unwrap_or(value);
                }
            }
        }
        match point.modulus(exponent) {
            Some(modulus) if point.meaning.is_counter() => Some(Value(value.0.rem_euclid(modulus))),
            _ => Some(value),
        }
    }

    /// Its registers now.
    #[must_use]
    pub fn registers(&self) -> Map {
        let selection = self.selection();
        let mut map = Map::new(selection.blocks.clone(), self.profile.limits.max_registers);
        for (start, words) in &self.fixed {
            map.write(Function::Holding, *start, words);
        }
        let truth = self.truth();
        let exponents = self.exponents(&selection, &truth);
        for point in &selection.points {
            let exponent = exponent_of(&exponents, point);
            let function = point.register.function;
            match self.shown(point, &truth, exponent) {
                Some(value) => {
                    for (start, words) in point.encode(value, exponent).unwrap_or_default() {
                        map.write(function, start, &words);
                    }
                    if let Some(sign) = &point.sign {
                        map.mark(&sign.register, sign.negative_mask, value.0 < 0);
                    }
                }
                None => {
                    let bits = point.sentinels.first().copied().unwrap_or_default();
                    map.write(
                        function,
                        point.register.address,
                        &point.register.words(bits),
                    );
                    if let Some(scale) = &point.scale_register {
                        map.write(function, scale.address, &[exponent.cast_unsigned()]);
                    }
                }
            }
        }
        for (register, words) in self.identity.registers(&self.profile) {
            map.place(&register, &words);
        }
        map
    }

    /// The telegram that it sends now, if it has a P1 port.
    #[must_use]
    pub fn telegram(&self) -> Option<String> {
        let is_p1 = self.profile.protocol == Protocol::P1;
        is_p1.then(|| {
            let truth = self.truth();
            let points = self.profile.points.iter();
            let shown = points
                .filter_map(|point| Some((point.meaning, self.shown(point, &truth, 0)?)))
                .collect();
            telegram::write(&self.facts(), self.plant.at(), &shown)
        })
    }

    /// The power of ten of each scale register: as fine as all of its points allow.
    fn exponents(
        &self,
        selection: &Selection,
        truth: &BTreeMap<Meaning, Value>,
    ) -> BTreeMap<u16, i16> {
        let mut exponents = BTreeMap::new();
        for point in &selection.points {
            let Some(scale) = &point.scale_register else {
                continue;
            };
            let preferred = preferred(point.meaning.quantity()) + self.finer;
            let exponent = exponents.entry(scale.address).or_insert(preferred);
            let value = truth.get(&point.meaning).copied().unwrap_or_default();
            // A counter starts again at zero rather than to become coarser.
            while !point.meaning.is_counter()
                && point.encode(value, *exponent).is_err()
                && *exponent < crate::profile::MAX_SCALE
            {
                *exponent += 1;
            }
        }
        exponents
    }

    /// What has flown until now, whatever the device shows.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.plant.totals()
    }

    /// What it says of itself, as who reads it knows it.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.identity.facts(&self.profile)
    }

    /// The house.
    #[must_use]
    pub fn plant(&self) -> &Plant {
        &self.plant
    }

    /// Its profile; of a device that describes itself, with the points it describes.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// What goes wrong with it.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// When its simulation began.
    #[must_use]
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }
}

fn exponent_of(exponents: &BTreeMap<u16, i16>, point: &Point) -> i16 {
    let register = point.scale_register.as_ref();
    register
        .and_then(|register| exponents.get(&register.address))
        .copied()
        .unwrap_or_default()
}

/// The points of a fault that count energy.
fn counters<'s>(selection: &'s Selection, fault: &'s Fault) -> impl Iterator<Item = &'s Point> {
    let points = selection.points.iter();
    points.filter(|point| point.meaning.is_counter() && fault.meets(point.meaning))
}

/// The power of ten that devices usually have: what people read, with a digit or two more where that is
/// needed.
const fn preferred(quantity: Quantity) -> i16 {
    match quantity {
        Quantity::Energy | Quantity::Power | Quantity::Share | Quantity::Code => 0,
        Quantity::Voltage | Quantity::Temperature => -1,
        Quantity::Current | Quantity::Frequency => -2,
    }
}

const fn is_of_battery(meaning: Meaning) -> bool {
    matches!(
        meaning,
        Meaning::ChargeTotal
            | Meaning::DischargeTotal
            | Meaning::BatteryPower
            | Meaning::BatteryChargePower
            | Meaning::BatteryCharge
    )
}
