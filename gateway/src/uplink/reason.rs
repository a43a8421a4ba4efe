//! Why no answer came, in words that say what to do about it.

use chrono::{DateTime, SecondsFormat, Utc};
use rustls::CertificateError::{
    Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
    NotValidYetContext,
};
use rustls::Error as Tls;
use std::error::Error;
use std::io;

/// Why there was no answer; `now` is what this machine's clock says.
pub(super) fn of(error: &reqwest::Error, now: DateTime<Utc>) -> String {
    let text = chain(error);
    match tls(error) {
        Some(Tls::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => format!(
            "its certificate does not hold now, which is {} by the clock of this machine: {text}",
            now.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
        Some(Tls::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
            format!("its certificate is for another address: {text}")
        }
        // The verifier has no variant for it.
        Some(Tls::InvalidCertificate(_)) if text.contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's, which is no server's at once: have a certificate signed by that, or \
             make it with `basicConstraints=critical,CA:FALSE`"
                .to_owned()
        }
        Some(Tls::InvalidCertificate(_)) => format!(
            "its certificate is not trusted ({text}); a registry with certificates of its own needs a `ca_file` that \
             holds who signed it"
        ),
        Some(Tls::InvalidMessage(_)) => {
            format!("no TLS is spoken there, which an address with https:// asks for ({text})")
        }
        _ if error.is_timeout() => "it does not answer in time".to_owned(),
        _ => text,
    }
}

/// The error of TLS behind it.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Tls> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // What an `io::Error` was made of is not its source.
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    let inside = inner.and_then(|inner| tls(inner));
    inside.or_else(|| error.source().and_then(tls))
}

/// An error with what caused it. What was being done, and for which address, is known to who reads it.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut lines: Vec<String> = Vec::new();
    let source = error.source();
    let deeper = source.and_then(Error::source);
    // That it was a client's request is known as well.
    let mut next = deeper.filter(|_| error.is_request()).or(source);
    while let Some(error) = next {
        let line = error.to_string();
        if !lines.iter().any(|before| before.contains(&line)) {
            lines.push(line);
        }
        next = error.source();
    }
    if lines.is_empty() {
        return error.to_string();
    }
    lines.join(": ")
}
