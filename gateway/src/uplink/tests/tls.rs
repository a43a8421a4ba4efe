#![allow(clippy::unwrap_used)]

use super::server::{Act, Server};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A registry whose certificate is like that.
async fn registry_with_https(
    key: &FileKey,
    change: impl FnOnce(&mut CertificateParams),
) -> (Server, String) {
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let cert = params.self_signed(&signing_key).unwrap();
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
    let (server, certificate) = registry_with_https(&key, |_| ()).await;
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
    assert!(distrusted.to_string().contains("`ca_file`"), "{distrusted}");
    config.ca_file = Some("ca.pem".into());
    assert_eq!(submit(&config).await.unwrap().receipts, []);
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_said_so_that_it_can_be_mended() {
    let dir = tempfile::tempdir().unwrap();
    let key = FileKey::create(&dir.path().join("key.pem"), Algorithm::Es256).unwrap();
    let told = async |address: &str| {
        let mut config = config(address);
        config.ca_file = dir.path().join("ca.pem").exists().then(|| "ca.pem".into());
        let registry = Registry::new(dir.path(), &config).unwrap();
        let refused = registry.submit(pack(Vec::new()).unwrap(), Utc::now()).await;
        refused.unwrap_err().to_string()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let without_tls = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Open until the client has read it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let (error, ()) = tokio::join!(told(&address), without_tls);
    assert!(error.contains("no TLS is spoken there"), "{error}");
    // What a registry refuses has a code of its own; a page of somebody else has none.
    let plain = Server::start(key.public_key().clone()).await;
    plain.will([
        Act::Status(404, ""),
        Act::Page(404, "<h1>It works!</h1>"),
        Act::Page(404, ""),
    ]);
    let address = format!("http://localhost:{}/base", plain.port);
    let error = told(&address).await;
    assert!(error.starts_with("the registry answers 404"), "{error}");
    for shown in ["a page for browsers", "nothing more"] {
        let error = told(&address).await;
        let expected = format!("something that is no registry answers 404 Not Found: {shown}");
        assert_eq!(error, expected);
    }

    let expires = |params: &mut CertificateParams| params.not_after = date_time_ymd(2_020, 1, 1);
    let (expired, certificate) = registry_with_https(&key, expires).await;
    std::fs::write(dir.path().join("ca.pem"), certificate).unwrap();
    let error = told(&format!("https://localhost:{}/base", expired.port)).await;
    assert!(error.contains("by the clock of this machine"), "{error}");
    let (registry, certificate) = registry_with_https(&key, |_| ()).await;
    std::fs::write(dir.path().join("ca.pem"), certificate).unwrap();
    let error = told(&format!("https://127.0.0.1:{}/base", registry.port)).await;
    assert!(error.contains("is for another address"), "{error}");
    // What `openssl req -x509` makes of itself.
    let authority = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let (registry, certificate) = registry_with_https(&key, authority).await;
    std::fs::write(dir.path().join("ca.pem"), certificate).unwrap();
    let error = told(&format!("https://localhost:{}/base", registry.port)).await;
    assert!(error.contains("CA:FALSE"), "{error}");
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
