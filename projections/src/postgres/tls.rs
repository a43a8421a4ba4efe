//! TLS to a database.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// Makes connections that are encrypted; asked for none where they are in the clear.
pub use tokio_postgres_rustls::MakeRustlsConnect as Connector;

/// Whether what goes to a database and comes from it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It is not.
    #[default]
    Disable,
    /// It is, and the server has proved by its certificate who it is (`verify-full`, as libpq calls it).
    Require,
}

/// Of connections to servers whose certificate one of the authorities in the PEM file vouches for; of none without a file.
///
/// # Errors
/// What is wrong with the file, in words.
pub(super) fn connector(authorities: Option<&Path>) -> Result<Connector, String> {
    let roots = authorities.map_or_else(|| Ok(RootCertStore::empty()), read)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::new(config))
}

fn read(authorities: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(in_words)? {
        let added = roots.add(certificate.map_err(in_words)?);
        added.map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate is in it".to_owned());
    }
    Ok(roots)
}

fn in_words(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        _ => "it is not PEM".to_owned(),
    }
}

/// Why a handshake failed, if not because of the network: waiting does not help.
pub(super) fn objection(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let cause = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
    // What an `io::Error` was made of is not its source.
    cause.get_ref()?.downcast_ref()
}

/// What to do about a handshake that failed.
pub(super) fn advice(error: &tokio_postgres::Error) -> &'static str {
    match objection(error) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "; `host` has to be what its certificate is for",
        // A bad one is of another authority by the same name.
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => "; `tls_ca_file` has to hold the authority that signed its certificate",
        // The verifier has no variant for it.
        Some(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "; it is an authority's, which is no server's at once: have a certificate signed by that, or make it with \
             basicConstraints=critical,CA:FALSE"
        }
        _ => "",
    }
}
