//! A script, read and checked.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{FaultError, FaultErrors};
use super::kind::{Kind, Line, Shown, Turn};
use crate::profile::Meaning;

/// Bytes that the file of a script may have.
pub const MAX_FILE_BYTES: usize = 64 * 1_024;
/// Faults that a script may have.
pub const MAX_FAULTS: usize = 200;
/// Longest time in a script: a year, so that no sum of two overflows anything.
const MAX_S: u32 = 366 * 86_400;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// When, after the start of the simulation.
    pub at: TimeDelta,
    /// For how long; `None`: until the end.
    pub lasts: Option<TimeDelta>,
    /// From one beginning to the next; `None`: it comes once.
    pub every: Option<TimeDelta>,
    /// The points it is about; empty: all counters.
    pub points: Vec<Meaning>,
    /// How many answers in a thousand it meets.
    pub chance_permille: u16,
    /// Of `late` and `dribble`, in milliseconds of real time.
    pub by_ms: u32,
    /// Of `wrap`, in Wh.
    pub after_wh: u32,
    /// Of `meter_swapped`.
    pub serial: Option<String>,
    /// Of `firmware`.
    pub firmware: Option<String>,
}

/// What goes wrong in a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script(pub Vec<Fault>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileScript {
    #[serde(default)]
    fault: Vec<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFault {
    kind: String,
    #[serde(default)]
    at_s: u32,
    for_s: Option<u32>,
    every_s: Option<u32>,
    #[serde(default)]
    points: Vec<String>,
    chance_permille: Option<u16>,
    by_ms: Option<u32>,
    after_wh: Option<u32>,
    serial: Option<String>,
    firmware: Option<String>,
}

impl Script {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every rule it breaks, or why it can not be read.
    pub fn read(path: &Path) -> Result<Self, FaultErrors> {
        let file = path.display().to_string();
        let mut text = String::new();
        let read = File::open(path).and_then(|file| {
            file.take(MAX_FILE_BYTES as u64 + 1)
                .read_to_string(&mut text)
        });
        match read {
            Ok(_) => Self::parse(&file, &text),
            Err(error) => Err(single(&file, "file", format!("can not be read: {error}"))),
        }
    }

    /// Reads `text`; errors name it `file`.
    ///
    /// # Errors
    /// Every rule it breaks.
    pub fn parse(file: &str, text: &str) -> Result<Self, FaultErrors> {
        if text.len() > MAX_FILE_BYTES {
            let rule = format!("has at most {MAX_FILE_BYTES} bytes");
            return Err(single(file, "file", rule));
        }
        let script: FileScript =
            toml::from_str(text).map_err(|error| single(file, "file", one_line(&error)))?;
        if script.fault.len() > MAX_FAULTS {
            let rule = format!(
                "has at most {MAX_FAULTS} faults, not {}",
                script.fault.len()
            );
            return Err(single(file, "file", rule));
        }
        let (mut faults, mut errors) = (Vec::new(), Vec::new());
        for (number, table) in (1..).zip(script.fault) {
            let mut refuse = |field: &str, rule: String| {
                errors.push(FaultError {
                    file: file.to_owned(),
                    place: format!("fault {number}, {field}"),
                    rule,
                });
            };
            match table.try_into::<FileFault>() {
                Ok(fault) => faults.extend(checked(fault, &mut refuse)),
                Err(error) => refuse("its fields", one_line(&error)),
            }
        }
        if errors.is_empty() {
            Ok(Self(faults))
        } else {
            Err(FaultErrors(errors))
        }
    }
}

fn checked(fault: FileFault, refuse: &mut impl FnMut(&str, String)) -> Option<Fault> {
    let mut broken = false;
    let mut refuse = |field: &str, rule: String| {
        broken = true;
        refuse(field, rule);
    };
    let kind = Kind::named(&fault.kind);
    if kind.is_none() {
        refuse("kind", format!("there is no fault {:?}", fault.kind));
    }
    for (field, seconds) in [
        ("at_s", Some(fault.at_s)),
        ("for_s", fault.for_s),
        ("every_s", fault.every_s),
    ] {
        if seconds.is_some_and(|seconds| seconds > MAX_S) {
            refuse(field, format!("is at most {MAX_S}, a year"));
        }
    }
    if let Some(every_s) = fault.every_s
        && fault
            .for_s
            .is_none_or(|for_s| for_s == 0 || for_s >= every_s)
    {
        let rule = "for_s is given, above 0 and below every_s, where a fault comes again";
        refuse("every_s", rule.to_owned());
    }
    let mut points = Vec::new();
    for name in &fault.points {
        match Meaning::from_name(name) {
            Some(meaning) => points.push(meaning),
            None => refuse("points", format!("{name:?} is no meaning of a point")),
        }
    }
    if fault.chance_permille.is_some_and(|chance| chance > 1_000) {
        refuse("chance_permille", "is at most 1000".to_owned());
    }
    if let Some(kind) = &kind {
        for (field, is_given, belongs) in [
            ("points", !points.is_empty(), takes_points(kind)),
            (
                "for_s",
                fault.for_s.is_some(),
                !matches!(kind, Kind::Turn(_)),
            ),
            (
                "every_s",
                fault.every_s.is_some(),
                !matches!(kind, Kind::Turn(_)),
            ),
            (
                "chance_permille",
                fault.chance_permille.is_some(),
                takes_chance(kind),
            ),
            ("by_ms", fault.by_ms.is_some(), takes_pause(kind)),
            (
                "after_wh",
                fault.after_wh.is_some(),
                *kind == Kind::Turn(Turn::Wrap),
            ),
            (
                "serial",
                fault.serial.is_some(),
                *kind == Kind::Turn(Turn::MeterSwapped),
            ),
            (
                "firmware",
                fault.firmware.is_some(),
                *kind == Kind::Turn(Turn::Firmware),
            ),
        ] {
            let is_needed = matches!(field, "by_ms" | "after_wh" | "serial" | "firmware");
            if is_given && !belongs {
                refuse(
                    field,
                    format!("does not belong to the fault {:?}", fault.kind),
                );
            } else if is_needed && belongs && !is_given {
                refuse(field, format!("the fault {:?} needs it", fault.kind));
            }
        }
        if *kind == Kind::Turn(Turn::Wrap) && fault.at_s != 0 {
            refuse(
                "at_s",
                "a counter that will wrap is high from the start: at_s is 0".to_owned(),
            );
        }
    }
    let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
    let fault = Fault {
        kind: kind?,
        at: seconds(fault.at_s),
        lasts: fault.for_s.map(seconds),
        every: fault.every_s.map(seconds),
        points,
        chance_permille: fault.chance_permille.unwrap_or(1_000),
        by_ms: fault.by_ms.unwrap_or_default(),
        after_wh: fault.after_wh.unwrap_or_default(),
        serial: fault.serial,
        firmware: fault.firmware,
    };
    (!broken).then_some(fault)
}

const fn takes_points(kind: &Kind) -> bool {
    matches!(kind, Kind::Shown(_) | Kind::Turn(Turn::Reset | Turn::Wrap))
}

const fn takes_chance(kind: &Kind) -> bool {
    matches!(kind, Kind::Line(line) if !matches!(line, Line::Asleep | Line::HalfOpen))
}

const fn takes_pause(kind: &Kind) -> bool {
    matches!(kind, Kind::Line(Line::Late | Line::Dribble))
}

impl Fault {
    /// Since when it has been there without a break at `now` of a simulation that began at `start`.
    #[must_use]
    pub fn since(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = start + self.at;
        if now < first {
            return None;
        }
        let since = match self.every {
            Some(every) => {
                let rounds = (now - first).num_milliseconds() / every.num_milliseconds().max(1);
                first + TimeDelta::milliseconds(rounds * every.num_milliseconds())
            }
            None => first,
        };
        match self.lasts {
            Some(lasts) if now >= since + lasts => None,
            _ => Some(since),
        }
    }

    /// The next moment after `now` at which it begins.
    #[must_use]
    pub fn next(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = start + self.at;
        if now < first {
            return Some(first);
        }
        let every = self.every?.num_milliseconds().max(1);
        let rounds = (now - first).num_milliseconds() / every + 1;
        Some(first + TimeDelta::milliseconds(rounds * every))
    }

    /// Whether it is about `meaning`.
    #[must_use]
    pub fn meets(&self, meaning: Meaning) -> bool {
        if self.points.is_empty() {
            meaning.is_counter()
        } else {
            self.points.contains(&meaning)
        }
    }

    /// Whether it changes how `meaning` is shown now.
    #[must_use]
    pub const fn shown(&self) -> Option<Shown> {
        match self.kind {
            Kind::Shown(shown) => Some(shown),
            _ => None,
        }
    }
}

fn single(file: &str, place: &str, rule: String) -> FaultErrors {
    FaultErrors(vec![FaultError {
        file: file.to_owned(),
        place: place.to_owned(),
        rule,
    }])
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}
