//! What a node shows, and asks of, those who connect to it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Signs certificates, and has a file that says so.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The certificate of a server that is to prove that it is `name`, and its key.
    pub fn vouch(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let (certificate, key) = self.vouch(name);
        let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// TLS, and who may do something.
pub struct Security {
    pub acceptor: TlsAcceptor,
    authorization: String,
}

impl Security {
    /// A server that proves to be `name`, and knows one user.
    pub fn new(authority: &Authority, name: &str, user: &str, password: &str) -> Arc<Self> {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Arc::new(Self {
            acceptor: authority.acceptor(name),
            authorization: format!("Basic {encoded}"),
        })
    }

    /// Wrong credentials are refused wherever they are shown; what holds no events is told to those who show none.
    pub fn admits(&self, authorization: Option<&str>, path: &str) -> bool {
        match authorization {
            Some(shown) => shown == self.authorization,
            None => !path.starts_with("/event_store.client.streams."),
        }
    }
}
