//! One operation: its name, credentials, parameters, body and answers.

use crate::compare::{Changes, Two};
use crate::resolve::Document;
use crate::schema::{self, Direction};
use serde_json::{Map, Value};

pub fn compare<'a>(
    two: Two<'a>,
    place: &str,
    old: &'a Value,
    new: &'a Value,
    changes: &mut Changes,
) {
    name(place, old, new, changes);
    security(two, place, old, new, changes);
    parameters(two, place, old, new, changes);
    body(two, place, old, new, changes);
    answers(two, place, old, new, changes);
}

/// Generated clients call it by its operation id.
fn name(place: &str, old: &Value, new: &Value, changes: &mut Changes) {
    let (old, new) = (&old["operationId"], &new["operationId"]);
    if !old.is_null() && old != new {
        changes.breaks(place, format!("operationId changed from {old} to {new}"));
    }
}

/// Each alternative that sufficed must still do.
fn security<'a>(two: Two<'a>, place: &str, old: &'a Value, new: &'a Value, changes: &mut Changes) {
    let of = |document: &Value, operation: &Value| -> Vec<Value> {
        let own = operation["security"].as_array();
        own.or(document["security"].as_array())
            .cloned()
            .unwrap_or_default()
    };
    let (old, new) = (of(two.old.0, old), of(two.new.0, new));
    let is_open = new.is_empty()
        || new
            .iter()
            .any(|one| one.as_object().is_some_and(Map::is_empty));
    if is_open {
        return;
    }
    if old.is_empty() {
        changes.breaks(place, "credentials are demanded where none were");
    }
    for gone in old.iter().filter(|one| !new.contains(one)) {
        changes.breaks(place, format!("the credentials {gone} no longer suffice"));
    }
}

fn parameters<'a>(
    two: Two<'a>,
    place: &str,
    old: &'a Value,
    new: &'a Value,
    changes: &mut Changes,
) {
    let (before, now) = (listed(two.old, old), listed(two.new, new));
    let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
    let called = |one: &Value| format!("{} parameter {}", text(&one["in"]), text(&one["name"]));
    for old in &before {
        let Some(new) = now.iter().find(|new| same(old, new)) else {
            changes.warns(place, format!("the {} was removed", called(old)));
            continue;
        };
        if is_required(new) && !is_required(old) {
            changes.breaks(place, format!("the {} became required", called(old)));
        }
        let place = format!("{place} {}", called(old));
        schema::compare(
            two,
            Direction::Request,
            &place,
            &old["schema"],
            &new["schema"],
            changes,
        );
    }
    for new in &now {
        if is_required(new) && !before.iter().any(|old| same(old, new)) {
            changes.breaks(place, format!("the required {} was added", called(new)));
        }
    }
}

fn listed<'a>(document: Document<'a>, operation: &'a Value) -> Vec<&'a Value> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.map(|one| document.resolve(one)).collect()
}

fn body<'a>(two: Two<'a>, place: &str, old: &'a Value, new: &'a Value, changes: &mut Changes) {
    let (old, new) = (&old["requestBody"], &new["requestBody"]);
    if is_required(new) && !is_required(old) {
        changes.breaks(place, "a body became required");
    }
    if old.is_null() {
        return;
    }
    let place = format!("{place} request");
    contents(two, Direction::Request, &place, old, new, changes);
}

fn answers<'a>(two: Two<'a>, place: &str, old: &'a Value, new: &'a Value, changes: &mut Changes) {
    for (status, before) in old["responses"].as_object().into_iter().flatten() {
        let place = format!("{place} {status}");
        let Some(now) = new["responses"].get(status) else {
            match status.starts_with('2') {
                true => changes.breaks(&place, "the status of success was removed"),
                false => changes.warns(&place, "the status was removed"),
            }
            continue;
        };
        let (before, now) = (two.old.resolve(before), two.new.resolve(now));
        for (header, _) in before["headers"].as_object().into_iter().flatten() {
            if now["headers"].get(header).is_none() {
                changes.breaks(&place, format!("the header {header} was removed"));
            }
        }
        contents(two, Direction::Response, &place, before, now, changes);
    }
}

fn contents<'a>(
    two: Two<'a>,
    direction: Direction,
    place: &str,
    old: &'a Value,
    new: &'a Value,
    changes: &mut Changes,
) {
    for (media_type, before) in old["content"].as_object().into_iter().flatten() {
        match new["content"].get(media_type) {
            None => changes.breaks(place, format!("the media type {media_type} was removed")),
            Some(now) => {
                let (before, now) = (&before["schema"], &now["schema"]);
                schema::compare(two, direction, place, before, now, changes);
            }
        }
    }
}

fn is_required(value: &Value) -> bool {
    value["required"] == true
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
