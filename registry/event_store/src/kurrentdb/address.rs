//! Where a server is, and as whom to speak to it.

use super::certificates::{self, BadFile};
use eventstore::ClientSettings;
use percent_encoding::percent_decode;
use serde_json::{Value, json};
use std::fmt;

/// A connection string that has been understood. It may hold a password, so nothing prints it.
#[derive(Clone)]
pub struct Address(Box<ClientSettings>);

/// It is no connection string. The text itself is left out: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the connection string must look like esdb://user:password@host:2113, with further hosts behind \
     commas and `?tls=false` for a server without TLS"
)]
pub struct BadAddress;

impl Address {
    /// Understands `esdb://`, `kurrentdb://` and `kdb://`, each also with `+discover`; the options
    /// behind the `?` are those of the KurrentDB clients.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let settings: ClientSettings = url.parse().map_err(|_| BadAddress)?;
        if settings.hosts().iter().any(|host| host.host.is_empty()) {
            return Err(BadAddress);
        }
        let plain = |encoded: &[u8]| Some(percent_decode(encoded).decode_utf8().ok()?.into_owned());
        let settings = written_anew(&settings, plain, |_| ()).ok_or(BadAddress)?;
        Ok(Self(Box::new(settings)))
    }

    /// Whether the files of certificates can be used that it names.
    ///
    /// # Errors
    /// [`BadFile`].
    pub fn check_files(&self) -> Result<(), BadFile> {
        certificates::check(&self.0)
    }

    /// Whether what is sent there can be read on the way, or by somebody who pretends to be it.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        !self.0.is_secure_mode_enabled() || !self.0.is_tls_certificate_verification_enabled()
    }

    /// The names or addresses of its hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.hosts().iter().map(|host| host.host.as_str())
    }

    pub(super) fn settings(&self) -> &ClientSettings {
        &self.0
    }

    /// One of its hosts, where there are several.
    pub(super) fn alone(&self, host: usize) -> Option<ClientSettings> {
        if !self.0.is_dns_discovery_enabled() && self.0.hosts().len() == 1 {
            return None;
        }
        let host = self.0.hosts().get(host)?;
        let as_they_are = |plain: &[u8]| String::from_utf8(plain.to_vec()).ok();
        written_anew(&self.0, as_they_are, |settings| {
            settings["hosts"] = json!([host]);
            settings["dns_discover"] = false.into();
        })
    }
}

/// The library sends user and password as they stand in the URL, where what is reserved is percent-encoded (RFC
/// 3986, section 3.2.1). They can be replaced only where the settings are written down, and of what they can be
/// written as they are read again from TOML alone.
fn written_anew(
    settings: &ClientSettings,
    credential: impl Fn(&[u8]) -> Option<String>,
    change: impl FnOnce(&mut Value),
) -> Option<ClientSettings> {
    let mut settings = serde_json::to_value(settings).ok()?;
    if let Some(Value::Object(user)) = settings.get_mut("default_user_name") {
        for part in user.values_mut() {
            let bytes: Vec<u8> = serde_json::from_value(part.take()).ok()?;
            *part = credential(&bytes)?.into();
        }
    }
    change(&mut settings);
    as_toml(settings)?.try_into().ok()
}

/// What is not there is left out. Numbers are counts and milliseconds; those that are too large stand for "never",
/// which is read as -1.
fn as_toml(json: Value) -> Option<toml::Value> {
    Some(match json {
        Value::Null => return None,
        Value::Bool(is) => is.into(),
        Value::Number(number) => number.as_i64().unwrap_or(-1).into(),
        Value::String(text) => text.into(),
        Value::Array(values) => {
            let values: Vec<_> = values.into_iter().filter_map(as_toml).collect();
            values.into()
        }
        Value::Object(members) => members
            .into_iter()
            .filter_map(|(name, value)| Some((name, as_toml(value)?)))
            .collect::<toml::Table>()
            .into(),
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.0.hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}", host.host, host.port)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use eventstore::Credentials;

    #[test]
    fn it_shows_hosts_and_no_password() {
        let address = Address::parse("esdb://admin:changeit@one:2113,two:2114").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "one:2113,two:2114 one:2113,two:2114"
        );
        assert!(address.settings().is_secure_mode_enabled());
        let plain = Address::parse("kurrentdb://here:2113?tls=false").unwrap();
        assert!(!plain.settings().is_secure_mode_enabled());
    }

    #[test]
    fn nothing_but_user_and_password_is_changed_by_decoding_them() {
        let url = "esdb+discover://a%40b:p%2Fw%25@one:1,two:2?tlsVerifyCert=false&nodePreference=leader\
                   &keepAliveInterval=-1&defaultDeadline=60000&connectionName=x";
        let given: ClientSettings = url.parse().unwrap();
        let taken = Address::parse(url).unwrap();
        let plain = Some(Credentials::new("a@b", "p/w%"));
        assert_eq!(taken.settings().default_authenticated_user(), &plain);
        let without = |settings: &ClientSettings| {
            let mut settings = serde_json::to_value(settings).unwrap();
            settings["default_user_name"].take();
            settings
        };
        assert_eq!(without(taken.settings()), without(&given));
        assert!(taken.is_insecure());
        let alone = taken.alone(1).unwrap();
        assert_eq!(alone.default_authenticated_user(), &plain);
        assert_eq!((alone.hosts().len(), alone.hosts()[0].port), (1, 2));
        assert!(!alone.is_dns_discovery_enabled());
        assert_eq!(alone.node_preference(), given.node_preference());
    }

    #[test]
    fn what_is_no_connection_string_is_refused_without_repeating_it() {
        for url in [
            "esdb://",
            "http://admin:changeit@here",
            "esdb://u:changeit@h:x",
            "esdb://h/p",
            "esdb://u:changeit%FF@h",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("changeit"), "{url}: {error}");
        }
    }
}
