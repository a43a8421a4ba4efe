//! The KurrentDB adapter on a server that proves who it is and asks who comes.

use crate::conformance::{events, fresh_stream, read_all, soon};
use crate::double::{Authority, Double, Security};
use event_store::kurrentdb::Address;
use event_store::{EventStore, KurrentStore, StoreError};
use futures_util::StreamExt;
use schemas::log::{Position, StreamName};
use std::fs;
use std::path::Path;

/// What is reserved in a URL is percent-encoded there.
const PASSWORD: (&str, &str) = ("p@ss/w:rd", "p%40ss%2Fw%3Ard");

async fn secured(authority: &Authority, name: &str) -> Double {
    Double::secured(Security::new(authority, name, "registry", PASSWORD.0)).await
}

/// The connection string of these hosts, as somebody writes it.
fn url(hosts: &str, password: &str, ca_file: &Path) -> String {
    let ca_file = ca_file.display();
    format!("esdb://registry:{password}@{hosts}?tls=true&tlsCaFile={ca_file}")
}

fn store(url: &str) -> KurrentStore {
    KurrentStore::new(Address::parse(url).unwrap())
}

/// What a read of a store with this connection string, which waiting does not help, says is wrong.
async fn refusal(url: &str) -> String {
    let refused = soon(store(url).head(&fresh_stream())).await.unwrap_err();
    assert!(!refused.may_pass(), "{refused}");
    let said = format!("{refused} {refused:?}");
    for password in [PASSWORD.0, PASSWORD.1, "wrong"] {
        assert!(!said.contains(password), "{said}");
    }
    refused.to_string()
}

async fn is_used(store: &KurrentStore, stream: &StreamName) {
    let mut subscription = store.subscribe(stream, Position(0));
    let given = events(5);
    let appended = soon(store.append(stream, Position(0), given.clone())).await;
    assert_eq!(appended.unwrap().position, Position(5));
    let told = soon(subscription.next()).await.unwrap().unwrap();
    let read = soon(read_all(store, stream)).await;
    assert_eq!(told, read);
    let ids = |index: usize| (read[index].event_id, given[index].event_id);
    assert!((0..5).map(ids).all(|(read, given)| read == given));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_tls_is_used_by_whom_it_knows() {
    let authority = Authority::new();
    let node = secured(&authority, "127.0.0.1").await;
    let hosts = node.address.to_string();
    let store = store(&url(&hosts, PASSWORD.1, &authority.file()));
    is_used(&store, &fresh_stream()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_is_a_cluster_with_tls() {
    let authority = Authority::new();
    let leader = secured(&authority, "127.0.0.1").await;
    let follower = leader.follower().await;
    let hosts = format!("{},{}", follower.address, leader.address);
    let store = store(&url(&hosts, PASSWORD.1, &authority.file()));
    is_used(&store, &fresh_stream()).await;
    assert_eq!(*follower.node.appends.lock().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_prove_who_it_is_is_sent_no_credentials_and_what_is_wrong_is_said() {
    let (authority, other) = (Authority::new(), Authority::new());
    let stranger = secured(&other, "127.0.0.1").await;
    let namesake = secured(&authority, "events.example").await;
    let plain = Double::start().await;
    for (node, is_wrong) in [
        (&stranger, "tlsCaFile"),
        (&namesake, "events.example"),
        (&plain, "speaks no TLS"),
    ] {
        let one = node.address.to_string();
        for hosts in [one.clone(), format!("{one},{one}")] {
            let said = refusal(&url(&hosts, PASSWORD.1, &authority.file())).await;
            assert!(said.contains(is_wrong) && said.contains(&one), "{said}");
        }
        assert_eq!(*node.node.authorization.lock().unwrap(), None);
    }
    // Authorities of this machine do not vouch for it either.
    let url = format!("esdb://registry:{}@{}", PASSWORD.1, stranger.address);
    let said = refusal(&url).await;
    assert!(said.contains("tlsCaFile"), "{said}");
    // Nobody is asked for a proof: this is what `insecure_event_store` is about.
    let trusting = store(&format!("{url}?tlsVerifyCert=false"));
    is_used(&trusting, &fresh_stream()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_to_be_one_and_is_not_tried_on_and_on() {
    let authority = Authority::new();
    let leader = secured(&authority, "127.0.0.1").await;
    let follower = leader.follower().await;
    let cluster = format!("{},{}", leader.address, follower.address);
    for hosts in [leader.address.to_string(), cluster] {
        for wrong in ["wrong", "wrong%40"] {
            let said = refusal(&url(&hosts, wrong, &authority.file())).await;
            assert!(
                said.contains("password") && said.contains("event_store.url"),
                "{said}"
            );
        }
    }
    let calls = |node: &Double| *node.node.calls.lock().unwrap();
    // A client asks each node some three times what it is before it gives up.
    let asked = calls(&leader) + calls(&follower);
    assert!(asked < 60, "{asked} calls");
    let anonymous = format!(
        "esdb://{}?tlsCaFile={}",
        leader.address,
        authority.file().display()
    );
    let said = refusal(&anonymous).await;
    assert!(said.contains("password"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_away_is_waited_for_also_where_it_would_have_to_prove_itself() {
    let authority = Authority::new();
    let mut node = secured(&authority, "127.0.0.1").await;
    let one = node.address.to_string();
    node.down().await;
    for hosts in [one.clone(), format!("{one},{one}")] {
        let away = store(&url(&hosts, PASSWORD.1, &authority.file()));
        let away = soon(away.head(&fresh_stream())).await.unwrap_err();
        assert!(away.may_pass(), "{away}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_certificates_that_can_not_be_used_is_named_and_stops_nothing_else() {
    let authority = Authority::new();
    let node = secured(&authority, "127.0.0.1").await;
    let file = |name: &str| authority.folder().join(name);
    fs::write(file("empty"), "").unwrap();
    fs::write(file("text"), "no certificate").unwrap();
    fs::write(file("broken"), "-----BEGIN CERTIFICATE-----\n!\n").unwrap();
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(file("nonsense"), nonsense).unwrap();
    let names = ["missing", "empty", "text", "broken", "nonsense"];
    for name in names {
        let url = url(&node.address.to_string(), PASSWORD.1, &file(name));
        let named = format!("tlsCaFile {}", file(name).display());
        let error = Address::parse(&url).unwrap().check_files().unwrap_err();
        assert!(error.to_string().contains(&named), "{error}");
        let said = refusal(&url).await;
        assert!(said.contains(&named), "{said}");
    }
    let good = url(&node.address.to_string(), PASSWORD.1, &authority.file());
    let own = authority.file();
    for (name, option) in names[..4]
        .iter()
        .flat_map(|name| ["userCertFile", "userKeyFile"].map(|option| (name, option)))
    {
        let bad = file(name);
        let (certificate, key) = match option {
            "userCertFile" => (&bad, &own),
            _ => (&own, &bad),
        };
        let (certificate, key) = (certificate.display(), key.display());
        let said = refusal(&format!(
            "{good}&userCertFile={certificate}&userKeyFile={key}"
        ))
        .await;
        assert!(
            said.contains(&format!("{option} {}", bad.display())),
            "{said}"
        );
    }
    Address::parse(&good).unwrap().check_files().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_authorities_that_is_replaced_is_read_again() {
    let (authority, other) = (Authority::new(), Authority::new());
    let file = authority.folder().join("trusted.pem");
    fs::copy(other.file(), &file).unwrap();
    let node = secured(&authority, "127.0.0.1").await;
    let store = store(&url(&node.address.to_string(), PASSWORD.1, &file));
    let stream = fresh_stream();
    let refused = soon(store.head(&stream)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    fs::copy(authority.file(), &file).unwrap();
    is_used(&store, &stream).await;
}
