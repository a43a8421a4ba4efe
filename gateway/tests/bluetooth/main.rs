//! Commissioning over Bluetooth without a radio: the real program, a private message bus, and BlueZ and
//! NetworkManager played on it.
#![cfg(all(feature = "bluetooth", target_os = "linux"))]
#![allow(clippy::unwrap_used, missing_docs)]

mod bluez;
mod bus;
mod dialogue;
mod network_manager;

use bluez::{Bluez, wait_for};
use bus::Bus;
use dialogue::{authenticate, plain, sealed};
use gateway::bluetooth::frame::FrameError;
use gateway::bluetooth::gatt::{REQUEST, RESPONSE, SERVICE};
use network_manager::{NetworkManager, PASSPHRASE};
use serde_json::json;
use std::fs;
use std::process::{Child, Command};
use tempfile::TempDir;

const KEY: &str = "ABCD-EFGH-JKMN-PQRS";

/// A gateway that was just unpacked, and the world around it.
struct World {
    bluez: Bluez,
    network_manager: NetworkManager,
    gateway: Child,
    folder: TempDir,
    _bus: Bus,
}

impl World {
    async fn new(trust: &str) -> Self {
        let bus = Bus::start();
        let bluez = Bluez::start(&bus).await;
        let network_manager = NetworkManager::start(&bus).await;
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[api]\nlisten = \"127.0.0.1:0\"\n[bluetooth]\ntrust = \"{trust}\"\nname = \"gcr-test\"\n"
        );
        fs::write(folder.path().join("gateway.toml"), config).unwrap();
        fs::write(folder.path().join("bluetooth.key"), KEY).unwrap();
        let gateway = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(["run", "--dir"])
            .arg(folder.path())
            .env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address)
            .spawn()
            .unwrap();
        Self {
            bluez,
            network_manager,
            gateway,
            folder,
            _bus: bus,
        }
    }

    fn config(&self) -> String {
        fs::read_to_string(self.folder.path().join("gateway.toml")).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.gateway.kill();
        let _ = self.gateway.wait();
    }
}

#[tokio::test]
async fn a_new_gateway_is_commissioned_from_a_phone_that_knows_its_key() {
    let world = World::new("key").await;
    let advertised = world.bluez.advertised().await;
    let uuids: Vec<String> = advertised["ServiceUUIDs"]
        .try_clone()
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(uuids, [SERVICE.to_string()]);
    assert!(world.bluez.is_powered());

    let phone = world.bluez.phone(1).await;
    assert!(phone.flags[&REQUEST.to_string()].contains(&"encrypt-write".to_owned()));
    assert!(phone.flags[&RESPONSE.to_string()].contains(&"encrypt-read".to_owned()));
    let seal = authenticate(&phone, 1, KEY).await.unwrap();

    let identity = sealed(&phone, &seal, 10, json!({"op": "identity"})).await;
    assert_eq!(identity["ok"]["version"], env!("CARGO_PKG_VERSION"));
    let state = sealed(&phone, &seal, 11, json!({"op": "state"})).await;
    assert_eq!(state["ok"]["devices_total"], 0);

    let networks = sealed(&phone, &seal, 12, json!({"op": "wifi_scan"})).await;
    assert_eq!(
        networks["ok"],
        json!([
            {"ssid": "home", "strength": 80, "protected": true, "connected": true},
            {"ssid": "cafe", "strength": 60, "protected": false, "connected": false},
        ])
    );
    assert_eq!(world.network_manager.state().scans, 1);

    let join = |ssid: &str, passphrase: Option<&str>| json!({"op": "wifi_connect", "ssid": ssid, "passphrase": passphrase});
    for (id, ssid, passphrase, code) in [
        (20, "elsewhere", Some(PASSPHRASE), "wifi_not_found"),
        (21, "home", None, "wifi_passphrase"),
        (22, "home", Some("wrong horse"), "wifi_failed"),
    ] {
        let answer = sealed(&phone, &seal, id, join(ssid, passphrase)).await;
        assert_eq!(answer["refused"]["code"], code);
    }
    assert_eq!(
        world.network_manager.state().deleted,
        1,
        "what failed is not kept"
    );
    let answer = sealed(&phone, &seal, 23, join("home", Some(PASSPHRASE))).await;
    assert_eq!(answer, json!({"ok": {}}));
    assert_eq!(
        world.network_manager.state().joined.last().unwrap(),
        &("home".to_owned(), true)
    );

    let device = json!({"id": 7, "profile": "eastron_sdm630", "nameplate_w": 10_000,
        "connection": {"kind": "tcp", "host": "127.0.0.1", "port": 1}});
    let add = json!({"op": "add_device", "device": device});
    assert_eq!(
        sealed(&phone, &seal, 30, add.clone()).await,
        json!({"ok": {}})
    );
    assert!(
        world.config().contains("eastron_sdm630"),
        "{}",
        world.config()
    );
    let again = sealed(&phone, &seal, 31, add).await;
    assert_eq!(again["refused"]["code"], "device_there");

    // Port 1 of this machine answers nobody.
    let enrol = json!({"op": "enrol", "registry": "http://127.0.0.1:1", "code": "SECRET-CODE"});
    let answer = sealed(&phone, &seal, 32, enrol).await;
    assert_eq!(answer["refused"]["code"], "failed", "{answer}");
    assert!(!answer.to_string().contains("SECRET-CODE"));
}

#[tokio::test]
async fn a_stranger_in_radio_range_gets_nothing_and_is_slowed_down() {
    let world = World::new("key").await;
    let stranger = world.bluez.phone(2).await;
    let mut id = 1;
    for op in [
        json!({"op": "state"}),
        json!({"op": "wifi_scan"}),
        json!({"op": "enrol", "registry": "http://127.0.0.1:1", "code": "x"}),
    ] {
        assert_eq!(
            plain(&stranger, id, op).await["refused"]["code"],
            "not_authenticated"
        );
        id += 1;
    }
    assert_eq!(
        plain(&stranger, id, json!({"op": "reboot"})).await["refused"]["code"],
        "request_invalid"
    );
    for _ in 0..3 {
        id += 2;
        let refused = authenticate(&stranger, id, "0000-0000-0000-0000")
            .await
            .unwrap_err();
        assert_eq!(refused["refused"]["code"], "proof_wrong");
    }
    // Under another address as well.
    let other = world.bluez.phone(3).await;
    let refused = authenticate(&other, 1, "1111-1111-1111-1111")
        .await
        .unwrap_err();
    assert_eq!(refused["refused"]["code"], "too_many_attempts");
    assert_eq!(world.network_manager.state().scans, 0);
    assert!(stranger.write(&[9; 20]).await.is_err());
    assert_eq!(stranger.read().await[0], FrameError::Kind(9).code());
}

#[tokio::test]
async fn a_paired_phone_is_trusted_where_pairing_is_asked_for() {
    let world = World::new("pairing").await;
    let phone = world.bluez.phone(4).await;
    assert!(phone.flags[&REQUEST.to_string()].contains(&"encrypt-authenticated-write".to_owned()));
    assert!(phone.flags[&RESPONSE.to_string()].contains(&"encrypt-authenticated-read".to_owned()));
    let networks = plain(&phone, 1, json!({"op": "wifi_scan"})).await;
    assert_eq!(networks["ok"].as_array().unwrap().len(), 2);
    // Sent and read again, and not carried out again.
    assert_eq!(plain(&phone, 1, json!({"op": "wifi_scan"})).await, networks);
    assert_eq!(world.network_manager.state().scans, 1);
}

#[tokio::test]
async fn a_gateway_that_offers_commissioning_stops_when_it_is_asked_to() {
    let mut world = World::new("key").await;
    wait_for(|| world.bluez.is_offered()).await;
    let pid = world.gateway.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    wait_for(|| {
        world
            .gateway
            .try_wait()
            .unwrap()
            .is_some_and(|status| status.success())
    })
    .await;
}
