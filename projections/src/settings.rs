//! How every program of this workspace reads its configuration: defaults in code, then a TOML file,
//! then the environment, then what the command line sets. The structs belong to the programs; this
//! only layers.

use std::{env, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Format, Serialized, Toml},
    util::nest,
    value::{Dict, Map, Value},
};
use serde::{Serialize, de::DeserializeOwned};

/// Prefix of the variables that are settings: `GCR_DATABASE__WRITE__PORT` is `database.write.port`.
pub const PREFIX: &str = "GCR_";
/// Names the TOML file; not a setting itself.
pub const FILE_VARIABLE: &str = "GCR_CONFIG";
/// Variables under these prefixes are no settings: they belong to the tests, and hold the password of
/// `registry import`.
const OTHER_PREFIXES: [&str; 5] = [
    "GCR_TEST_",
    "GCR_FAULTS_",
    "GCR_OUTAGE_DAYS",
    "GCR_WRITE_MATRIX",
    "GCR_IMPORT__",
];

/// What is wrong with the configuration; each sentence names the key and where it was set.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {}", .0.join("; "))]
pub struct SettingsError(pub Vec<String>);

/// Where values come from besides the defaults, weakest first.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    pub file: Option<&'a Path>,
    /// Name and value of each variable; those without [`PREFIX`] are ignored.
    pub environment: Vec<(String, String)>,
    /// Key in dots, value: `("http.port", "8000")`.
    pub flags: Vec<(String, String)>,
}

impl<'a> Sources<'a> {
    /// The file and flags given, with the environment of this process.
    pub fn of_process(file: Option<&'a Path>, flags: Vec<(String, String)>) -> Self {
        Self {
            file,
            environment: env::vars().collect(),
            flags,
        }
    }
}

/// Reads a `T`: `defaults`, overridden by `sources`. Give `T` `#[serde(deny_unknown_fields)]` to
/// refuse unknown keys.
///
/// # Errors
/// [`SettingsError`] with every wrong key, or the file that can not be read.
pub fn load<T: Serialize + DeserializeOwned>(
    defaults: &T,
    sources: &Sources<'_>,
) -> Result<T, SettingsError> {
    let defaults = Figment::from(Serialized::defaults(defaults));
    let mut layers = defaults.clone();
    if let Some(path) = sources.file {
        if !path.is_file() {
            return Err(SettingsError(vec![format!(
                "the file {} does not exist",
                path.display()
            )]));
        }
        layers = layers.merge(Toml::file_exact(path));
    }
    for (name, value) in &sources.environment {
        if let Some(key) = key_of_variable(name) {
            layers = layers.merge(Setting::new(&defaults, &key, value, name));
        }
    }
    for (key, value) in &sources.flags {
        layers = layers.merge(Setting::new(&defaults, key, value, "the command line"));
    }
    layers.extract().map_err(|error| {
        SettingsError(
            error
                .into_iter()
                .map(|error| sentence(&layers, &error))
                .collect(),
        )
    })
}

fn key_of_variable(name: &str) -> Option<String> {
    if name == FILE_VARIABLE || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let key = name.strip_prefix(PREFIX)?;
    Some(key.to_ascii_lowercase().replace("__", "."))
}

fn sentence(layers: &Figment, error: &figment::Error) -> String {
    let parent = error.path.join(".");
    let (key, what) = match &error.kind {
        Kind::UnknownField(name, known) => {
            let key = match error.path.last() {
                Some(last) if last == name => parent,
                Some(_) => format!("{parent}.{name}"),
                None => name.clone(),
            };
            (key, format!("is unknown; known here: {}", known.join(", ")))
        }
        kind => (parent, format!("is wrong: {kind}")),
    };
    let place = layers
        .find_metadata(&key)
        .or(error.metadata.as_ref())
        .map(|found| match &found.source {
            Some(source) => format!(" ({source})"),
            None => format!(" ({})", found.name),
        })
        .unwrap_or_default();
    format!("`{key}`{place} {what}")
}

/// One value from outside. Its text is read as a number or truth value only where the default has
/// that type, so that a password of digits stays a password.
struct Setting {
    origin: String,
    value: Dict,
}

impl Setting {
    fn new(defaults: &Figment, key: &str, text: &str, origin: &str) -> Self {
        let typed = match defaults.find_value(key) {
            Ok(Value::Num(..) | Value::Bool(..) | Value::Array(..) | Value::Dict(..)) => {
                text.parse().unwrap_or_else(|_| Value::from(text))
            }
            _ => Value::from(text),
        };
        let value = match nest(key, typed) {
            Value::Dict(_, dict) => dict,
            _ => Dict::new(),
        };
        Self {
            origin: origin.to_owned(),
            value,
        }
    }
}

impl Provider for Setting {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.value.clone()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;
    use crate::postgres::{Databases, Secret};

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn later_layers_override_earlier_ones() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gcr.toml");
        fs::write(
            &file,
            "[write]\nport = 1\nuser = 'file'\ndbname = 'file'\npool_size = 3\n",
        )
        .unwrap();
        let sources = Sources {
            file: Some(&file),
            environment: variables(&[
                ("GCR_WRITE__PORT", "2"),
                ("GCR_WRITE__USER", "variable"),
                ("GCR_CONFIG", "ignored"),
                ("GCR_TEST_ANY", "ignored"),
                ("GCR_FAULTS_SEED", "ignored"),
                ("GCR_OUTAGE_DAYS", "ignored"),
                ("HOME", "/"),
            ]),
            flags: variables(&[("write.port", "3")]),
        };
        let found = load(&Databases::default(), &sources).unwrap();
        assert_eq!(
            (found.write.port, found.write.user.as_str()),
            (3, "variable")
        );
        assert_eq!(
            (found.write.dbname.as_str(), found.write.pool_size),
            ("file", 3)
        );
        assert_eq!(found.read, Databases::default().read);
    }

    #[test]
    fn a_password_of_digits_stays_as_it_was_written() {
        let sources = Sources {
            environment: variables(&[("GCR_WRITE__PASSWORD", "00123")]),
            ..Sources::default()
        };
        let found = load(&Databases::default(), &sources).unwrap();
        assert_eq!(found.write.password, Secret::new("00123"));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gcr.toml");
        fs::write(&file, "[write]\nprot = 1\n").unwrap();
        let of_file = Sources {
            file: Some(&file),
            ..Sources::default()
        };
        let error = load(&Databases::default(), &of_file).unwrap_err();
        assert!(error.to_string().contains("`write.prot`"), "{error}");
        assert!(error.to_string().contains("gcr.toml"), "{error}");

        let of_environment = Sources {
            environment: variables(&[("GCR_WRITE__PROT", "1")]),
            ..Sources::default()
        };
        let error = load(&Databases::default(), &of_environment).unwrap_err();
        assert!(
            error.to_string().contains("`write.prot` (GCR_WRITE__PROT)"),
            "{error}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_by_name_and_place() {
        let sources = Sources {
            flags: variables(&[("read.port", "many")]),
            ..Sources::default()
        };
        let error = load(&Databases::default(), &sources).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`read.port` (the command line) is wrong"),
            "{error}"
        );
    }
}
