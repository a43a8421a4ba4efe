//! Settings that a production registry is refused with, unless it is told by name that they are meant.

use super::{Config, Connection, Location, external::is_safe};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Fewest different bytes in a master secret that was not typed by hand: `openssl rand -hex 32` has all 16 digits but
/// for one time in four.
const MIN_DISTINCT_BYTES: usize = 10;

/// What OWASP's Password Storage Cheat Sheet asks of argon2id at least, in KiB times passes: 19 MiB and two passes, or
/// any of the other pairs that it names, of which this is the least.
const MIN_PASSWORD_WORK: u64 = 7_168 * 5;

/// An unsafe setting, by the name under which `allow_unsafe` allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hazard {
    /// The demo users exist, whose passwords are published.
    DevUsers,
    /// The master secret can be guessed.
    GuessableMasterSecret,
    /// Events and the password of the event store go over a network in the clear, or to whoever answers.
    InsecureEventStore,
    /// What the databases hold, names and addresses among it, goes over a network in the clear.
    PlainDatabase,
    /// Tokens and passwords of clients go over a network in the clear.
    PlainPublicUrl,
    /// A stolen password hash is cheaply guessed.
    CheapPasswords,
    /// All clients count as one, the proxy: who guesses or asks too often keeps everybody waiting.
    UnnamedProxy,
    /// Backups, and with them the keys of people and of exports, go over a network in the clear.
    PlainObjectStore,
}

impl Hazard {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::DevUsers,
        Self::GuessableMasterSecret,
        Self::InsecureEventStore,
        Self::PlainDatabase,
        Self::PlainPublicUrl,
        Self::CheapPasswords,
        Self::UnnamedProxy,
        Self::PlainObjectStore,
    ];

    /// Its name in `allow_unsafe`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DevUsers => "dev_users",
            Self::GuessableMasterSecret => "guessable_master_secret",
            Self::InsecureEventStore => "insecure_event_store",
            Self::PlainDatabase => "plain_database",
            Self::PlainPublicUrl => "plain_public_url",
            Self::CheapPasswords => "cheap_passwords",
            Self::UnnamedProxy => "unnamed_proxy",
            Self::PlainObjectStore => "plain_object_store",
        }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::DevUsers => {
                "auth.dev_users is true: the passwords of these users are published; set it to false"
            }
            Self::GuessableMasterSecret => {
                "auth.master_secret has few different characters: take one from `openssl rand -hex 32`"
            }
            Self::InsecureEventStore => Location::INSECURE,
            Self::PlainDatabase => Connection::PLAIN,
            Self::PlainPublicUrl => {
                "http.public_url is not https: have a proxy end TLS before the registry"
            }
            Self::CheapPasswords => {
                "auth.password_cost is below what OWASP asks of argon2id: leave it as it is by default"
            }
            Self::UnnamedProxy => {
                "http.public_url is https, so a proxy ends TLS, and http.trusted_proxies does not name it: clients can \
                 not be told apart, and one that guesses passwords keeps all of them from signing in"
            }
            Self::PlainObjectStore => {
                "object_store.endpoint is another machine and not https: backups, which have keys in them, would go there \
                 in the clear; have TLS before it"
            }
        }
    }

    fn is_in(self, config: &Config) -> bool {
        match self {
            Self::DevUsers => config.auth.dev_users,
            Self::GuessableMasterSecret => config.auth.master().is_ok_and(|secret| {
                let distinct: BTreeSet<u8> = secret.expose().bytes().collect();
                distinct.len() < MIN_DISTINCT_BYTES
            }),
            Self::InsecureEventStore => config
                .event_store_location()
                .is_ok_and(|location| location.is_insecure()),
            Self::PlainDatabase => {
                config.database.write.is_plain() || config.database.read.is_plain()
            }
            Self::PlainPublicUrl => {
                let url = config.http.public_url.as_deref();
                url.is_some_and(|url| !is_safe(url))
            }
            Self::CheapPasswords => {
                let cost = &config.auth.password_cost;
                u64::from(cost.memory_kib) * u64::from(cost.passes) < MIN_PASSWORD_WORK
            }
            Self::UnnamedProxy => {
                let url = config.http.public_url.as_deref();
                config.http.trusted_proxies.is_empty()
                    && url.is_some_and(|url| url.starts_with("https://"))
            }
            Self::PlainObjectStore => {
                let url = config.object_store.endpoint.as_deref();
                url.is_some_and(|url| !is_safe(url))
            }
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.as_str(), self.advice())
    }
}

/// Unsafe settings that nobody has allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe(pub Vec<Hazard>);

impl std::error::Error for Unsafe {}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "settings that are not safe in production:")?;
        for hazard in &self.0 {
            writeln!(f, "  {hazard}")?;
        }
        let names: Vec<_> = self.0.iter().map(|hazard| hazard.as_str()).collect();
        write!(
            f,
            "what is meant all the same is named: allow_unsafe = {names:?}"
        )
    }
}

impl Config {
    /// The unsafe settings in force, whether or not they are allowed.
    #[must_use]
    pub fn hazards(&self) -> Vec<Hazard> {
        let mut found = Hazard::ALL.to_vec();
        found.retain(|hazard| hazard.is_in(self));
        found
    }

    /// Refuses unsafe settings that `allow_unsafe` does not name.
    ///
    /// # Errors
    /// [`Unsafe`] with all of them.
    pub fn check_hazards(&self) -> Result<(), Unsafe> {
        self.check_hazards_among(&Hazard::ALL)
    }

    /// Likewise, of those that concern who asks.
    ///
    /// # Errors
    /// As [`Config::check_hazards`].
    pub fn check_hazards_among(&self, concerned: &[Hazard]) -> Result<(), Unsafe> {
        let mut found = concerned.to_vec();
        found.retain(|hazard| hazard.is_in(self) && !self.allow_unsafe.contains(hazard));
        if found.is_empty() {
            Ok(())
        } else {
            Err(Unsafe(found))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{PasswordCost, Secret, StoreUrl};
    use projections::postgres::Tls;

    const RANDOM: &str = "0123456789abcdef0123456789abcdef";

    fn safe() -> Config {
        let mut config = Config::default();
        config.auth.master_secret = Secret::new(RANDOM);
        config
    }

    fn unsafe_in(hazard: Hazard) -> Config {
        let mut config = safe();
        match hazard {
            Hazard::DevUsers => config.auth.dev_users = true,
            Hazard::GuessableMasterSecret => {
                config.auth.master_secret = Secret::new("012345678".repeat(4));
            }
            Hazard::InsecureEventStore => {
                config.event_store.url = StoreUrl::new("esdb://events.example:2113?tls=false");
            }
            Hazard::PlainDatabase => config.database.read.host = "db.example".to_owned(),
            Hazard::PlainPublicUrl => {
                config.http.public_url = Some("http://registry.example".to_owned());
            }
            Hazard::CheapPasswords => {
                config.auth.password_cost = PasswordCost {
                    memory_kib: 7_167,
                    passes: 5,
                    lanes: 1,
                };
            }
            Hazard::UnnamedProxy => {
                config.http.public_url = Some("https://registry.example".to_owned());
            }
            Hazard::PlainObjectStore => {
                config.object_store.endpoint = Some("http://minio.example:9000".to_owned());
            }
        }
        config
    }

    #[test]
    fn the_defaults_are_safe_and_so_is_what_stays_on_the_machine() {
        assert_eq!(safe().hazards(), []);
        let mut local = safe();
        local.http.public_url = Some("http://localhost:8000".to_owned());
        local.object_store.endpoint = Some("http://127.0.0.1:9000".to_owned());
        local.auth.master_secret = Secret::new("0123456789".repeat(4));
        local.auth.password_cost.memory_kib = 7_168;
        local.auth.password_cost.passes = 5;
        local.database.write.host = "::1".to_owned();
        local.database.read.host = "/run/postgresql".to_owned();
        assert_eq!(local.hazards(), []);
        local.database.read.host = "db.example".to_owned();
        local.database.read.tls = Tls::Require;
        assert_eq!(local.hazards(), []);
    }

    #[cfg(feature = "kurrentdb")]
    #[test]
    fn each_unsafe_setting_is_refused_by_its_name_and_taken_once_it_is_allowed_by_that_name_alone()
    {
        for hazard in Hazard::ALL {
            let mut config = unsafe_in(hazard);
            let refused = config.check_hazards().unwrap_err();
            assert_eq!(refused.0, [hazard]);
            assert!(refused.to_string().contains(hazard.as_str()), "{refused}");
            let others = Hazard::ALL.into_iter().filter(|other| *other != hazard);
            config.allow_unsafe = others.collect();
            assert!(config.check_hazards().is_err(), "{hazard}");
            assert!(config.check_hazards_among(&config.allow_unsafe).is_ok());
            config.allow_unsafe = vec![hazard];
            assert!(config.check_hazards().is_ok(), "{hazard}");
        }
    }

    #[test]
    fn names_are_read_and_printed_alike_and_an_unknown_one_is_refused() {
        for hazard in Hazard::ALL {
            let read: Hazard = serde_json::from_value(hazard.as_str().into()).unwrap();
            assert_eq!(read, hazard);
        }
        let load = |names: &str| {
            let environment = vec![("GCR_ALLOW_UNSAFE".to_owned(), names.to_owned())];
            Config::load(&crate::config::Sources {
                environment,
                ..Default::default()
            })
        };
        let config = load(r#"["dev_users","cheap_passwords"]"#).unwrap();
        assert_eq!(
            config.allow_unsafe,
            [Hazard::DevUsers, Hazard::CheapPasswords]
        );
        let error = load(r#"["everything"]"#).unwrap_err().to_string();
        assert!(
            error.contains("allow_unsafe") && error.contains("dev_users"),
            "{error}"
        );
    }
}
