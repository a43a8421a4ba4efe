#![allow(clippy::unwrap_used)]

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const KWH: i64 = 1_000_000;

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

/// Decodes one point of a built-in profile from words at their addresses alone.
fn decode(
    profile: &str,
    code: u8,
    meaning: Meaning,
    words: &[(u16, &[u16])],
) -> Result<Value, Unreadable> {
    let library = Library::embedded().unwrap();
    let selection = library.get(profile).unwrap().select(&Facts::default());
    let mut registers = Registers::default();
    for (start, words) in words {
        let block = Block {
            function: Function::from_code(code).unwrap(),
            start: *start,
            count: u16::try_from(words.len()).unwrap(),
        };
        registers.add(block, words.to_vec());
    }
    selection.point(meaning).unwrap().decode(&registers)
}

/// Profile, function, meaning, words at their addresses, value.
type Worked = (
    &'static str,
    u8,
    Meaning,
    &'static [(u16, &'static [u16])],
    i64,
);

#[test]
fn worked_encodings_decode_to_what_they_say() {
    use Meaning::{
        AcPower, BatteryPower, ChargeTotal, DischargeTotal, ExportTotal, GenerationTotal,
        GridPower, ImportTotal,
    };
    let tenth = 12_345 * KWH / 10;
    let cases: &[Worked] = &[
        (
            "huawei_sun2000",
            3,
            GenerationTotal,
            &[(32106, &[0x0012, 0xD687])],
            1_234_567 * KWH / 100,
        ),
        (
            "huawei_sun2000_hybrid",
            3,
            GenerationTotal,
            &[(32106, &[0x0012, 0xD687])],
            1_234_567 * KWH / 100,
        ),
        (
            "huawei_sun2000_hybrid",
            3,
            ExportTotal,
            &[(37119, &[0, 0x3039])],
            12_345 * KWH / 100,
        ),
        (
            "huawei_sun2000_hybrid",
            3,
            ImportTotal,
            &[(37121, &[0, 0x3039])],
            12_345 * KWH / 100,
        ),
        (
            "huawei_sun2000_hybrid",
            3,
            GridPower,
            &[(37113, &[0, 1_000])],
            -1_000_000,
        ),
        (
            "sungrow_sh",
            4,
            ImportTotal,
            &[(13036, &[0x1171, 0x0001])],
            70_001 * KWH / 10,
        ),
        (
            "sungrow_sh",
            4,
            GenerationTotal,
            &[(13002, &[0x3039, 0])],
            tenth,
        ),
        (
            "sungrow_sh",
            4,
            ExportTotal,
            &[(13045, &[0x3039, 0])],
            tenth,
        ),
        (
            "sungrow_sh",
            4,
            ChargeTotal,
            &[(13040, &[0x3039, 0])],
            tenth,
        ),
        (
            "sungrow_sh",
            4,
            DischargeTotal,
            &[(13026, &[0x3039, 0])],
            tenth,
        ),
        (
            "sungrow_sh_sf",
            4,
            GenerationTotal,
            &[(13002, &[0x3039, 0])],
            tenth,
        ),
        (
            "sungrow_sg",
            4,
            GenerationTotal,
            &[(5003, &[0x3039, 0])],
            12_345 * KWH,
        ),
        (
            "deye_sg3p",
            3,
            ImportTotal,
            &[(522, &[0x86A0, 0x0001])],
            10_000 * KWH,
        ),
        (
            "deye_sg3p",
            3,
            ExportTotal,
            &[(524, &[0x86A0, 0x0001])],
            10_000 * KWH,
        ),
        (
            "deye_sg3p",
            3,
            GenerationTotal,
            &[(534, &[0x86A0, 0x0001])],
            10_000 * KWH,
        ),
        ("deye_sg3p", 3, BatteryPower, &[(590, &[500])], -500_000),
        // 123.456 kWh is 123.45600128173828125 as a single.
        (
            "eastron_sdm630",
            4,
            ImportTotal,
            &[(72, &[0x42F6, 0xE979])],
            123_456_001,
        ),
        (
            "eastron_sdm630",
            4,
            ExportTotal,
            &[(74, &[0x42F6, 0xE979])],
            123_456_001,
        ),
        ("solaredge", 3, AcPower, &[(40083, &[0x10E1, 0])], 4_321_000),
        (
            "solaredge",
            3,
            GenerationTotal,
            &[(40093, &[0, 0x3039]), (40095, &[1])],
            123_450_000,
        ),
        (
            "solaredge",
            3,
            ExportTotal,
            &[(40226, &[1, 0]), (40242, &[1])],
            655_360_000,
        ),
        (
            "solaredge",
            3,
            GridPower,
            &[(40206, &[432]), (40210, &[1])],
            -4_320_000,
        ),
        (
            "fronius_sf",
            3,
            GenerationTotal,
            &[(40093, &[0, 0x3039]), (40095, &[1])],
            123_450_000,
        ),
        // 12,345 as a single.
        (
            "fronius_float",
            3,
            GenerationTotal,
            &[(40101, &[0x4640, 0xE400])],
            12_345_000,
        ),
        (
            "sma",
            3,
            GenerationTotal,
            &[(30513, &[0, 0, 1, 0])],
            65_536_000,
        ),
        ("sma", 3, ImportTotal, &[(30581, &[0, 0x3039])], 12_345_000),
        ("growatt", 4, GenerationTotal, &[(55, &[0, 0x3039])], tenth),
        (
            "growatt_sph",
            4,
            GenerationTotal,
            &[(91, &[0, 0x3039])],
            tenth,
        ),
        (
            "growatt_tlxh",
            4,
            GenerationTotal,
            &[(3053, &[0, 0x3039])],
            tenth,
        ),
        (
            "goodwe_et",
            3,
            GenerationTotal,
            &[(35191, &[0, 0x3039])],
            tenth,
        ),
        (
            "goodwe_et",
            3,
            ImportTotal,
            &[(36017, &[0x4640, 0xE400])],
            12_345_000,
        ),
        (
            "solis",
            4,
            GenerationTotal,
            &[(3008, &[0, 0x3039])],
            12_345 * KWH,
        ),
        (
            "solis",
            4,
            ImportTotal,
            &[(3282, &[0, 0x3039])],
            12_345 * KWH / 100,
        ),
        (
            "solis_hybrid",
            4,
            GenerationTotal,
            &[(33029, &[0, 0x3039])],
            12_345 * KWH,
        ),
        ("solax", 4, GenerationTotal, &[(148, &[0x3039, 0])], tenth),
        (
            "solax",
            4,
            ImportTotal,
            &[(74, &[0x3039, 0])],
            12_345 * KWH / 100,
        ),
        (
            "sofar_g3",
            3,
            GenerationTotal,
            &[(1670, &[0, 0x3039])],
            tenth,
        ),
        ("sofar_g3", 3, ImportTotal, &[(1678, &[0, 0x3039])], tenth),
        (
            "ferroamp",
            4,
            GenerationTotal,
            &[(5064, &[0xE400, 0x4640])],
            12_345 * KWH,
        ),
        (
            "ferroamp",
            4,
            ExportTotal,
            &[(3064, &[0xE400, 0x4640])],
            12_345 * KWH,
        ),
    ];
    for (profile, code, meaning, words, value) in cases {
        let decoded = decode(profile, *code, *meaning, words);
        assert_eq!(decoded, Ok(Value(*value)), "{profile} {meaning}");
    }
    let library = Library::embedded().unwrap();
    for profile in library
        .iter()
        .filter(|profile| profile.protocol == Protocol::Modbus)
    {
        let worked = |counter| {
            cases
                .iter()
                .any(|case| case.0 == profile.id && case.2 == counter)
        };
        assert!(
            profile.counters.iter().copied().all(worked),
            "{}",
            profile.id
        );
    }
}

#[test]
fn values_that_stand_for_none_are_no_values() {
    let generation = Meaning::GenerationTotal;
    let sma = decode("sma", 3, generation, &[(30513, &[0xFFFF; 4])]);
    assert_eq!(sma, Err(Unreadable::Sentinel(u64::MAX)));
    let huawei = decode(
        "huawei_sun2000",
        3,
        Meaning::AcPower,
        &[(32080, &[0x7FFF, 0xFFFF])],
    );
    assert_eq!(huawei, Err(Unreadable::Sentinel(0x7FFF_FFFF)));
    let eastron = decode(
        "eastron_sdm630",
        4,
        Meaning::ExportTotal,
        &[(74, &[0x7FC0, 0])],
    );
    assert_eq!(eastron, Err(Unreadable::NotANumber(0x7FC0_0000)));
    let scale = decode(
        "solaredge",
        3,
        generation,
        &[(40093, &[0, 1]), (40095, &[0x8000])],
    );
    assert_eq!(scale, Err(Unreadable::Scale(NO_SCALE)));
    let unread = decode("solaredge", 3, generation, &[(40093, &[0, 1])]);
    assert_eq!(unread, Err(Unreadable::NotRead));
    let negative = decode(
        "eastron_sdm630",
        4,
        Meaning::ExportTotal,
        &[(74, &[0xBF80, 0])],
    );
    assert!(matches!(
        negative,
        Err(Unreadable::OutOfRange {
            value: -1_000_000,
            min: 0,
            ..
        })
    ));
}

#[test]
fn a_scale_register_holds_ten_at_most() {
    let of = |scale: i16| {
        let words: &[(u16, &[u16])] = &[(40093, &[0, 1]), (40095, &[scale.cast_unsigned()])];
        decode("solaredge", 3, Meaning::GenerationTotal, words)
    };
    assert_eq!(of(MAX_SCALE), Ok(Value(10_000_000_000_000)));
    assert_eq!(of(MAX_SCALE + 1), Err(Unreadable::Scale(11)));
    assert_eq!(of(-MAX_SCALE), Ok(Value(0)));
}

#[test]
fn a_value_and_its_scale_are_read_in_one_request() {
    let library = Library::embedded().unwrap();
    for profile in library.iter() {
        let selection = profile.select(&Facts::default());
        for point in &selection.points {
            let together = |block: &&Block| {
                block.holds(&point.register)
                    && point
                        .scale_register
                        .as_ref()
                        .is_none_or(|scale| block.holds(scale))
            };
            let blocks = selection.blocks.iter().filter(together).count();
            assert_eq!(blocks, 1, "{} {}", profile.id, point.meaning);
        }
    }
}

#[test]
fn blocks_are_as_few_as_the_limits_allow() {
    let library = Library::embedded().unwrap();
    let eastron = library.get("eastron_sdm630").unwrap();
    let starts: Vec<_> = eastron
        .select(&Facts::default())
        .blocks
        .iter()
        .map(|block| (block.start, block.count))
        .collect();
    assert_eq!(starts, [(0, 18), (52, 24), (342, 16)]);
}

const GOOD: &str = r#"
id = "good"
version = 1
maker = "Maker"
models = ["Model"]
protocol = "modbus"
function = 3
counter.default = "export_total"
points = [{ meaning = "export_total", address = 10, type = "U32", unit = "kWh", scale = "0.1" }]
"#;

fn rules(file: &str, text: &str) -> Vec<String> {
    let errors = parse(file, text).unwrap_err();
    errors.0.iter().map(ToString::to_string).collect()
}

/// The rules that [`GOOD`] breaks with `from` replaced.
fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    rules("good.toml", &GOOD.replace(from, to)).join("\n")
}

#[test]
fn all_rules_that_are_broken_are_told_with_file_and_place() {
    let text = r#"
id = "Bad"
version = 0
models = []
protocol = "modbus"
function = 3
colour = "red"
limits = { max_registers = 126, timeout_ms = 49, min_gap_ms = 10_001 }
counter.default = "import_total"
points = [
    { meaning = "export_total", address = 65535, type = "U32", unit = "W" },
    { meaning = "export_total", address = 1, type = "U16", unit = "kWh", scale = "-0.1", sentinels = [0x1_0000] },
    { meaning = "warmth", address = 1, type = "U16" },
    { meaning = "grid_power", address = 1, type = "U8", unit = "W" },
    { meaning = "ac_power", address = 1, type = "U16", unit = "W", scale = 0.1 },
    { meaning = "status", address = 1, type = "U16", unit = "W", min = 2, max = 1 },
]
"#;
    let found = rules("profiles/bad.toml", text);
    for expected in [
        "profiles/bad.toml: colour: is not a key of a profile",
        "profiles/bad.toml: id: has small letters, digits and underscores only",
        "profiles/bad.toml: id: is the file's name without .toml; it is \"Bad\"",
        "profiles/bad.toml: version: is 1 to 4294967295; it is 0",
        "profiles/bad.toml: maker: is missing",
        "profiles/bad.toml: models: names at least one",
        "profiles/bad.toml: limits.max_registers: is 1 to 125; it is 126",
        "profiles/bad.toml: limits.min_gap_ms: is 0 to 10000; it is 10001",
        "profiles/bad.toml: limits.timeout_ms: is 50 to 60000; it is 49",
        "profiles/bad.toml: point export_total: unit \"W\" does not fit; Wh does",
        "profiles/bad.toml: point export_total: function 3 register 65535 goes beyond register 65535",
        "profiles/bad.toml: point export_total: scale of energy is not negative",
        "profiles/bad.toml: point export_total: sentinel 0x10000 has more than 16 bits",
        "profiles/bad.toml: points[3]: \"warmth\" is not a meaning of the vocabulary",
        "profiles/bad.toml: point status: a code has no unit",
        "profiles/bad.toml: point status: min is above max",
        "profiles/bad.toml: counter.default: there is no point import_total",
    ] {
        assert!(
            found.iter().any(|rule| rule == expected),
            "{expected} is not in {found:#?}"
        );
    }
    let starts = |start: &str| found.iter().any(|rule| rule.starts_with(start));
    assert!(starts(
        "profiles/bad.toml: point grid_power: unknown variant `U8`"
    ));
    assert!(starts(
        "profiles/bad.toml: point ac_power: a number with a decimal point is written in quotes"
    ));
}

#[test]
fn what_a_file_is_not_is_told() {
    assert!(parse("good.toml", GOOD).is_ok());
    assert!(rules("good.toml", "id = ")[0].starts_with("good.toml: file: is not TOML"));
    assert!(rules("other.toml", GOOD)[0].contains("is the file's name without .toml"));
    assert!(broken("\"modbus\"", "\"canbus\"").contains("protocol: unknown variant `canbus`"));
    assert!(
        broken(
            "points = [{",
            "blocks = [{ start = 0, count = 11 }]\npoints = [{"
        )
        .contains("point export_total: function 3, 2 registers from 10 is in none of the blocks")
    );
    assert!(
        broken("\"export_total\"\n", "\"grid_power\"\n").contains("is not energy that only grows")
    );
    assert!(broken("function = 3\n", "").contains("function is missing"));
    assert!(broken("\"U32\"", "\"STR\"").contains("a text is no point"));
    let twice = "{ meaning = \"export_total\", address = 20, type = \"U16\", unit = \"Wh\" }]";
    assert!(broken(" }]", &format!(" }}, {twice}")).contains("point export_total: is there twice"));
    let variant = "[[variants]]\nname = \"none\"\nwhen = {}\npoints = []";
    assert!(
        rules("good.toml", &format!("{GOOD}{variant}"))[0].contains("has at least one condition")
    );
}

#[test]
fn a_block_has_as_many_registers_as_the_limit_and_no_more() {
    let with = |count: u16| {
        let limits = "limits = { max_registers = 40 }";
        GOOD.replace(
            "points",
            &format!("{limits}\nblocks = [{{ start = 0, count = {count} }}]\npoints"),
        )
    };
    assert!(parse("good.toml", &with(40)).is_ok());
    assert!(
        rules("good.toml", &with(41))[0]
            .contains("count is 1 to 40 (limits.max_registers); it is 41")
    );
}

#[test]
fn files_points_and_variants_are_bounded() {
    let padded = |bytes: usize| format!("{GOOD}#{}", "x".repeat(bytes - GOOD.len() - 1));
    assert!(parse("good.toml", &padded(MAX_FILE_BYTES)).is_ok());
    assert!(rules("good.toml", &padded(MAX_FILE_BYTES + 1))[0].contains("has at most"));
    let variants = |count: usize| {
        let one = "[[variants]]\nname = \"v\"\nwhen = { device_type = [6] }\npoints = []\n";
        format!("{GOOD}{}", one.repeat(count))
    };
    assert!(parse("good.toml", &variants(MAX_VARIANTS)).is_ok());
    assert!(rules("good.toml", &variants(MAX_VARIANTS + 1))[0].contains("are at most 16"));
    let points = |count: usize| {
        GOOD.replace(
            " }]",
            &format!(" }}{}]", ", { meaning = 1 }".repeat(count - 1)),
        )
    };
    assert!(
        rules("good.toml", &points(MAX_POINTS))
            .iter()
            .all(|rule| !rule.contains("has at most"))
    );
    assert!(
        rules("good.toml", &points(MAX_POINTS + 1))
            .join("\n")
            .contains("points: has at most 256")
    );
}

#[test]
fn the_hash_is_of_the_content_and_not_of_the_writing() {
    let hash = |text: &str| parse("good.toml", text).unwrap().sha256;
    let rewritten = GOOD
        .replace("\"0.1\"", "\"0.1\" ")
        .replace("id =", "# why\nid   =");
    assert_eq!(hash(GOOD), hash(&rewritten));
    assert_ne!(hash(GOOD), hash(&GOOD.replace("0.1", "0.01")));
    assert_eq!(hash(GOOD).len(), 64);
}

#[test]
fn a_folder_of_ones_own_adds_and_replaces_profiles() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    let sma = GOOD
        .replace("\"good\"", "\"sma\"")
        .replace("version = 1", "version = 7");
    std::fs::write(folder.path().join("sma.toml"), sma).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a profile").unwrap();
    let library = Library::embedded()
        .unwrap()
        .with_folder(folder.path())
        .unwrap();
    assert_eq!(library.get("sma").unwrap().version, 7);
    assert_eq!(library.get("good").unwrap().maker, "Maker");
    assert!(library.get("solax").is_some());

    std::fs::write(folder.path().join("worse.toml"), "").unwrap();
    std::fs::write(folder.path().join("worst.toml"), "=").unwrap();
    let errors = Library::default().with_folder(folder.path()).unwrap_err();
    let files: Vec<_> = errors.0.iter().map(|error| error.file.clone()).collect();
    assert!(files.iter().any(|file| file.ends_with("worse.toml")));
    assert!(files.iter().any(|file| file.ends_with("worst.toml")));
}

#[test]
fn counters_know_where_they_wrap_and_how_fine_they_are() {
    let library = Library::embedded().unwrap();
    let counter = |profile: &str| {
        let selection = library.get(profile).unwrap().select(&Facts::default());
        selection
            .point(library.get(profile).unwrap().counters[0])
            .unwrap()
            .clone()
    };
    let huawei = counter("huawei_sun2000");
    assert_eq!(huawei.modulus(0), Some((1 << 32) * 10_000));
    assert_eq!(huawei.resolution(0, Value(0)), 10_000);
    let solaredge = counter("solaredge");
    assert_eq!(solaredge.modulus(1), Some((1 << 32) * 10_000));
    assert_eq!(solaredge.modulus(-3), Some(1 << 32));
    assert_eq!(solaredge.resolution(-4, Value(0)), 1);
    assert_eq!(counter("sma").modulus(0), None);
    // 2^24 Wh and more have steps of 2 Wh in a single.
    assert_eq!(counter("fronius_float").modulus(0), None);
    assert_eq!(
        counter("fronius_float").resolution(0, Value((1 << 24) * 1_000)),
        2_000
    );
}
