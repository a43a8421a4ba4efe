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
    /// Where clients reach the API: `https://` (`http://` for trials), a host and perhaps a path, without a slash at the end. Names the
    /// registry in its access tokens (`iss`) and in the metadata of its authorization server. Unset, tokens name
    /// the domain, and the metadata what a request was sent to.
    pub public_url: Option<String>,
    /// Origins (`https://app.example`) whose web pages may call the API by scripts, with a bearer token or an API key. Cookies are
    /// for the registry's own pages.
    pub allowed_origins: Vec<String>,
    /// Threads that answer requests; 0: one per core.
    pub workers: usize,
    /// How long a read waits for its own writes to become visible before it answers 503, in
    /// milliseconds (architecture, section 5).
    pub read_wait_ms: u64,
    /// How long a server that is asked to stop goes on taking requests, in seconds, while `/readyz` answers 503 and each
    /// answer closes its connection: so long as whatever spreads requests over several takes to notice. Who stops the process
    /// must leave it this, `shutdown_timeout_s` and five seconds.
    pub drain_s: u64,
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
    /// Whether clients can do something with `public_url`, where it is set.
    pub(super) fn is_public_url_sound(&self) -> bool {
        self.public_url.as_deref().is_none_or(|text| {
            let web = |url: &reqwest::Url| matches!(url.scheme(), "https" | "http");
            let plain = |url: &reqwest::Url| url.query().is_none() && url.fragment().is_none();
            let url = reqwest::Url::parse(text).ok();
            url.is_some_and(|url| web(&url) && plain(&url) && !text.ends_with('/'))
        })
    }

    /// Whether each of `allowed_origins` is what a browser would call it.
    pub(super) fn are_origins_sound(&self) -> bool {
        self.allowed_origins.iter().all(|text| {
            let origin = reqwest::Url::parse(text).map(|url| url.origin());
            origin.is_ok_and(|origin| origin.is_tuple() && origin.ascii_serialization() == *text)
        })
    }

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
            public_url: None,
            allowed_origins: Vec::new(),
            workers: 0,
            read_wait_ms: 2_000,
            drain_s: 0,
            shutdown_timeout_s: 10,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_origin_is_what_a_browser_calls_it() {
        let allowing = |origin: &str| Http {
            allowed_origins: vec![origin.to_owned()],
            ..Http::default()
        };
        for origin in [
            "https://app.example",
            "http://localhost:3000",
            "https://app.example:8443",
            "http://[::1]:9000",
        ] {
            assert!(allowing(origin).are_origins_sound(), "{origin}");
        }
        for other in [
            "",
            "*",
            "null",
            "app.example",
            "https://app.example/",
            "https://app.example/page",
            "https://app.example:443",
            "https://App.example",
            "https://somebody@app.example",
            "file:///tmp/page.html",
        ] {
            assert!(!allowing(other).are_origins_sound(), "{other}");
        }
    }
}
