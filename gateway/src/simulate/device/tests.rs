#![allow(clippy::unwrap_used)]
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::profile::{Library, Meaning, Profile, Protocol, Registers, Selection, Value};
use crate::simulate::fault::Script;
use crate::simulate::physics::Size;

fn profile(id: &str) -> Arc<Profile> {
    Library::embedded().unwrap().get(id).unwrap().clone()
}

fn identity() -> Identity {
    Identity {
        serial: "4711".to_owned(),
        ..Identity::default()
    }
}

fn noon() -> DateTime<Utc> {
    "2026-06-21T10:00:00Z".parse().unwrap()
}

fn device(id: &str, script: &str) -> Device {
    try_device(id, identity(), script).unwrap()
}

fn try_device(id: &str, identity: Identity, script: &str) -> Result<Device, Unsupported> {
    let script = Script::parse("faults.toml", script).unwrap();
    Device::new(profile(id), identity, Size::default(), 7, noon(), script)
}

/// What somebody reads who knows the profile, block by block.
fn read(profile: &Profile, selection: &Selection, map: &Map) -> BTreeMap<Meaning, Value> {
    let mut registers = Registers::default();
    let blocks = match profile.protocol {
        // Somebody who found the points, and reads as much at once as the device takes.
        Protocol::SunSpec => crate::profile::plan::blocks(&selection.points, &profile.limits),
        Protocol::Modbus | Protocol::P1 => selection.blocks.clone(),
    };
    for block in &blocks {
        let words = map.read(block.function, block.start, block.count);
        registers.add(
            *block,
            words.unwrap_or_else(|refusal| panic!("{}, {block}: {refusal:?}", profile.id)),
        );
    }
    let decoded = selection
        .points
        .iter()
        .filter_map(|point| Some((point.meaning, point.decode(&registers).ok()?)));
    decoded.collect()
}

fn look(device: &Device) -> BTreeMap<Meaning, Value> {
    let profile = device.profile();
    let selection = profile.select(&identity().facts(profile));
    read(profile, &selection, &device.registers())
}

fn generation(device: &mut Device, seconds: i64) -> i64 {
    device.advance_to(noon() + TimeDelta::seconds(seconds));
    look(device)[&Meaning::GenerationTotal].0
}

#[test]
fn every_point_of_every_profile_is_shown_as_it_is() {
    for profile in Library::embedded().unwrap().iter() {
        if profile.protocol != Protocol::Modbus {
            continue;
        }
        let mut device = device(&profile.id, "");
        device.advance_to(noon() + TimeDelta::minutes(90));
        let selection = profile.select(&identity().facts(profile));
        let (truth, shown) = (
            values(device.plant(), 3, Meaning::ALL.iter().copied()),
            look(&device),
        );
        for point in &selection.points {
            let meaning = point.meaning;
            let Some(truth) = truth.get(&meaning) else {
                continue;
            };
            // A scale register makes the step depend on the value, by three digits at most here.
            let step = point.resolution(0, *truth)
                * if point.scale_register.is_some() {
                    10
                } else {
                    1
                };
            let shown = shown
                .get(&meaning)
                .unwrap_or_else(|| panic!("{} shows no {meaning}", profile.id));
            let off = (shown.0 - truth.0).abs();
            assert!(
                off <= step,
                "{}: {meaning} is {truth:?} and shows {shown:?}",
                profile.id
            );
        }
    }
}

#[test]
fn a_device_that_describes_itself_has_a_chain_of_models_with_an_end() {
    use crate::profile::Function::Holding;
    for (family, models) in [
        (Family::Int, &[1, 103, 160, 203][..]),
        (Family::Float, &[1, 113, 160, 213]),
        (Family::Der, &[1, 701, 714, 802]),
    ] {
        let identity = Identity {
            family,
            ..identity()
        };
        let device = try_device("sunspec", identity, "").unwrap();
        let map = device.registers();
        let words = |start, count| map.read(Holding, start, count).unwrap();
        assert_eq!(words(40_000, 2), [0x5375, 0x6E53]);
        let (mut at, mut found) = (40_002, Vec::new());
        while words(at, 2) != [0xFFFF, 0] {
            found.push(words(at, 2)[0]);
            at += 2 + words(at, 2)[1];
        }
        assert_eq!(found, models);
        assert_eq!(map.read(Holding, at, 3), Err(Refusal::Address));
        let (shown, truth) = (
            look(&device),
            device.totals().generation.mwh().cast_signed(),
        );
        let shown = shown[&Meaning::GenerationTotal].0;
        assert!(
            (truth - shown).abs() <= 1_000,
            "{family:?}: {shown} of {truth}"
        );
    }
}

#[test]
fn what_is_outside_the_blocks_or_too_much_is_refused() {
    use crate::profile::Function::{Holding, Input};
    let map = device("sungrow_sh", "").registers();
    assert!(map.read(Input, 13_002, 2).is_ok());
    assert!(map.read(Input, 12_999, 119).is_ok());
    assert_eq!(map.read(Input, 12_999, 120), Err(Refusal::Quantity));
    assert_eq!(map.read(Input, 12_999, 0), Err(Refusal::Quantity));
    assert_eq!(map.read(Input, 12_998, 2), Err(Refusal::Address));
    assert_eq!(map.read(Input, 13_117, 2), Err(Refusal::Address));
    assert_eq!(map.read(Input, 65_535, 2), Err(Refusal::Address));
    assert_eq!(map.read(Holding, 13_002, 2), Err(Refusal::Address));
}

#[test]
fn a_battery_s_power_has_its_sign_where_the_state_says_so() {
    let mut device = device("sungrow_sh", "");
    let mut signs = std::collections::BTreeSet::new();
    for hours in 0..24 {
        device.advance_to(noon() + TimeDelta::hours(hours));
        let powers = device.plant().powers();
        let flows = powers.charge_w.cast_signed() - powers.discharge_w.cast_signed();
        assert_eq!(
            look(&device)[&Meaning::BatteryPower].0,
            flows * 1_000,
            "after {hours} h"
        );
        signs.insert(flows.signum());
    }
    assert!(signs.contains(&1) && signs.contains(&-1));
}

#[test]
fn a_counter_says_zero_for_a_while() {
    let mut device = device(
        "huawei_sun2000",
        "[[fault]]\nkind = \"zero\"\nat_s = 60\nfor_s = 10\n",
    );
    assert!(generation(&mut device, 59) > 0);
    assert_eq!(generation(&mut device, 60), 0);
    assert_eq!(generation(&mut device, 69), 0);
    assert!(generation(&mut device, 70) > 0);
}

#[test]
fn a_counter_has_no_value_for_a_while() {
    let mut device = device(
        "huawei_sun2000",
        "[[fault]]\nkind = \"not_available\"\nfor_s = 10\n",
    );
    assert!(!look(&device).contains_key(&Meaning::GenerationTotal));
    assert!(look(&device).contains_key(&Meaning::AcPower));
    device.advance_to(noon() + TimeDelta::seconds(10));
    assert!(look(&device).contains_key(&Meaning::GenerationTotal));
}

#[test]
fn a_counter_freezes_and_then_shows_what_has_flown_meanwhile() {
    let mut device = device(
        "fronius_float",
        "[[fault]]\nkind = \"frozen\"\nat_s = 60\nfor_s = 3600\n",
    );
    let before = generation(&mut device, 60);
    assert_eq!(generation(&mut device, 1_800), before);
    assert_eq!(generation(&mut device, 3_659), before);
    assert!(generation(&mut device, 3_660) > before + 1_000_000);
}

#[test]
fn a_counter_is_reset_and_goes_on_from_zero() {
    let mut device = device(
        "huawei_sun2000",
        "[[fault]]\nkind = \"reset\"\nat_s = 3600\n",
    );
    let before = generation(&mut device, 3_599);
    assert!(before > 1_000_000);
    assert_eq!(generation(&mut device, 3_600), 0);
    let counted = generation(&mut device, 7_200);
    assert!((500_000..7_000_000).contains(&counted), "{counted}");
}

#[test]
fn a_counter_wraps_after_what_was_asked_for() {
    let mut device = device(
        "solaredge",
        "[[fault]]\nkind = \"wrap\"\nafter_wh = 500\npoints = [\"generation_total\"]\n",
    );
    let first = generation(&mut device, 0);
    let modulus = (1_i64 << 32) * 1_000;
    assert_eq!(modulus - first, 500_000 + first.rem_euclid(1_000));
    let begun = device.totals().generation;
    let last = generation(&mut device, 3_600);
    assert!(last < first, "it has wrapped");
    let flown = (device.totals().generation - begun).mwh().cast_signed();
    assert!((last + modulus - first - flown).abs() <= 1_001);
}

#[test]
fn a_counter_that_never_wraps_is_not_asked_to() {
    let refused = |id, script| try_device(id, identity(), script).unwrap_err().to_string();
    let wrap = "[[fault]]\nkind = \"wrap\"\nafter_wh = 500\n";
    assert!(refused("ferroamp", wrap).contains("ever wraps"));
    let zero = "[[fault]]\nkind = \"zero\"\npoints = [\"charge_total\"]\n";
    assert!(refused("huawei_sun2000", zero).contains("has no point charge_total"));
}

#[test]
fn a_meter_is_swapped() {
    let profile = profile("huawei_sun2000");
    let mut device = device(
        "huawei_sun2000",
        "[[fault]]\nkind = \"meter_swapped\"\nserial = \"0815\"\nat_s = 60\n",
    );
    let serial = |device: &Device| {
        let register = profile.identity.serial.unwrap();
        let words = device
            .registers()
            .read(register.function, register.address, register.count);
        crate::profile::Register::text(&words.unwrap()).unwrap()
    };
    assert_eq!(serial(&device), "4711");
    assert_eq!(generation(&mut device, 60), 0);
    assert_eq!(serial(&device), "0815");
}

#[test]
fn a_scale_changes_and_the_value_does_not() {
    let mut device = device(
        "solaredge",
        "[[fault]]\nkind = \"scale_changed\"\nat_s = 60\n",
    );
    let exponent = |device: &Device| {
        device
            .registers()
            .read(crate::profile::Function::Holding, 40_095, 1)
            .unwrap()[0]
            .cast_signed()
    };
    let before = generation(&mut device, 59);
    assert_eq!(exponent(&device), 0);
    let after = generation(&mut device, 60);
    assert_eq!(exponent(&device), -1);
    assert!((0..3_000).contains(&(after - before)), "{before} {after}");
}

#[test]
fn a_firmware_counts_in_another_unit() {
    let high_voltage = Identity {
        device_type: Some(6),
        firmware: Some("1098".to_owned()),
        ..identity()
    };
    let new = |identity| try_device("deye_sg3p", identity, "").unwrap();
    let raw = |device: Device| {
        let words = device
            .registers()
            .read(crate::profile::Function::Holding, 522, 2)
            .unwrap();
        u32::from(words[0]) | u32::from(words[1]) << 16
    };
    assert_eq!(raw(new(identity())) / 10, raw(new(high_voltage)));
}
