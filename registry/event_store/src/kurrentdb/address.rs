//! Where a server is, and as whom to speak to it.

use eventstore::ClientSettings;
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
        Ok(Self(Box::new(settings)))
    }

    pub(super) fn settings(&self) -> &ClientSettings {
        &self.0
    }
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
    fn what_is_no_connection_string_is_refused_without_repeating_it() {
        for url in [
            "esdb://",
            "http://admin:changeit@here",
            "esdb://u:changeit@h:x",
            "esdb://h/p",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("changeit"), "{url}: {error}");
        }
    }
}
