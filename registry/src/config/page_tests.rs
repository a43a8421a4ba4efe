//! The page of settings is made from what the code says of them.

use super::Config;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Where settings are declared.
const SOURCES: [&str; 16] = [
    "src/config/mod.rs",
    "src/config/account.rs",
    "src/config/auth.rs",
    "src/config/event_store.rs",
    "src/config/exchange.rs",
    "src/config/external.rs",
    "src/config/hazard.rs",
    "src/config/http.rs",
    "src/config/issuance.rs",
    "src/config/limits.rs",
    "src/config/object_store.rs",
    "src/config/proxy.rs",
    "../projections/src/log.rs",
    "../projections/src/postgres/connection.rs",
    "../projections/src/postgres/secret.rs",
    "../projections/src/traces.rs",
];
const PAGE: &str = "CONFIGURATION.md";
/// Set to have the page written instead of compared.
const UPDATE: &str = "GCR_TEST_UPDATE_CONFIGURATION";

const INTRODUCTION: &str = "# Configuration

<!-- Made from the code by `make config.page`; a test fails when it is not what the code says. -->

Settings come from the defaults below, a TOML file (`--config`, else `GCR_CONFIG`), variables (`GCR_HTTP__PORT` is
`http.port`) and flags (`--set http.port=8001`), each over those before. `registry` and `projector` read the same.
Unknown keys are refused, by name and place; a projector leaves those in sections of the registry alone to the registry. `registry config` prints what is in force, secrets masked;
`registry config --check` fails unless `serve` would start with it; `registry doctor` looks at what the settings name.

Every secret can be in a file (`…_file`) instead, of which the first line counts.
";

struct Field {
    name: String,
    kind: String,
    says: String,
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fields of each struct, with what their doc comments say.
fn structs() -> BTreeMap<String, Vec<Field>> {
    let mut found: BTreeMap<String, Vec<Field>> = BTreeMap::new();
    for source in SOURCES.map(read) {
        let (mut current, mut says) = (None, String::new());
        for line in source.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                says = format!("{says} {}", text.trim());
            } else if let Some(name) = declared(line) {
                current = Some(name);
                says.clear();
            } else if line == "}" {
                current = None;
                says.clear();
            } else if let (Some(owner), Some((name, kind))) = (&current, field(line)) {
                let says = std::mem::take(&mut says).trim().to_owned();
                let field = Field { name, kind, says };
                found.entry(owner.clone()).or_default().push(field);
            } else if !line.starts_with("#[") {
                says.clear();
            }
        }
    }
    found
}

fn declared(line: &str) -> Option<String> {
    let name = line.strip_prefix("pub struct ")?.strip_suffix(" {")?;
    Some(name.to_owned())
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, kind) = line
        .strip_prefix("pub ")?
        .strip_suffix(',')?
        .split_once(": ")?;
    Some((name.to_owned(), kind.to_owned()))
}

/// What is inside of `Option<…>`, and of the values of a map.
fn inner(kind: &str) -> (&str, bool) {
    let within = |prefix: &str| kind.strip_prefix(prefix)?.strip_suffix('>');
    if let Some(kind) = within("Option<") {
        return (kind, false);
    }
    match within("BTreeMap<").and_then(|pair| pair.split_once(", ")) {
        Some((_, value)) => (value, true),
        None => (kind, false),
    }
}

struct Page<'a> {
    structs: &'a BTreeMap<String, Vec<Field>>,
    defaults: toml::Value,
    text: String,
    undocumented: Vec<String>,
}

impl Page<'_> {
    /// The settings of a struct as a table, then the structs in it, each with a heading.
    fn section(&mut self, owner: &str, prefix: &str) {
        let is_struct = |field: &&Field| self.structs.contains_key(inner(&field.kind).0);
        let (nested, plain): (Vec<&Field>, Vec<&Field>) =
            self.structs[owner].iter().partition(is_struct);
        if !plain.is_empty() {
            self.heading(prefix);
            self.text
                .push_str("\n| setting | default | what it says |\n|---|---|---|\n");
        }
        for field in plain {
            let key = format!("{prefix}{}", field.name);
            if field.says.is_empty() {
                self.undocumented.push(key.clone());
            }
            let (default, says) = (self.default(&key), field.says.replace('|', "\\|"));
            writeln!(self.text, "| `{key}` | {default} | {says} |").expect("a String takes all");
        }
        for field in nested {
            let (kind, is_map) = inner(&field.kind);
            let one = if is_map { ".<name>" } else { "" };
            self.section(kind, &format!("{prefix}{}{one}.", field.name));
        }
    }

    fn heading(&mut self, prefix: &str) {
        let title = match prefix.trim_end_matches('.') {
            "" => "The registry",
            section => section,
        };
        write!(self.text, "\n## {title}\n").expect("a String takes all");
    }

    fn default(&self, key: &str) -> String {
        let mut value = Some(&self.defaults);
        for part in key.split('.') {
            value = value.and_then(|value| value.get(part));
        }
        match value {
            None => String::new(),
            Some(toml::Value::String(text)) if text.is_empty() => String::new(),
            Some(value) => format!("`{value}`"),
        }
    }
}

fn page() -> Page<'static> {
    let structs = Box::leak(Box::new(structs()));
    let mut page = Page {
        structs,
        defaults: toml::Value::try_from(Config::default()).expect("the defaults have a TOML form"),
        text: INTRODUCTION.to_owned(),
        undocumented: Vec::new(),
    };
    page.section("Config", "");
    page
}

#[test]
fn the_page_says_of_each_setting_what_the_code_says() {
    let page = page();
    assert_eq!(
        page.undocumented,
        Vec::<String>::new(),
        "settings without a sentence"
    );
    if std::env::var_os(UPDATE).is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        fs::write(path, &page.text).expect("the page is written");
    }
    assert!(
        read(PAGE) == page.text,
        "registry/{PAGE} is not what the code says: `make config.page` writes it"
    );
}

#[test]
fn the_example_of_an_environment_names_settings_that_there_are() {
    let (page, mut count) = (page(), 0);
    for line in read("../.env.example").lines() {
        let variable = line.trim_start_matches(['#', ' ']).split('=').next();
        let Some(key) = variable.and_then(|name| name.strip_prefix("GCR_")) else {
            continue;
        };
        let key = key.to_ascii_lowercase().replace("__", ".");
        let is_known = key == "config" || page.text.contains(&format!("| `{key}` |"));
        assert!(is_known, "{line}");
        count += 1;
    }
    assert!(count > 20, "{count} variables");
}

#[test]
fn every_setting_that_can_be_printed_is_on_the_page() {
    fn keys(prefix: &str, value: &toml::Value, found: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    keys(&format!("{prefix}.{key}"), value, found);
                }
            }
            toml::Value::Table(_) => {}
            _ => found.push(prefix.trim_start_matches('.').to_owned()),
        }
    }
    let page = page();
    let mut all = Vec::new();
    keys("", &page.defaults, &mut all);
    assert!(all.len() > 50, "{} settings", all.len());
    for key in all {
        assert!(page.text.contains(&format!("| `{key}` |")), "{key}");
    }
}
