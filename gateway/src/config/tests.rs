#![allow(clippy::unwrap_used)]
use super::*;

const DEVICE: &str = r#"
[[device]]
id = 42
profile = "eastron_sdm630"
connection = { kind = "tcp", host = "192.168.1.20" }
unit_id = 1
nameplate_w = 10000
"#;

fn with(line: &str) -> String {
    format!("registry = \"https://registry.example\"\n{line}\n{DEVICE}")
}

fn wrong(text: &str) -> String {
    let wrong = Config::parse(text).unwrap_err();
    wrong.iter().map(|one| format!("{one}\n")).collect()
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = Config::parse(&with("")).unwrap();
    assert_eq!(config.interval, Length::FiveMinutes);
    assert_eq!(config.sample_every_s, 10);
    assert_eq!(config.disk_share(), 1 << 30);
    assert_eq!(config.api.listen, API_LISTEN);
    assert_eq!(config.device(DeviceId(42)).unwrap().nameplate_w, 10_000);
}

#[test]
fn what_is_written_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::parse(&with("interval = \"PT15M\"\nca_file = \"ca.pem\"")).unwrap();
    config.save(dir.path(), &Config::new(None)).unwrap();
    assert_eq!(Config::load(dir.path()).unwrap(), config);
}

#[test]
fn a_missing_file_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let error = Config::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("gateway enrol"), "{error}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = r#"
registry = "ftp://registry.example"
sample_every_s = 0
disk_share_mib = 1

[[device]]
id = 1
profile = "x"
connection = "10.0.0.1"
nameplate_w = 5

[[device]]
id = 2
profile = "x"
connection = { kind = "tcp", host = "10.0.0.1" }
nameplate_w = 0

[[device]]
id = 2
profile = "x"
connection = { kind = "tcp", host = "10.0.0.1" }
unit_id = 250
nameplate_w = 5
colour = "red"

[[device]]
id = 2
profile = "x"
connection = { kind = "tcp", host = "10.0.0.1", port = 502 }
nameplate_w = 5
"#;
    let wrong = wrong(text);
    for expected in [
        "registry: must be an http or https URL",
        "sample_every_s: must be 1 to 60",
        "disk_share_mib: must be 16",
        "device[0].connection: ",
        "device[1].nameplate_w: must be 1 to",
        "device[2]: unknown field `colour`",
        "device[3].id: 2 is that of device[1] already",
        "device[3].connection: is the meter and counter of device[1]",
    ] {
        assert!(wrong.contains(expected), "{expected} is not in:\n{wrong}");
    }
}

#[test]
fn a_mistake_in_the_syntax_names_its_line() {
    assert!(wrong("registry = \n").contains("line 1"));
    assert!(wrong("registry = \"http://x\"\ncolour = 1\n").contains("unknown field `colour`"));
}

#[test]
fn a_value_of_another_kind_is_told_with_its_key() {
    for (text, expected) in [
        (
            "registry = \"registry.example\"",
            "registry: must be an http or https URL, such as https://",
        ),
        ("sample_every_s = \"often\"", "sample_every_s: invalid type"),
        (
            "[[device]]\nid = 1\nprofile = \"x\"\nnameplate_w = \"10 kW\"\nconnection = { kind = \"tcp\", host = \"a\" }",
            "device[0].nameplate_w: invalid type",
        ),
    ] {
        assert!(wrong(text).contains(expected), "{}", wrong(text));
    }
}

#[test]
fn an_address_is_a_url_with_its_scheme() {
    let address = "https://registry.example/gc";
    assert_eq!(
        registry_address(&format!(" {address}\n")).unwrap().as_str(),
        address
    );
    for text in [
        "registry.example",
        "registry.example:8000",
        "ftp://registry.example",
        "https://",
        "",
    ] {
        assert!(
            registry_address(text)
                .unwrap_err()
                .contains("such as https://"),
            "{text}"
        );
    }
}

#[test]
fn each_bound_holds_at_its_limit_and_not_beyond() {
    for (line, inside, outside) in [
        ("sample_every_s", "60", "61"),
        ("sample_every_s", "1", "0"),
        ("gap_limit_h", "744", "745"),
        ("disk_share_mib", "16", "15"),
    ] {
        Config::parse(&with(&format!("{line} = {inside}"))).unwrap();
        assert!(wrong(&with(&format!("{line} = {outside}"))).contains(line));
    }
    let unit = |unit: u8| with("").replace("unit_id = 1", &format!("unit_id = {unit}"));
    for allowed in [0, 247, 255] {
        Config::parse(&unit(allowed)).unwrap();
    }
    assert!(wrong(&unit(248)).contains("unit_id"));
    let firmware = |chars: usize| {
        let stated = format!("unit_id = 1\nfirmware = \"{}\"", "1".repeat(chars));
        with("").replace("unit_id = 1", &stated)
    };
    for allowed in [1, 100] {
        Config::parse(&firmware(allowed)).unwrap();
    }
    for refused in [0, 101] {
        assert!(wrong(&firmware(refused)).contains("device[0].firmware: has 1 to 100 characters"));
    }
}

#[test]
fn a_p1_port_is_the_same_meter_whatever_unit_id_is_said() {
    let device = |id: u8, rest: &str| {
        let connection = "connection = { kind = \"p1_tcp\", host = \"10.0.0.9\", port = 23 }";
        format!("[[device]]\nid = {id}\nprofile = \"p1\"\n{connection}\nnameplate_w = 5\n{rest}\n")
    };
    let twice = device(1, "") + &device(2, "unit_id = 7");
    assert!(wrong(&twice).contains("device[1].connection: is the meter and counter of device[0]"));
    let both = device(1, "") + &device(2, "counter = \"import_total\"");
    assert_eq!(Config::parse(&both).unwrap().devices.len(), 2);
}

#[test]
fn no_more_devices_than_the_limit() {
    let mut config = Config::parse(&with("")).unwrap();
    let device = config.devices.remove(0);
    let nth = |n: usize| DeviceConfig {
        id: DeviceId(i64::try_from(n).unwrap()),
        connection: Connection::Tcp {
            host: format!("10.0.{}.{}", n / 250, n % 250 + 1),
            port: 502,
        },
        ..device.clone()
    };
    config.devices = (1..=MAX_DEVICES).map(nth).collect();
    config.check().unwrap();
    config.devices.push(nth(MAX_DEVICES + 1));
    assert!(config.check().unwrap_err()[0].rule.contains("at most"));
}

#[test]
fn an_api_beyond_loopback_needs_a_token() {
    let open = with("").replace("[[device]]", "[api]\nlisten = \"0.0.0.0:8450\"\n[[device]]");
    assert!(wrong(&open).contains("api.token_file"));
    Config::parse(&open.replace("8450\"\n", "8450\"\ntoken_file = \"token\"\n")).unwrap();
}
