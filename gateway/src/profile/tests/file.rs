use super::*;

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
