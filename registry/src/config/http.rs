//! Where the API listens.

use super::proxy::{Network, ProxyHeader};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Loopback unless set: who wants the network says so, behind a proxy that ends TLS.
    pub host: String,
    /// 0: any free one.
    pub port: u16,
    /// Threads that answer requests; 0: one per core.
    pub workers: usize,
    /// How long a read waits for its own writes to become visible before it answers 503, in
    /// milliseconds (architecture, section 5).
    pub read_wait_ms: u64,
    /// How long a stopping server lets requests in flight finish, in seconds.
    pub shutdown_timeout_s: u64,
    /// Proxies in front of the registry, by address or network (`10.0.0.0/8`). Theirs alone is believed
    /// where they say for whom they ask.
    pub trusted_proxies: Vec<Network>,
    /// Where they say it: `x_forwarded_for` or `forwarded`. They must overwrite or append to it, never
    /// pass it on alone.
    pub proxy_header: ProxyHeader,
}

impl Http {
    /// Where a client on this machine reaches the API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8000,
            workers: 0,
            read_wait_ms: 2_000,
            shutdown_timeout_s: 10,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
        }
    }
}
