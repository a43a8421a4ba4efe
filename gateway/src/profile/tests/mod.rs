#![allow(clippy::unwrap_used)]

mod file;
mod folder;
mod golden;
mod register;
mod worked;

use super::*;

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
