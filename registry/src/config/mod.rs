//! The configuration of every sub-command: one struct, its defaults in code, overridden by a TOML
//! file (`--config`, else `GCR_CONFIG`), then by the environment (`GCR_HTTP__PORT` is `http.port`),
//! then by flags (`--set http.port=8001`). Unknown keys are errors, wherever they are set.

mod account;
mod auth;
mod event_store;
mod exchange;
mod external;
mod hazard;
mod http;
mod issuance;
mod limits;
mod object_store;
#[cfg(test)]
mod page_tests;
mod proxy;

use std::path::PathBuf;

pub use ::event_store::{KeyPlace, Location, LocationError, StoreUrl};
use projections::postgres::PoolError;
pub use projections::{
    log::{Format, Log, change_level},
    postgres::{Connection, Databases, Secret},
    settings::{SettingsError, Sources},
    traces::Traces,
};
use serde::{Deserialize, Serialize};

use crate::exchange::{KeyError, check_signing_key};

pub use self::{
    account::Account,
    auth::{Auth, AuthError, MIN_MASTER_SECRET_BYTES, PasswordCost},
    event_store::EventStore,
    exchange::{Exchange, Trusted},
    external::{Introspection, Mapping, Oidc, is_local_path, is_safe},
    hazard::{Hazard, Unsafe},
    http::Http,
    issuance::Issuance,
    limits::{Limits, Rate},
    object_store::ObjectStore,
    proxy::{Network, NotANetwork, ProxyHeader},
};

/// Why `serve` does not start with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ProductionError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("`database`: {0}")]
    Database(#[from] PoolError),
    #[error(transparent)]
    EventStore(#[from] LocationError),
    #[error("`exchange.signing_key_file`: {0}")]
    Exchange(#[from] KeyError),
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The issuing body's registry: names the streams (`ledger-<domain>`, `identity-<domain>`).
    /// Lower-case letters, digits and hyphens, because stream names are case-insensitive on some
    /// event stores.
    pub domain: String,
    /// Where files live that are not named otherwise; relative to the working directory.
    pub data_dir: PathBuf,
    /// Unsafe settings that are meant, by name: `dev_users`, `guessable_master_secret`, `insecure_event_store`,
    /// `plain_database`, `plain_public_url`, `cheap_passwords`, `unnamed_proxy`, `plain_object_store`. `serve` refuses
    /// others; so do other commands and `projector` what concerns them.
    pub allow_unsafe: Vec<Hazard>,
    pub http: Http,
    pub limits: Limits,
    pub event_store: EventStore,
    pub database: Databases,
    pub auth: Auth,
    pub account: Account,
    pub issuance: Issuance,
    pub exchange: Exchange,
    pub object_store: ObjectStore,
    pub log: Log,
    pub traces: Traces,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "gb".into(),
            data_dir: "data".into(),
            allow_unsafe: Vec::new(),
            http: Http::default(),
            limits: Limits::default(),
            event_store: EventStore::default(),
            database: Databases::default(),
            auth: Auth::default(),
            account: Account::default(),
            issuance: Issuance::default(),
            exchange: Exchange::default(),
            object_store: ObjectStore::default(),
            log: Log::default(),
            traces: Traces::default(),
        }
    }
}

impl Config {
    /// Reads the layers of `sources` over the defaults and checks what a type can not say.
    ///
    /// # Errors
    /// [`SettingsError`], naming each wrong key and where it was set.
    pub fn load(sources: &Sources<'_>) -> Result<Self, SettingsError> {
        let config = projections::settings::load(&Self::default(), sources)?;
        let wrong = config.contradictions();
        if wrong.is_empty() {
            Ok(config)
        } else {
            Err(SettingsError(wrong))
        }
    }

    /// Where the events are.
    ///
    /// # Errors
    /// [`LocationError`] when `event_store.url` names no engine that this build has.
    pub fn event_store_location(&self) -> Result<Location, LocationError> {
        let EventStore { url, url_file, .. } = &self.event_store;
        let location = url
            .or_of_file(url_file.as_deref())?
            .location(&self.data_dir)?;
        Ok(location.taking(self.event_store.server_append_bytes))
    }

    /// Where the keys of people in the log are.
    ///
    /// # Errors
    /// As [`Config::event_store_location`].
    pub fn people_keys(&self) -> Result<KeyPlace, LocationError> {
        Ok(KeyPlace::new(
            self.event_store.people_keys.as_deref(),
            self.event_store.people_keys_lost,
            &self.event_store_location()?,
            &self.data_dir,
        ))
    }

    /// What a production process needs: a master secret, files that can be read, and no unsafe setting that
    /// `allow_unsafe` does not name.
    ///
    /// # Errors
    /// [`ProductionError`], the first rule that does not hold.
    pub fn check_production(&self) -> Result<(), ProductionError> {
        self.auth.check_production()?;
        for database in [&self.database.write, &self.database.read] {
            database.client_config()?;
            database.connector()?;
        }
        self.event_store_location()?.check_files()?;
        check_signing_key(self.exchange.key_file(&self.data_dir))?;
        Ok(self.check_hazards()?)
    }

    /// The configuration as a TOML file, secrets masked.
    ///
    /// # Errors
    /// Never in practice: every field has a TOML form; the serializer's signature says otherwise.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.domain.is_empty() || self.domain.len() > 32 || !self.domain.chars().all(plain) {
            wrong.push("`domain` must be 1 to 32 lower-case letters, digits or hyphens".to_owned());
        }
        if let Err(error) = self.event_store_location() {
            wrong.push(format!("`event_store.url`: {error}"));
        }
        if let Err(error) = self.log.check() {
            wrong.push(format!("`log.level`: {error}"));
        }
        self.exchange.contradictions(&mut wrong);
        self.auth.oidc.contradictions(&mut wrong);
        self.auth.introspection.contradictions(&mut wrong);
        for (key, rate) in [
            ("limits.principal", self.limits.principal),
            ("limits.api_key", self.limits.api_key),
            ("limits.address", self.limits.address),
            ("limits.sign_in", self.limits.sign_in),
            ("limits.unproven", self.limits.unproven),
        ] {
            if !rate.is_sound() {
                wrong.push(format!("`{key}.burst` must be at least 1"));
            }
        }
        for (key_id, rate) in &self.limits.api_keys {
            if !rate.is_sound() {
                wrong.push(format!(
                    "`limits.api_keys.{key_id}.burst` must be at least 1"
                ));
            }
        }
        for (key, rule, holds) in [
            (
                "http.public_url",
                "must be `https://` or `http://`, a host and perhaps a path, without a slash at the end",
                self.http.is_public_url_sound(),
            ),
            (
                "http.allowed_origins",
                "must be origins as browsers name them: scheme, host and perhaps a port, in lower case, nothing behind, not the \
                 scheme's own port",
                self.http.are_origins_sound(),
            ),
            (
                "auth.token_minutes",
                "must be 1 to 1440",
                (1..=1440).contains(&self.auth.token_minutes),
            ),
            (
                "auth.session_days",
                "must be 1 to 3650",
                (1..=3650).contains(&self.auth.session_days),
            ),
            (
                "auth.signing_key_days",
                "must be 1 to 3650",
                (1..=3650).contains(&self.auth.signing_key_days),
            ),
            (
                "auth.password_cost.lanes",
                "must be 1 to 16",
                (1..=PasswordCost::MAX_LANES).contains(&self.auth.password_cost.lanes),
            ),
            (
                "auth.password_cost.memory_kib",
                "must be at least 8 per lane, and at most 4194304",
                (8 * self.auth.password_cost.lanes.min(PasswordCost::MAX_LANES)
                    ..=PasswordCost::MAX_MEMORY_KIB)
                    .contains(&self.auth.password_cost.memory_kib),
            ),
            (
                "auth.password_cost.passes",
                "must be 1 to 100",
                (1..=PasswordCost::MAX_PASSES).contains(&self.auth.password_cost.passes),
            ),
            (
                "http.drain_s",
                "must be at most 600",
                self.http.drain_s <= 600,
            ),
            (
                "traces.endpoint",
                "must be empty, or `http://` or `https://`, a host and perhaps a path, without user and password",
                self.traces.is_endpoint_sound(),
            ),
            (
                "traces.per_mille",
                "must be at most 1000",
                self.traces.per_mille <= 1_000,
            ),
            (
                "event_store.server_append_bytes",
                "must be 262144 to 16777216",
                self.event_store.is_server_append_bytes_sound(),
            ),
            (
                "object_store.endpoint",
                "must be `https://` or `http://` and a host, without a path, user and password",
                self.object_store.is_endpoint_sound(),
            ),
            (
                "issuance.expiry_years",
                "must be 1 to 100",
                (1..=100).contains(&self.issuance.expiry_years),
            ),
            (
                "issuance.capacity_margin_percent",
                "must be 100 to 1000",
                (100..=1000).contains(&self.issuance.capacity_margin_percent),
            ),
            (
                "database.write.tls_ca_file",
                "is missing: it is what `tls = \"require\"` trusts",
                self.database.write.is_ca_named(),
            ),
            (
                "database.read.tls_ca_file",
                "is missing: it is what `tls = \"require\"` trusts",
                self.database.read.is_ca_named(),
            ),
            (
                "database.write.pool_size",
                "must be at least 1",
                self.database.write.pool_size >= 1,
            ),
            (
                "database.read.pool_size",
                "must be at least 1",
                self.database.read.pool_size >= 1,
            ),
        ] {
            if !holds {
                wrong.push(format!("`{key}` {rule}"));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use projections::postgres::Tls;

    fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, SettingsError> {
        Config::load(&Sources {
            environment: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Sources::default()
        })
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(from_environment(&[]).unwrap(), Config::default());
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_shows_no_secret() {
        let mut config = Config::default();
        config.auth.master_secret = Secret::new("0123456789abcdef0123456789abcdef");
        config.database.read.password = Secret::new("hunter2");
        config.object_store.secret_access_key = Secret::new("hunter2");
        config.event_store.url = StoreUrl::new("sqlite:u://me:hunter2@here");
        let printed = config.to_toml().unwrap();
        assert!(!printed.contains("0123456789abcdef") && !printed.contains("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gcr.toml");
        std::fs::write(&file, &printed).unwrap();
        let again = Config::load(&Sources {
            file: Some(&file),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(again.http, config.http);
        assert_eq!(again.database.write, config.database.write);
    }

    #[test]
    fn an_unknown_variable_is_refused_by_its_name() {
        let error = from_environment(&[("GCR_HTTP__PROT", "1")]).unwrap_err();
        assert!(
            error.to_string().contains("`http.prot` (GCR_HTTP__PROT)"),
            "{error}"
        );
        let error = from_environment(&[("GCR_PORT", "1")]).unwrap_err();
        assert!(error.to_string().contains("`port` (GCR_PORT)"), "{error}");
    }

    #[test]
    fn a_limit_of_one_api_key_is_read_and_its_burst_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gcr.toml");
        let key = uuid::Uuid::from_u128(7);
        let read = |burst: u32| {
            let text = format!("[limits.api_keys.{key}]\nper_minute = 60\nburst = {burst}\n");
            std::fs::write(&file, text).unwrap();
            Config::load(&Sources {
                file: Some(&file),
                ..Sources::default()
            })
        };
        let config = read(5).unwrap();
        assert_eq!(config.limits.api_keys[&key].burst, 5);
        let printed = config.to_toml().unwrap();
        assert!(printed.contains(&key.to_string()), "{printed}");
        let error = read(0).unwrap_err().to_string();
        assert!(
            error.contains(&format!("`limits.api_keys.{key}.burst`")),
            "{error}"
        );
    }

    #[test]
    fn values_outside_their_range_are_refused_together() {
        let error = from_environment(&[
            ("GCR_DOMAIN", "Great Britain"),
            ("GCR_AUTH__TOKEN_MINUTES", "0"),
            ("GCR_HTTP__PUBLIC_URL", "registry.example"),
            ("GCR_EVENT_STORE__URL", "mysql://x"),
            ("GCR_EVENT_STORE__SERVER_APPEND_BYTES", "262143"),
            ("GCR_LOG__LEVEL", "registry=loud"),
            ("GCR_DATABASE__READ__TLS", "require"),
            ("GCR_EXCHANGE__RETIRED_PUBLIC_KEYS", r#"["no key"]"#),
            ("GCR_EXCHANGE__TRUSTED", r#"{fr={public_keys=["no key"]}}"#),
        ])
        .unwrap_err()
        .to_string();
        for key in [
            "`domain`",
            "`auth.token_minutes`",
            "`http.public_url`",
            "`event_store.url`",
            "`event_store.server_append_bytes`",
            "`log.level`",
            "`database.read.tls_ca_file`",
            "`exchange.retired_public_keys`",
            "`exchange.trusted.fr.public_keys`",
        ] {
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_file_that_serve_could_not_use_is_found_by_the_check_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let no_key = folder.path().join("exchange-key");
        std::fs::write(&no_key, "no key\n").unwrap();
        let missing = folder.path().join("missing");
        let checked = |change: &dyn Fn(&mut Config)| {
            let mut config = Config {
                data_dir: folder.path().to_owned(),
                ..Config::default()
            };
            config.auth.master_secret = Secret::new("0123456789abcdef0123456789abcdef");
            change(&mut config);
            config.check_production().map_err(|error| error.to_string())
        };
        checked(&|_| ()).unwrap();
        let changes: [fn(&mut Config, PathBuf); 6] = [
            |config, file| {
                config.database.read.tls = Tls::Require;
                config.database.read.tls_ca_file = Some(file);
            },
            |config, file| config.auth.breached_passwords = Some(file),
            |config, file| config.database.write.password_file = Some(file),
            |config, file| config.database.read.password_file = Some(file),
            |config, file| {
                config.auth.master_secret = Secret::default();
                config.auth.master_secret_file = Some(file);
            },
            |config, file| config.auth.oidc.client_secret_file = Some(file),
        ];
        for change in changes {
            let error = checked(&|config| change(config, missing.clone())).unwrap_err();
            assert!(error.contains("missing"), "{error}");
        }
        // One that is not there yet is made.
        checked(&|config| config.exchange.signing_key_file = Some(missing.clone())).unwrap();
        let error = checked(&|config| config.exchange.signing_key_file = Some(no_key.clone()));
        assert!(error.unwrap_err().contains("exchange-key"));
        assert!(!missing.exists());
    }
}
