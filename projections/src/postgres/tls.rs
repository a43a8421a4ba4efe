//! TLS to a database.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

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

/// Makes connections of one kind.
#[derive(Clone)]
pub struct Connector(Option<TlsConnector>);

impl Connector {
    /// Of connections in the clear.
    pub(super) const PLAIN: Self = Self(None);

    /// Of connections to servers whose certificate one of the authorities in the PEM file vouches for.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub(super) fn trusting(authorities: &Path) -> Result<Self, String> {
        let said = |error: rustls::Error| error.to_string();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authorities).map_err(in_words)? {
            roots.add(certificate.map_err(in_words)?).map_err(said)?;
        }
        if roots.is_empty() {
            return Err("no certificate is in it".to_owned());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(said)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Some(TlsConnector::from(Arc::new(config)))))
    }
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

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, InvalidDnsNameError> {
        let Some(connector) = self.0.clone() else {
            return Ok(Handshake(None));
        };
        let host = ServerName::try_from(host.to_owned())?;
        Ok(Handshake(Some((connector, host))))
    }
}

/// One handshake, with whom.
pub struct Handshake(Option<(TlsConnector, ServerName<'static>)>);

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            // A connection in the clear asks for none.
            let (connector, host) = self.0.ok_or(io::ErrorKind::Unsupported)?;
            Ok(Stream(connector.connect(host, socket).await?))
        })
    }
}

/// An encrypted connection.
pub struct Stream(TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Stream {
    /// The certificate, of an authority that the operator named, says who the server is; the password need not.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
