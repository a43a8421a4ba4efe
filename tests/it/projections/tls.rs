//! Databases that are spoken to over TLS.

use super::random::lived;
use super::rig::Rig;
use crate::double::Authority;
use projections::Target;
use projections::checkpoint_watch::CheckpointWatch;
use projections::postgres::{Connection, Tls, connect, pool};
use rcgen::KeyPair;
use registry::dev::postgres::Cluster;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// Has the server prove that it is `name`.
async fn certify(cluster: &Cluster, authority: &Authority, name: &str) {
    let (certificate, key) = authority.vouch(name);
    let folder = cluster.data_dir();
    give(folder, "server.crt", &certificate.pem());
    give(folder, "server.key", &key.serialize_pem());
    let client = connect(&cluster.connection("postgres")).await.unwrap();
    client
        .batch_execute("ALTER SYSTEM SET ssl = on")
        .await
        .unwrap();
    client
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
}

/// A file of the server's own, which it takes from nobody else.
fn give(folder: &Path, name: &str, text: &str) {
    let owner = folder.metadata().unwrap();
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
}

async fn is_encrypted(client: &tokio_postgres::Client) -> bool {
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    client.query_one(asked, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_requires_tls_is_encrypted_and_made_to_the_server_meant_alone() {
    let mut rig = Rig::on_own_servers().await;
    let (trusted, other) = (Authority::new(), Authority::new());
    let plain = rig.connection(Target::Read).clone();
    let encrypted = Connection {
        tls: Tls::Require,
        tls_ca_file: Some(trusted.file()),
        ..plain.clone()
    };
    let refused = connect(&encrypted).await.err();
    assert!(refused.is_some(), "the server has no certificate yet");

    certify(&rig.clusters.read, &trusted, "127.0.0.1").await;
    // The server looks at its settings when it finds the time.
    let client = tests::eventually("the server takes TLS", || async {
        connect(&encrypted).await.ok()
    })
    .await;
    assert!(is_encrypted(&client).await);
    let pooled = pool(&encrypted).unwrap();
    assert!(is_encrypted(&pooled.get().await.unwrap()).await);
    assert!(!is_encrypted(&connect(&plain).await.unwrap()).await);
    let by_another_authority = Connection {
        tls_ca_file: Some(other.file()),
        ..encrypted.clone()
    };
    let by_another_name = Connection {
        host: "localhost".to_owned(),
        ..encrypted.clone()
    };
    for (stranger, setting) in [
        (by_another_authority, "tls_ca_file"),
        (by_another_name, "`host`"),
    ] {
        let refused = connect(&stranger).await.err().unwrap();
        assert!(!refused.is_absence(), "waiting does not help: {refused}");
        let said = refused.to_string();
        assert!(
            said.contains("certificate") && said.contains(setting),
            "{said}"
        );
    }

    let _watch = CheckpointWatch::start(encrypted.clone());
    rig.databases.read = encrypted;
    let _running = rig.start_both();
    lived(&mut rig.history, 90, 60).await;
    rig.audit().await;
    for program in ["projector", "checkpoint watch"] {
        let asked = "SELECT bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                     WHERE application_name = $1 AND datname = current_database()";
        tests::eventually("it is connected, encrypted", || async {
            let row = client_of(&rig).await.query_one(asked, &[&program]).await;
            row.unwrap().get::<_, Option<bool>>(0).filter(|is| *is)
        })
        .await;
    }
}

async fn client_of(rig: &Rig) -> tokio_postgres::Client {
    connect(rig.connection(Target::Read)).await.unwrap()
}

#[tokio::test]
async fn a_file_without_authorities_is_named_and_so_is_one_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["empty", "broken", "other", "missing"].map(|name| folder.path().join(name));
    fs::write(&files[0], "").unwrap();
    fs::write(&files[1], "-----BEGIN CERTIFICATE-----\n!\n").unwrap();
    fs::write(&files[2], KeyPair::generate().unwrap().serialize_pem()).unwrap();
    for file in files {
        let connection = Connection {
            tls: Tls::Require,
            tls_ca_file: Some(file.clone()),
            ..Connection::local(1)
        };
        let error = connect(&connection).await.err().unwrap().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
    let unnamed = Connection {
        tls: Tls::Require,
        ..Connection::local(1)
    };
    let error = connect(&unnamed).await.err().unwrap().to_string();
    assert!(error.contains("tls_ca_file"), "{error}");
}
