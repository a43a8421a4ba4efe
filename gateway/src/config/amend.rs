//! Changing the file without touching the rest of it: the notes, the order and the blanks of whoever wrote it stay,
//! and so does what was edited since it was read.

use super::{Config, DeviceConfig, Wrong};
use schemas::id::DeviceId;
use serde::Serialize;
use toml::{Table, Value};
use toml_edit::ser::{ValueSerializer, to_document};
use toml_edit::{DocumentMut, Item, TableLike, TomlError, Value as Written};

/// The key of devices, and what tells them from each other.
const DEVICE: &str = "device";
const ID: &str = "id";

/// The text of a file with what differs between two configurations changed, and nothing else.
///
/// # Errors
/// What would be wrong with the file then, or what is wrong with it already.
pub(super) fn amended(text: &str, before: &Config, after: &Config) -> Result<String, Vec<Wrong>> {
    let mut file: DocumentMut = text
        .parse()
        .map_err(|error: TomlError| as_whole(error.to_string().trim_end()))?;
    amend(file.as_table_mut(), &table(before)?, &table(after)?)?;
    amend_devices(file.as_table_mut(), before, after)?;
    let text = file.to_string();
    Config::parse(&text)?;
    Ok(text)
}

fn as_whole(rule: impl ToString) -> Vec<Wrong> {
    vec![Wrong {
        place: String::new(),
        rule: rule.to_string(),
    }]
}

/// All but the devices, which are told apart by their ids.
fn table(config: &impl Serialize) -> Result<Table, Vec<Wrong>> {
    let mut table = Table::try_from(config).map_err(as_whole)?;
    table.remove(DEVICE);
    Ok(table)
}

fn amend(file: &mut dyn TableLike, before: &Table, after: &Table) -> Result<(), Vec<Wrong>> {
    for gone in before.keys().filter(|key| !after.contains_key(*key)) {
        file.remove(gone);
    }
    for (key, value) in after {
        let known = before.get(key);
        if known == Some(value) {
            continue;
        }
        let inner = file.get_mut(key).and_then(Item::as_table_like_mut);
        match (inner, known, value) {
            (Some(inner), Some(Value::Table(known)), Value::Table(value)) => {
                amend(inner, known, value)?;
            }
            _ => set(file, key, value)?,
        }
    }
    Ok(())
}

/// Sets a value; the notes above and beside it stay.
fn set(file: &mut dyn TableLike, key: &str, value: &Value) -> Result<(), Vec<Wrong>> {
    let mut value = value.serialize(ValueSerializer::new()).map_err(as_whole)?;
    match file.get_mut(key) {
        Some(there) => {
            if let Some(there) = there.as_value() {
                *value.decor_mut() = there.decor().clone();
            }
            *there = Item::Value(value);
        }
        None => drop(file.insert(key, Item::Value(value))),
    }
    Ok(())
}

fn amend_devices(
    file: &mut dyn TableLike,
    before: &Config,
    after: &Config,
) -> Result<(), Vec<Wrong>> {
    let is_gone = |device: &dyn TableLike| {
        let id = device.get(ID).and_then(Item::as_integer).map(DeviceId);
        id.is_some_and(|id| before.device(id).is_some() && after.device(id).is_none())
    };
    match file.get_mut(DEVICE) {
        Some(Item::ArrayOfTables(devices)) => devices.retain(|device| !is_gone(device)),
        Some(Item::Value(Written::Array(devices))) => devices.retain(|device| {
            let device = device.as_inline_table();
            !device.is_some_and(|device| is_gone(device))
        }),
        _ => {}
    }
    for device in &after.devices {
        let known = before.device(device.id);
        if known == Some(device) {
            continue;
        }
        let known = known.map(table).transpose()?.unwrap_or_default();
        match written(file, device.id.0) {
            Some(there) => amend(there, &known, &table(device)?)?,
            None => add(file, device)?,
        }
    }
    Ok(())
}

/// A device, as it is written.
fn written(file: &mut dyn TableLike, id: i64) -> Option<&mut dyn TableLike> {
    let is = |device: &dyn TableLike| device.get(ID).and_then(Item::as_integer) == Some(id);
    match file.get_mut(DEVICE)? {
        Item::ArrayOfTables(devices) => {
            let device = devices.iter_mut().find(|device| is(*device))?;
            Some(device)
        }
        Item::Value(Written::Array(devices)) => {
            let mut devices = devices.iter_mut().filter_map(Written::as_inline_table_mut);
            let device = devices.find(|device| is(*device))?;
            Some(device)
        }
        _ => None,
    }
}

/// Adds a device in the way of those that are there.
fn add(file: &mut dyn TableLike, device: &DeviceConfig) -> Result<(), Vec<Wrong>> {
    let device = to_document(device).map_err(as_whole)?.into_table();
    let none = || Item::ArrayOfTables(toml_edit::ArrayOfTables::new());
    match file.entry(DEVICE).or_insert_with(none) {
        Item::Value(Written::Array(devices)) => devices.push(device.into_inline_table()),
        Item::ArrayOfTables(devices) => devices.push(device),
        // What else it may be is refused as it is read.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
#[path = "amend_tests.rs"]
mod tests;
