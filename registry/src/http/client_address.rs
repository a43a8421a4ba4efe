//! Where a request comes from.

use crate::config::{Network, ProxyHeader};
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use std::net::{IpAddr, SocketAddr};

/// The proxies whose word on where a request comes from counts.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<Network>,
    header: ProxyHeader,
}

impl Proxies {
    /// These, which say it in `header`.
    #[must_use]
    pub fn new(trusted: Vec<Network>, header: ProxyHeader) -> Self {
        Self { trusted, header }
    }

    /// The address that a request comes from: the last one that a trusted proxy was asked from. What stands
    /// before it in the header anybody may have written. `None` where there is no peer, as in a test.
    #[must_use]
    pub fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let mut client = request.peer_addr()?.ip().to_canonical();
        if !self.trusts(client) {
            return Some(client);
        }
        for hop in self.hops(request).iter().rev() {
            // A proxy that does not know, or does not tell, is the last one known.
            let Some(hop) = hop else {
                break;
            };
            client = *hop;
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.has(address))
    }

    /// For whom each proxy asked, the first one first.
    fn hops(&self, request: &HttpRequest) -> Vec<Option<IpAddr>> {
        let name = match self.header {
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let lines = request.headers().get_all(name);
        let elements = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        let hops = elements.map(|element| match self.header {
            ProxyHeader::XForwardedFor => address(element),
            ProxyHeader::Forwarded => element.split(';').find_map(|pair| {
                let (name, node) = pair.split_once('=')?;
                let is_for = name.trim().eq_ignore_ascii_case("for");
                is_for.then(|| address(node)).flatten()
            }),
        });
        hops.collect()
    }
}

/// An address, alone or with a port, quoted or not.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim().trim_matches('"');
    let alone = || node.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let with_port = || node.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    alone()
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::test::TestRequest;

    fn client(header: ProxyHeader, peer: &str, lines: &[(&str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
        let proxies = Proxies::new(trusted.into(), header);
        let mut request = TestRequest::get().peer_addr(format!("{peer}:7").parse().unwrap());
        for line in lines {
            request = request.append_header(*line);
        }
        proxies
            .client(&request.to_http_request())
            .unwrap()
            .to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_says_where_a_request_comes_from() {
        let spoofed = [("x-forwarded-for", "192.0.2.66")];
        let of = |peer, lines| client(ProxyHeader::XForwardedFor, peer, lines);
        assert_eq!(of("198.51.100.9", &spoofed), "198.51.100.9");
        assert_eq!(of("10.0.0.1", &spoofed), "192.0.2.66");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(
            of("10.0.0.1", &[("forwarded", "for=192.0.2.66")]),
            "10.0.0.1"
        );
    }

    #[test]
    fn what_stands_before_the_last_untrusted_hop_does_not_count() {
        let of = |lines| client(ProxyHeader::XForwardedFor, "10.0.0.1", lines);
        assert_eq!(
            of(&[("x-forwarded-for", "203.0.113.1, 192.0.2.7, 10.0.0.2")]),
            "192.0.2.7"
        );
        let two = [
            ("x-forwarded-for", "203.0.113.1"),
            ("x-forwarded-for", "192.0.2.7:4711"),
        ];
        assert_eq!(of(&two), "192.0.2.7");
        assert_eq!(
            of(&[("x-forwarded-for", "192.0.2.7, unknown, 10.0.0.2")]),
            "10.0.0.2"
        );
    }

    #[test]
    fn the_header_of_rfc_7239_is_read_with_its_quotes_and_ports() {
        let of = |line| client(ProxyHeader::Forwarded, "[::1]", &[("forwarded", line)]);
        assert_eq!(
            of("for=192.0.2.43, for=198.51.100.17;by=10.0.0.1;proto=https"),
            "198.51.100.17"
        );
        assert_eq!(of("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(of("for=_hidden"), "::1");
    }
}
