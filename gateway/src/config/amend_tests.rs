#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::DeviceConfig;
use proptest::prelude::*;
use schemas::id::DeviceId;

const FILE: &str = r#"# The barn. Key to the cabinet: with Ms Jansen.
registry = "https://registry.example/"   # until April
  interval   =  "PT15M"

# South roof, breaker 4
[[device]]
id = 42          # sticker on the door
profile = "sma"
connection = { kind = "tcp", host = "192.168.1.20" }
nameplate_w = 10_000

# North roof
[[device]]
id = 43
profile = "huawei"
connection = { kind = "tcp", host = "192.168.1.21" }
nameplate_w = 5000

# nothing below this line but the API
[api]
listen = "127.0.0.1:9000"
"#;

fn device(id: i64) -> DeviceConfig {
    let text = format!(
        "id = {id}\nprofile = \"sma\"\nnameplate_w = 1\nconnection = {{ kind = \"tcp\", host = \"10.0.0.{id}\" }}"
    );
    toml::from_str(&text).unwrap()
}

fn changed(text: &str, change: impl FnOnce(&mut Config)) -> String {
    let before = Config::parse(text).unwrap();
    let mut after = before.clone();
    change(&mut after);
    let text = amended(text, &before, &after).unwrap();
    assert_eq!(Config::parse(&text).unwrap(), after);
    text
}

#[test]
fn what_a_person_wrote_stays_when_the_registry_changes() {
    let text = changed(FILE, |config| {
        config.registry = Some("https://other.example".parse().unwrap());
    });
    assert_eq!(text, FILE.replace("registry.example", "other.example"));
    assert_eq!(changed(FILE, |_| ()), FILE);
}

#[test]
fn a_device_is_added_after_the_others_and_leaves_with_its_own_notes_alone() {
    let text = changed(FILE, |config| config.devices.push(device(7)));
    let added = r#"
[[device]]
id = 7
profile = "sma"
connection = { kind = "tcp", host = "10.0.0.7", port = 502 }
nameplate_w = 1

# nothing below"#;
    assert_eq!(text, FILE.replace("\n# nothing below", added));
    assert_eq!(changed(&text, |config| drop(config.devices.pop())), FILE);

    let without = changed(FILE, |config| drop(config.devices.remove(1)));
    let (head, tail) = FILE.split_once("# North roof").unwrap();
    let tail = tail.split_once("\n\n").unwrap().1;
    assert_eq!(without, format!("{head}{tail}"));
}

#[test]
fn a_device_is_added_in_the_way_that_the_file_has_them() {
    let one = r#"{ id = 42, profile = "sma", connection = { kind = "tcp", host = "a" }, nameplate_w = 1 }"#;
    let text = format!("device = [\n  {one}, # the only one\n]\n");
    let more = changed(&text, |config| config.devices.push(device(7)));
    assert!(
        more.contains("# the only one") && !more.contains("[["),
        "{more}"
    );
    let none = changed(&more, |config| config.devices.clear());
    assert!(none.starts_with("device = ["), "{none}");
}

#[test]
fn a_file_of_notes_alone_is_added_to() {
    let text = changed("# to do: buy a cable\n", |config| {
        config.registry = Some("https://registry.example".parse().unwrap());
        config.devices.push(device(7));
    });
    assert!(text.contains("# to do: buy a cable"), "{text}");
}

#[test]
fn what_was_edited_since_stays_and_what_contradicts_it_is_told() {
    let before = Config::parse(FILE).unwrap();
    let mut after = before.clone();
    after.devices.push(device(7));
    let edited = FILE.replace("PT15M", "PT30M");
    let text = amended(&edited, &before, &after).unwrap();
    assert!(
        text.contains("PT30M") && text.contains("id = 7\n"),
        "{text}"
    );

    let half = FILE.replace("[api]", "[api");
    let wrong = amended(&half, &before, &after).unwrap_err();
    assert!(wrong[0].rule.contains("line 20"), "{}", wrong[0]);
    let other = FILE.replace("192.168.1.21", "10.0.0.7");
    let wrong = amended(&other.replace("huawei", "sma"), &before, &after).unwrap_err();
    assert!(wrong[0].rule.contains("count twice"), "{}", wrong[0]);
}

/// Any configuration.
fn config() -> impl Strategy<Value = Config> {
    let devices = prop::collection::btree_map(1_i64..6, (1_i64..3, any::<bool>()), 0..5);
    let registry = prop::option::of(prop::sample::select(vec!["https://a", "https://b/c"]));
    let numbers = (1_u64..4, prop::option::of("[a-c]"), any::<bool>());
    (devices, registry, numbers).prop_map(|(devices, registry, (every, ca_file, default))| {
        let mut config = Config::new(registry.map(|url| url.parse().unwrap()));
        config.sample_every_s = every;
        config.ca_file = ca_file.map(Into::into);
        if !default {
            config.api.token_file = Some("token".into());
        }
        let devices = devices
            .into_iter()
            .map(|(id, (nameplate_w, paused))| DeviceConfig {
                id: DeviceId(id),
                nameplate_w,
                paused,
                ..device(id)
            });
        config.devices = devices.collect();
        config
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_meant(before in config(), after in config()) {
        let text = toml::to_string(&before).unwrap();
        let text = amended(&text, &before, &after).unwrap();
        let mut written = Config::parse(&text).unwrap();
        written.devices.sort_by_key(|device| device.id);
        prop_assert_eq!(written, after);
    }
}
