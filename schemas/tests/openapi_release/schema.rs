//! Two schemas: what a client may send must still be taken, what it is answered must still be what it
//! expects.

use crate::compare::{Changes, Two};
use crate::resolve::Shape;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Who writes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The client: nothing may be narrowed.
    Request,
    /// The server: nothing may be widened.
    Response,
}

/// Compares, following references.
pub fn compare<'a>(
    two: Two<'a>,
    direction: Direction,
    place: &str,
    old: &'a Value,
    new: &'a Value,
    changes: &mut Changes,
) {
    let walk = Walk {
        two,
        direction,
        open: RefCell::default(),
    };
    walk.schemas(place, old, new, changes);
}

struct Walk<'a> {
    two: Two<'a>,
    direction: Direction,
    /// What is being compared, by place in memory: a schema may contain itself.
    open: RefCell<BTreeSet<(*const Value, *const Value)>>,
}

impl<'a> Walk<'a> {
    fn schemas(&self, place: &str, old: &'a Value, new: &'a Value, changes: &mut Changes) {
        let pair = (std::ptr::from_ref(old), std::ptr::from_ref(new));
        if !self.open.borrow_mut().insert(pair) {
            return;
        }
        let (before, now) = (
            self.two.old.alternatives(old),
            self.two.new.alternatives(new),
        );
        match self.direction {
            // Each that was taken is taken still.
            Direction::Request => self.each_has_its_like(place, &before, &now, changes),
            // Each that is answered is one that was.
            Direction::Response => self.each_has_its_like(place, &now, &before, changes),
        }
        self.open.borrow_mut().remove(&pair);
    }

    /// Every one of `some` is like one of `others`: the one with the fewest changes counts.
    fn each_has_its_like(
        &self,
        place: &str,
        some: &[Shape<'a>],
        others: &[Shape<'a>],
        changes: &mut Changes,
    ) {
        for one in some {
            let fits = others
                .iter()
                .filter(|other| is_within(one.kind, other.kind));
            let compared = fits.map(|other| {
                let mut part = Changes::default();
                match self.direction {
                    Direction::Request => self.shapes(place, one, other, &mut part),
                    Direction::Response => self.shapes(place, other, one, &mut part),
                }
                part
            });
            match compared.min_by_key(|part| (part.breaking.len(), part.warnings.len())) {
                Some(part) => changes.extend(part),
                None => {
                    let kind = one.kind.unwrap_or("anything");
                    let what = match self.direction {
                        Direction::Request => format!("{kind} is no longer taken"),
                        Direction::Response => format!("{kind} may now be answered"),
                    };
                    changes.breaks(place, what);
                }
            }
        }
    }

    fn shapes(&self, place: &str, old: &Shape<'a>, new: &Shape<'a>, changes: &mut Changes) {
        self.words(place, old, new, changes);
        self.format(place, old, new, changes);
        if self.direction == Direction::Request {
            bounds(place, old, new, changes);
        }
        self.properties(place, old, new, changes);
        for (keyword, sign) in [("items", "[]"), ("additionalProperties", "{}")] {
            let (before, now) = (old.keyword(keyword), new.keyword(keyword));
            if before.is_object() && now.is_object() {
                self.schemas(&format!("{place}{sign}"), before, now, changes);
            }
        }
    }

    fn words(&self, place: &str, old: &Shape<'_>, new: &Shape<'_>, changes: &mut Changes) {
        let (before, now) = (old.words(), new.words());
        let gone = |some: &[&Value], others: &[&Value]| -> Vec<String> {
            let missing = some.iter().filter(|word| !others.contains(word));
            missing.map(ToString::to_string).collect()
        };
        match (self.direction, before, now) {
            (Direction::Request, Some(before), Some(now)) => {
                for word in gone(&before, &now) {
                    changes.breaks(place, format!("{word} is no longer taken"));
                }
            }
            (Direction::Request, None, Some(_)) => {
                changes.breaks(place, "it became an enumeration");
            }
            (Direction::Response, Some(before), Some(now)) => {
                for word in gone(&now, &before) {
                    changes.warns(place, format!("{word} may now be answered"));
                }
            }
            (Direction::Response, Some(_), None) => {
                changes.warns(place, "it is no longer an enumeration");
            }
            _ => {}
        }
    }

    fn format(&self, place: &str, old: &Shape<'_>, new: &Shape<'_>, changes: &mut Changes) {
        let (before, now) = (old.keyword("format"), new.keyword("format"));
        let breaks = match self.direction {
            Direction::Request => !now.is_null(),
            Direction::Response => !before.is_null(),
        };
        if before != now && breaks {
            changes.breaks(place, format!("format changed from {before} to {now}"));
        }
    }

    fn properties(&self, place: &str, old: &Shape<'a>, new: &Shape<'a>, changes: &mut Changes) {
        for (name, before) in &old.properties {
            let Some(now) = new.property(name) else {
                match self.direction {
                    Direction::Request => {
                        changes.warns(place, format!("the property {name} was removed"));
                    }
                    Direction::Response => {
                        changes.breaks(place, format!("the property {name} was removed"));
                    }
                }
                continue;
            };
            self.schemas(&format!("{place}/{name}"), before, now, changes);
        }
        let (required, optional) = match self.direction {
            Direction::Request => (&new.required, &old.required),
            Direction::Response => (&old.required, &new.required),
        };
        for name in required.difference(optional) {
            match self.direction {
                Direction::Request => changes.breaks(place, format!("{name} became required")),
                Direction::Response if new.property(name).is_some() => {
                    changes.breaks(place, format!("{name} became optional"));
                }
                Direction::Response => {}
            }
        }
    }
}

/// Whether every value of one type is of the other too.
fn is_within(one: Option<&str>, other: Option<&str>) -> bool {
    other.is_none() || one == other || (one, other) == (Some("integer"), Some("number"))
}

/// Keywords that set a lower bound, and those that set an upper one.
const LOWER: [&str; 5] = [
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "minItems",
    "minProperties",
];
const UPPER: [&str; 5] = [
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
];

fn bounds(place: &str, old: &Shape<'_>, new: &Shape<'_>, changes: &mut Changes) {
    let number = |shape: &Shape<'_>, keyword: &str| shape.keyword(keyword).as_f64();
    let mut narrowed = |keyword: &str, is_tighter: fn(f64, f64) -> bool| {
        let (before, now) = (number(old, keyword), number(new, keyword));
        let narrows = match (before, now) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(now)) => is_tighter(now, before),
        };
        if narrows {
            let now = new.keyword(keyword);
            changes.breaks(place, format!("{keyword} was narrowed to {now}"));
        }
    };
    for keyword in LOWER {
        narrowed(keyword, |now, before| now > before);
    }
    for keyword in UPPER {
        narrowed(keyword, |now, before| now < before);
    }
    let (before, now) = (old.keyword("pattern"), new.keyword("pattern"));
    if !now.is_null() && before != now {
        changes.breaks(place, format!("pattern changed from {before} to {now}"));
    }
    if new.keyword("uniqueItems") == true && old.keyword("uniqueItems") != true {
        changes.breaks(place, "items must now be unique");
    }
}
