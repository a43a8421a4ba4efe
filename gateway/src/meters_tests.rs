#![allow(clippy::unwrap_used)]
use super::*;
use crate::simulate::device::{Device as Simulated, Identity};
use crate::simulate::fault::Script;
use crate::simulate::physics::Size;
use crate::simulate::server::{Framing, Simulator};
use chrono::Utc;
use schemas::id::DeviceId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

fn connected() -> Connected {
    Connected::new(Library::embedded().unwrap(), Clock::default())
}

fn config(profile: &str, connection: Connection) -> DeviceConfig {
    DeviceConfig {
        id: DeviceId(1),
        profile: profile.into(),
        connection,
        unit_id: None,
        counter: None,
        firmware: None,
        nameplate_w: 10_000,
        paused: false,
    }
}

/// A device at a house, on the network.
async fn simulated(profile: &str, identity: Identity, framing: Framing) -> (SocketAddr, Simulator) {
    let library = Library::embedded().unwrap();
    let profile = library.get(profile).unwrap().clone();
    let unit = profile.unit_id;
    let size = Size::default();
    let device = Simulated::new(profile, identity, size, 7, Utc::now(), Script::default());
    let simulator = Simulator::new(
        BTreeMap::from([(unit, device.unwrap())]),
        // Telegrams come each millisecond or so, and hardly any time passes.
        Clock::from_source(Hurrying),
        7,
        Duration::ZERO..=Duration::ZERO,
        Duration::ZERO,
        LOGGER,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(simulator.clone().serve(listener, framing));
    (address, simulator)
}

const LOGGER: u32 = 2_712_345_678;

#[derive(Debug)]
struct Hurrying;

impl crate::clock::Source for Hurrying {
    fn wall(&self) -> chrono::DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _: Duration) -> Duration {
        Duration::from_millis(1)
    }
}

#[tokio::test]
async fn a_device_is_opened_by_its_profile_and_counter_or_told_what_is_wrong() {
    let open = |profile: &str, counter: Option<&str>| {
        let host = "127.0.0.1".to_owned();
        let config = DeviceConfig {
            counter: counter.map(str::to_owned),
            ..config(profile, Connection::Tcp { host, port: 1 })
        };
        connected().open(&config).map(drop)
    };
    open("eastron_sdm630", None).unwrap();
    open("eastron_sdm630", Some("import_total")).unwrap();
    let unknown = open("eastron", None).unwrap_err();
    assert!(
        unknown.contains("`eastron`") && unknown.contains("eastron_sdm630"),
        "{unknown}"
    );
    assert_eq!(
        open("eastron_sdm630", Some("exports")).unwrap_err(),
        "there is no counter `exports`"
    );
    assert_eq!(open("p1", None).unwrap_err(), "127.0.0.1:1 is no P1 port");
}

/// Passes connections on and counts them.
async fn counted(to: SocketAddr) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            counting.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (port, count)
}

#[tokio::test]
async fn two_devices_at_one_p1_port_share_its_connection() {
    let (address, simulator) = simulated("p1", Identity::default(), Framing::P1Tcp).await;
    let (port, connections) = counted(address).await;
    let (meters, host) = (connected(), "127.0.0.1".to_owned());
    let sold = config("p1", Connection::P1Tcp { host, port });
    let bought = DeviceConfig {
        counter: Some("import_total".to_owned()),
        ..sold.clone()
    };
    let first = meters.open(&sold).unwrap();
    let second = meters.open(&bought).unwrap();
    let (sold_now, bought_now) = (
        first.sample().await.unwrap(),
        second.sample().await.unwrap(),
    );
    let totals = simulator.totals(1).unwrap();
    for (sample, meaning, total) in [
        (&sold_now, Meaning::ExportTotal, totals.export),
        (&bought_now, Meaning::ImportTotal, totals.import),
    ] {
        assert_eq!(sample.counter.meaning, meaning);
        let behind = total.wh().cast_signed() - sample.energy_mwh / 1_000;
        assert!((0..=2).contains(&behind), "{meaning}: {behind} Wh behind");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // Only when the last is gone the connection is.
    drop(first);
    second.sample().await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    drop(second);
    meters.open(&sold).unwrap().sample().await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_variant_by_firmware_is_what_the_configuration_says() {
    let identity = Identity {
        serial: "2302A0815".to_owned(),
        device_type: Some(6),
        firmware: Some("1098".to_owned()),
        ..Identity::default()
    };
    let (address, simulator) = simulated("deye_sg3p", identity, Framing::Solarman).await;
    let connection = Connection::Solarman {
        host: "127.0.0.1".to_owned(),
        port: address.port(),
        logger: LOGGER,
    };
    let stated = DeviceConfig {
        firmware: Some("1098".to_owned()),
        counter: Some("import_total".to_owned()),
        ..config("deye_sg3p", connection)
    };
    let silent = DeviceConfig {
        firmware: None,
        ..stated.clone()
    };
    let import_mwh = async |config: &DeviceConfig| {
        let sample = connected().open(config).unwrap().sample().await.unwrap();
        assert_eq!(sample.identity.firmware, config.firmware);
        sample.energy_mwh
    };
    let there = simulator.totals(1).unwrap().import.wh().cast_signed() / 1_000;
    let off = there * 1_000_000 - import_mwh(&stated).await;
    assert!(off.abs() <= 1_000_000, "{off} mWh off");
    // No register tells it: then a tenth is counted, never more than there was.
    assert_eq!(import_mwh(&silent).await, import_mwh(&stated).await / 10);
}
