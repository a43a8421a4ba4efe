//! The certificates that a connection string names, and whether a server's is one that they vouch for.
//!
//! The client's library names no file that it can not use (one that is no PEM stops it with a panic), and says of a
//! handshake that failed only that there is no connection.

use eventstore::{ClientSettings, Endpoint};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// How long one look at a host may take.
const LOOK_WITHIN: Duration = Duration::from_secs(1);

/// A file that the connection string names and that can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {path} in event_store.url can not be used: {cause}")]
pub struct BadFile {
    option: &'static str,
    path: String,
    cause: String,
}

impl BadFile {
    fn new(option: &'static str, path: &str, cause: impl ToString) -> Self {
        Self {
            option,
            path: path.to_owned(),
            cause: cause.to_string(),
        }
    }
}

/// What is found at one of the hosts.
pub(super) enum Look {
    /// Nobody, as far as can be told.
    Absent,
    /// Somebody, who has proved to be the server where that is asked for.
    There,
    /// Somebody who has not.
    Distrusted(Distrusted),
}

/// TLS is not spoken with who is there.
#[derive(Debug, thiserror::Error)]
#[error("{place} does not prove that it is the event store: {cause}{advice}")]
pub(super) struct Distrusted {
    place: String,
    cause: rustls::Error,
    advice: &'static str,
}

/// Whether the files can be used that the connection string names.
///
/// # Errors
/// [`BadFile`].
pub(super) fn check(settings: &ClientSettings) -> Result<(), BadFile> {
    let roots = settings.tls_ca_file().map(|path| authorities(path));
    config(
        settings,
        roots.transpose()?.unwrap_or_else(RootCertStore::empty),
    )
    .map(|_| ())
}

/// What is found at each of the hosts.
pub(super) async fn look(settings: &ClientSettings) -> Vec<Look> {
    let looks_at_it =
        settings.is_secure_mode_enabled() && settings.is_tls_certificate_verification_enabled();
    let connector = looks_at_it.then(|| connector(settings)).flatten();
    let looks = settings.hosts().iter().map(|host| {
        let looked = tokio::time::timeout(LOOK_WITHIN, look_at(host, connector.as_ref()));
        async { looked.await.ok().flatten().unwrap_or(Look::Absent) }
    });
    join_all(looks).await
}

async fn look_at(host: &Endpoint, connector: Option<&TlsConnector>) -> Option<Look> {
    let name = host.host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((name, u16::try_from(host.port).ok()?)).await;
    let (stream, Some(connector)) = (stream.ok()?, connector) else {
        return Some(Look::There);
    };
    let server = ServerName::try_from(name.to_owned()).ok()?;
    match connector.connect(server, stream).await {
        Ok(_) => Some(Look::There),
        Err(error) => {
            // What else there is comes from the network.
            let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?.clone();
            Some(Look::Distrusted(Distrusted {
                place: format!("{}:{}", host.host, host.port),
                advice: advice(&cause),
                cause,
            }))
        }
    }
}

fn advice(cause: &rustls::Error) -> &'static str {
    match cause {
        // A bad one is of another authority by the same name.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            "; tlsCaFile in event_store.url has to name a file with the authority that signed its certificate"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "; event_store.url has to name it as its certificate does",
        rustls::Error::InvalidMessage(_) => "; it speaks no TLS, of which event_store.url asks",
        _ => "",
    }
}

fn connector(settings: &ClientSettings) -> Option<TlsConnector> {
    let roots = match settings.tls_ca_file() {
        Some(path) => authorities(path).ok()?,
        None => of_this_machine(),
    };
    let mut config = config(settings, roots).ok()?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}

fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // As the client does: what can not be read is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn config(settings: &ClientSettings, roots: RootCertStore) -> Result<ClientConfig, BadFile> {
    // The provider has what both versions need.
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BadFile::new("tls", "", error))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = settings.user_certificate() else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates("userCertFile", certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| BadFile::new("userKeyFile", key, in_words(error)))?;
    config
        .with_client_auth_cert(chain, secret)
        .map_err(|error| BadFile::new("userKeyFile", key, error))
}

fn authorities(path: &str) -> Result<RootCertStore, BadFile> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tlsCaFile", path)? {
        let added = roots.add(certificate);
        added.map_err(|error| BadFile::new("tlsCaFile", path, error))?;
    }
    Ok(roots)
}

fn certificates(option: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let bad = |error| BadFile::new(option, path, in_words(error));
    let found = CertificateDer::pem_file_iter(path).map_err(bad)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(bad)?;
    if found.is_empty() {
        return Err(bad(pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// Nothing of what is in the file, which may be a key.
fn in_words(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "nothing of the kind is in it".to_owned(),
        _ => "it is not PEM".to_owned(),
    }
}
