//! The part of the registry's configuration that concerns projections, read from the same file and the
//! same variables.

use crate::arguments::{SourceArguments, Which};
use anyhow::{Context, bail};
use event_store::{KeyPlace, Location, StoreUrl};
use projections::Target;
use projections::log::Log;
use projections::postgres::{Connection, Databases, Secret, Tls};
use projections::settings::{self, Sources};
use projections::traces::Traces;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tokio_postgres::config::{Host, SslMode};
use uuid::Uuid;

/// The hazards that concern a projector, by their names in `allow_unsafe`.
const INSECURE: &str = "insecure_event_store";
const PLAIN: &str = "plain_database";

/// What is in the sections of the registry alone is for the registry to check. All else that is unknown is refused: a
/// projector that passes over a typing error goes by a default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Config {
    pub domain: String,
    data_dir: PathBuf,
    allow_unsafe: Vec<String>,
    event_store: Events,
    database: Databases,
    pub log: Log,
    pub traces: Traces,
    #[serde(default, skip_serializing)]
    http: IgnoredAny,
    #[serde(default, skip_serializing)]
    limits: IgnoredAny,
    #[serde(default, skip_serializing)]
    auth: IgnoredAny,
    #[serde(default, skip_serializing)]
    account: IgnoredAny,
    #[serde(default, skip_serializing)]
    issuance: IgnoredAny,
    #[serde(default, skip_serializing)]
    exchange: IgnoredAny,
    #[serde(default, skip_serializing)]
    object_store: IgnoredAny,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Events {
    url: StoreUrl,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people_keys: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people_keys_lost: Option<Uuid>,
    /// Who reads has no use for it, nor for the next.
    #[serde(default, skip_serializing)]
    server_append_bytes: IgnoredAny,
    #[serde(default, skip_serializing)]
    shared: IgnoredAny,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "gb".into(),
            data_dir: "data".into(),
            allow_unsafe: Vec::new(),
            event_store: Events {
                url: StoreUrl::new("sqlite:events.db"),
                url_file: None,
                people_keys: None,
                people_keys_lost: None,
                server_append_bytes: IgnoredAny,
                shared: IgnoredAny,
            },
            database: Databases::default(),
            log: Log::default(),
            traces: Traces::default(),
            http: IgnoredAny,
            limits: IgnoredAny,
            auth: IgnoredAny,
            account: IgnoredAny,
            issuance: IgnoredAny,
            exchange: IgnoredAny,
            object_store: IgnoredAny,
        }
    }
}

impl Config {
    /// Reads the layers: defaults, file, environment, flags.
    pub fn load(arguments: &SourceArguments) -> anyhow::Result<Self> {
        let mut flags = Vec::new();
        if let Some(domain) = &arguments.domain {
            flags.push(("domain".to_owned(), domain.clone()));
        }
        let sources = Sources::of_process(arguments.config.as_deref(), flags);
        let mut config = settings::load(&Self::default(), &sources)?;
        if let Some(path) = &arguments.events {
            let path = std::path::absolute(path)?;
            config.event_store.url = StoreUrl::new(format!("sqlite:{}", path.display()));
            config.event_store.url_file = None;
        }
        for (url, connection) in [
            (&arguments.write_url, &mut config.database.write),
            (&arguments.read_url, &mut config.database.read),
        ] {
            if let Some(url) = url {
                set(connection, url)?;
            }
        }
        Ok(config)
    }

    /// Where the events are; not where others could read or change them on the way, unless that is allowed by name.
    pub fn events(&self) -> anyhow::Result<Location> {
        let Events { url, url_file, .. } = &self.event_store;
        let location = url
            .or_of_file(url_file.as_deref())?
            .location(&self.data_dir)?;
        self.refuse(INSECURE, location.is_insecure(), Location::INSECURE)?;
        location.check_files()?;
        Ok(location)
    }

    /// Where the keys of people in them are.
    pub fn people_keys(&self, events: &Location) -> KeyPlace {
        let Events {
            people_keys,
            people_keys_lost,
            ..
        } = &self.event_store;
        KeyPlace::new(
            people_keys.as_deref(),
            *people_keys_lost,
            events,
            &self.data_dir,
        )
    }

    /// The databases meant, with where they are; none that is spoken to in the clear elsewhere, unless that is allowed by
    /// name.
    pub fn databases(&self, which: Which) -> anyhow::Result<Vec<(Target, Connection)>> {
        let mut found = Vec::new();
        for target in which.targets() {
            let connection = match target {
                Target::Write => &self.database.write,
                Target::Read => &self.database.read,
            };
            self.refuse(PLAIN, connection.is_plain(), Connection::PLAIN)?;
            found.push((*target, connection.clone()));
        }
        Ok(found)
    }

    /// An unsafe setting is one that somebody has allowed.
    fn refuse(&self, hazard: &str, is_there: bool, advice: &str) -> anyhow::Result<()> {
        if is_there && !self.allow_unsafe.iter().any(|name| name == hazard) {
            bail!("{hazard}: {advice}; if it is meant all the same: allow_unsafe = [\"{hazard}\"]");
        }
        Ok(())
    }
}

/// Takes from the URL what it says.
fn set(connection: &mut Connection, url: &str) -> anyhow::Result<()> {
    // The parser's error could repeat a password.
    let Ok(parsed) = url.parse::<tokio_postgres::Config>() else {
        bail!("the URL of a database must look like postgres://user@host:port/name");
    };
    if let Some(Host::Tcp(host)) = parsed.get_hosts().first() {
        connection.host.clone_from(host);
    }
    if let Some(port) = parsed.get_ports().first() {
        connection.port = *port;
    }
    if let Some(user) = parsed.get_user() {
        connection.user = user.to_owned();
    }
    if let Some(name) = parsed.get_dbname() {
        connection.dbname = name.to_owned();
    }
    if let Some(password) = parsed.get_password() {
        let password = std::str::from_utf8(password).context("the password is not UTF-8")?;
        connection.password = Secret::new(password);
    }
    match parsed.get_ssl_mode() {
        SslMode::Disable => connection.tls = Tls::Disable,
        SslMode::Require => connection.tls = Tls::Require,
        // So it is where nothing is said.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use projections::log::Format;

    /// Lists every setting of the registry, as a test of the registry sees to.
    const SETTINGS: &str = include_str!("../../../../registry/CONFIGURATION.md");

    fn with(key: &str, value: &str) -> Result<Config, settings::SettingsError> {
        let sources = Sources {
            flags: vec![(key.to_owned(), value.to_owned())],
            ..Sources::default()
        };
        settings::load(&Config::default(), &sources)
    }

    #[test]
    fn every_setting_of_the_registry_is_known_and_no_other_is() {
        let keys = SETTINGS.lines().filter_map(|line| {
            let key = line.strip_prefix("| `")?.split('`').next()?;
            Some(key.replace(['<', '>'], ""))
        });
        let keys: Vec<_> = keys.collect();
        assert!(keys.len() > 50, "{keys:?}");
        for key in keys {
            let refused = with(&key, "x").err().map(|error| error.to_string());
            let refused = refused.unwrap_or_default();
            assert!(!refused.contains("is unknown"), "{refused}");
        }
        for key in [
            "event_store.ulr_file",
            "evnt_store.url_file",
            "database.wirte.port",
            "domian",
        ] {
            let refused = with(key, "x").unwrap_err().to_string();
            assert!(refused.contains("is unknown"), "{refused}");
        }
    }

    #[cfg(feature = "kurrentdb")]
    #[test]
    fn an_event_store_elsewhere_without_tls_is_refused_unless_that_is_allowed_by_name() {
        let mut config = with("event_store.url", "esdb://events.example:2113?tls=false").unwrap();
        let refused = config.events().unwrap_err().to_string();
        assert!(refused.contains(INSECURE), "{refused}");
        config.allow_unsafe = vec!["dev_users".to_owned()];
        config.events().unwrap_err();
        config.allow_unsafe.push(INSECURE.to_owned());
        config.events().unwrap();
        for safe in [
            "esdb://events.example:2113",
            "esdb://127.0.0.1:2113?tls=false",
            "sqlite:events.db",
        ] {
            with("event_store.url", safe).unwrap().events().unwrap();
        }
    }

    #[test]
    fn a_database_elsewhere_without_tls_is_refused_unless_that_is_allowed_by_name() {
        let mut config = with("database.read.host", "db.example").unwrap();
        let refused = config.databases(Which::All).unwrap_err().to_string();
        assert!(refused.contains(PLAIN), "{refused}");
        config.databases(Which::Write).unwrap();
        config.allow_unsafe = vec![PLAIN.to_owned()];
        config.databases(Which::All).unwrap();
    }

    #[test]
    fn a_url_overrides_what_it_names_and_nothing_else() {
        let mut connection = Connection::local(5436);
        set(&mut connection, "postgres://me@db.example/other").unwrap();
        assert_eq!(connection.host, "db.example");
        assert_eq!(
            (connection.user.as_str(), connection.dbname.as_str()),
            ("me", "other")
        );
        // Postgres's own, as in every such URL that names none.
        assert_eq!(connection.port, 5432);
        assert_eq!(connection.pool_size, Connection::local(5436).pool_size);
        set(&mut connection, "postgres://h/n?sslmode=require").unwrap();
        assert_eq!(connection.tls, Tls::Require);
        set(&mut connection, "postgres://h/n").unwrap();
        assert_eq!(connection.tls, Tls::Require);
        set(&mut connection, "postgres://h/n?sslmode=disable").unwrap();
        assert_eq!(connection.tls, Tls::Disable);
    }

    #[test]
    fn what_is_reserved_in_user_and_password_is_percent_decoded() {
        let mut connection = Connection::local(1);
        set(
            &mut connection,
            "postgres://m%40e:p%40%2F%3A%3F%23%25%20w@h:1/a%2Fb",
        )
        .unwrap();
        assert_eq!(connection.user, "m@e");
        assert_eq!(connection.password, Secret::new("p@/:?#% w"));
        assert_eq!(
            (connection.host.as_str(), connection.dbname.as_str()),
            ("h", "a/b")
        );
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "postgres://me:secret@:x/",
            "postgres://me:secret%FF@h/",
            "postgres://me:se@cret@h:x/",
            "me:secret@h",
            "postgres://me:secret/@h:1/x?y=z",
        ] {
            let error = set(&mut Connection::local(1), url).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains("secret") && !said.contains("cret"), "{said}");
        }
    }

    #[test]
    fn the_registrys_settings_of_the_log_are_read_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gcr.toml");
        let load = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let sources = Sources {
                file: Some(&file),
                ..Sources::default()
            };
            settings::load(&Config::default(), &sources)
        };
        let found = load("[log]\nformat = 'json'\nlevel = 'warn'\n[http]\nport = 1\n").unwrap();
        assert_eq!(found.log.format, Format::Json);
        assert_eq!(found.log.level, "warn");
        for (text, key) in [
            ("format = 'xml'", "log.format"),
            ("levle = 'x'", "log.levle"),
        ] {
            let error = load(&format!("[log]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
