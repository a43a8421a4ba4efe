//! Two documents, path by path.

use crate::operation;
use crate::resolve::Document;
use serde_json::Value;
use std::fmt::Display;

/// What changed from one document to the next, a sentence each, with the place before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What breaks clients that keep to the older document.
    pub breaking: Vec<String>,
    /// What may surprise them.
    pub warnings: Vec<String>,
}

impl Changes {
    pub fn breaks(&mut self, place: &str, what: impl Display) {
        self.breaking.push(format!("{place}: {what}"));
    }

    pub fn warns(&mut self, place: &str, what: impl Display) {
        self.warnings.push(format!("{place}: {what}"));
    }

    /// Adds those of a part.
    pub fn extend(&mut self, part: Self) {
        self.breaking.extend(part.breaking);
        self.warnings.extend(part.warnings);
    }
}

/// Both sides of a comparison.
#[derive(Clone, Copy)]
pub struct Two<'a> {
    pub old: Document<'a>,
    pub new: Document<'a>,
}

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// What a client of `old` meets when it calls a server of `new`.
pub fn compare(old: &Value, new: &Value) -> Changes {
    let mut changes = Changes::default();
    let two = Two {
        old: Document(old),
        new: Document(new),
    };
    for (path, item) in old["paths"].as_object().into_iter().flatten() {
        let Some(now) = new["paths"].get(path) else {
            changes.breaks(path, "the path was removed");
            continue;
        };
        for method in METHODS {
            let place = format!("{} {path}", method.to_uppercase());
            match (item.get(method), now.get(method)) {
                (Some(before), Some(now)) => {
                    operation::compare(two, &place, before, now, &mut changes);
                }
                (Some(_), None) => changes.breaks(&place, "the method was removed"),
                (None, _) => {}
            }
        }
    }
    changes
}
