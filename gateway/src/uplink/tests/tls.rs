#![allow(clippy::unwrap_used)]

use super::server::Server;
use super::*;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

async fn registry_with_https(key: &FileKey) -> (Server, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let secret = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], secret)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::new(
        key.public_key().clone(),
        listener.local_addr().unwrap().port(),
    );
    let serving = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), serving.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    server.serve(stream).await;
                }
            });
        }
    });
    (server, cert.pem())
}

#[tokio::test]
async fn https_is_spoken_with_registries_whose_certificate_is_trusted_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let key = FileKey::create(&dir.path().join("key.pem"), Algorithm::Es256).unwrap();
    let (server, certificate) = registry_with_https(&key).await;
    std::fs::write(dir.path().join("ca.pem"), certificate).unwrap();
    let mut config = config(&format!("https://localhost:{}/base", server.port));
    let submit = async |config: &Config| {
        let registry = Registry::new(dir.path(), config).unwrap();
        registry.submit(pack(Vec::new()).unwrap(), Utc::now()).await
    };
    let distrusted = submit(&config).await.unwrap_err();
    assert!(
        matches!(distrusted, ClientError::NoAnswer(_)),
        "{distrusted}"
    );
    config.ca_file = Some("ca.pem".into());
    assert_eq!(submit(&config).await.unwrap().receipts, []);
}

#[test]
fn a_file_of_certificates_that_holds_none_is_told_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config("https://localhost");
    config.ca_file = Some("ca.pem".into());
    let error = Registry::new(dir.path(), &config).unwrap_err().to_string();
    assert!(error.contains("ca.pem"), "{error}");
    std::fs::write(dir.path().join("ca.pem"), "nothing").unwrap();
    let error = Registry::new(dir.path(), &config).unwrap_err().to_string();
    assert!(error.contains("holds no certificate"), "{error}");
}
