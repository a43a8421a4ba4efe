use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A dump of a device's registers and what they mean, in `gateway/golden/`: made apart from this program.
#[derive(Deserialize)]
struct Golden {
    dumps: Vec<Dump>,
}

#[derive(Deserialize)]
struct Dump {
    name: String,
    device_type: Option<u64>,
    firmware: Option<String>,
    registers: Vec<Run>,
    values: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
struct Run {
    function: u8,
    start: u16,
    words: Vec<u16>,
}

impl Dump {
    fn facts(&self) -> Facts {
        Facts {
            device_type: self.device_type,
            firmware: self.firmware.clone(),
            ..Facts::default()
        }
    }

    fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        for Run {
            function,
            start,
            words,
        } in &self.registers
        {
            let function = Function::from_code(*function).unwrap();
            let count = u16::try_from(words.len()).unwrap();
            registers.add(
                Block {
                    function,
                    start: *start,
                    count,
                },
                words.clone(),
            );
        }
        registers
    }
}

fn goldens() -> impl Iterator<Item = (Arc<Profile>, Golden)> {
    let library = Library::embedded().unwrap();
    let modbus = library
        .iter()
        .filter(|profile| profile.protocol == Protocol::Modbus)
        .cloned()
        .collect::<Vec<_>>();
    modbus.into_iter().map(|profile| {
        let path = format!("{}/golden/{}.toml", env!("CARGO_MANIFEST_DIR"), profile.id);
        let text = std::fs::read_to_string(&path).expect(&path);
        (profile, toml::from_str(&text).expect(&path))
    })
}

#[test]
fn every_point_of_every_profile_decodes_to_its_golden_value() {
    for (profile, golden) in goldens() {
        for dump in &golden.dumps {
            let selection = profile.select(&dump.facts());
            let registers = dump.registers();
            let decoded: BTreeMap<_, _> = selection
                .points
                .iter()
                .map(|point| {
                    let value = point.decode(&registers);
                    let value = value.unwrap_or_else(|error| {
                        panic!("{}, {}: {}: {error}", profile.id, dump.name, point.meaning)
                    });
                    (point.meaning.name().to_owned(), value.0)
                })
                .collect();
            assert_eq!(decoded, dump.values, "{}, {}", profile.id, dump.name);
        }
    }
}

#[test]
fn every_variant_of_every_profile_has_a_dump() {
    for (profile, golden) in goldens() {
        for variant in &profile.variants {
            let dumped = golden.dumps.iter().any(|dump| {
                profile
                    .select(&dump.facts())
                    .variants
                    .contains(&variant.name)
            });
            assert!(dumped, "{}: {}", profile.id, variant.name);
        }
    }
}

#[test]
fn every_point_writes_the_registers_that_it_reads() {
    for (profile, golden) in goldens() {
        for dump in &golden.dumps {
            let registers = dump.registers();
            for point in profile.select(&dump.facts()).points {
                let value = Value(dump.values[point.meaning.name()]);
                let exponent = point.exponent(&registers).unwrap();
                let written = point.encode(value, exponent).unwrap();
                let words = registers.get(&point.register).unwrap();
                // A sign elsewhere leaves two ways to write one number.
                if point.sign.is_none() {
                    let what = format!("{} {}", profile.id, point.meaning);
                    let again = decode_words(&point, &written[0].1, &registers);
                    // The single nearest to a number may be below it.
                    let off = value.0 - again.unwrap().0;
                    let most = i64::from(point.register.kind == Kind::F32);
                    assert!(
                        (0..=most).contains(&off),
                        "{what} {words:04X?} {:04X?}",
                        written[0].1
                    );
                }
            }
        }
    }
}

/// The point's value if its number were `words`.
fn decode_words(point: &Point, words: &[u16], others: &Registers) -> Result<Value, Unreadable> {
    let mut registers = Registers::default();
    let Register {
        function,
        address,
        count,
        ..
    } = point.register;
    registers.add(
        Block {
            function,
            start: address,
            count,
        },
        words.to_vec(),
    );
    for (block, words) in others.blocks() {
        registers.add(*block, words.to_vec());
    }
    point.decode(&registers)
}
