//! A gateway that was just unpacked is commissioned from a phone, over BlueZ played on a private message bus, at a
//! registry that runs.

#[path = "../../../gateway/tests/bluetooth/bluez.rs"]
#[allow(dead_code, reason = "the gateway's own tests look at more of it")]
mod bluez;
#[path = "../../../gateway/tests/bluetooth/bus.rs"]
mod bus;
#[path = "../../../gateway/tests/bluetooth/dialogue.rs"]
mod dialogue;

use bluez::Bluez;
use bus::Bus;
use dialogue::{authenticate, plain, sealed};
use gateway::config::Config;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Edge, SimulatedDay, World, gateway_code, volume};

const GATEWAY: &str = "gateway::bluetooth::a_gateway_for_the_test_beside";
const KEY: &str = "ABCD-EFGH-JKMN-PQRS";
/// What is in its file already.
const NOTED: &str = "bluetooth.trust = \"key\" # it is on the label, inside the door\n";
/// How many times as fast a day passes: an interval is over in about a second.
const FACTOR: u32 = 400;
/// In the forenoon, so that there is sun.
const BEGINS_H: i64 = 9;
const DEADLINE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it works in a process that another test starts and kills"]
async fn a_gateway_for_the_test_beside() {
    Edge::work().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_key_on_the_label_enrols_a_gateway_and_its_certificates_appear() {
    let world = World::start().await;
    let bus = Bus::start();
    let bluez = Bluez::start(&bus).await;
    let day = SimulatedDay::begins(BEGINS_H, FACTOR);
    let inverter = day.inverter("").await;
    let mut edge = Edge::unpacked(NOTED, &day, None, GATEWAY);
    std::fs::write(edge.folder().join("bluetooth.key"), KEY).unwrap();
    edge.start_on(&bus.address);
    let phone = bluez.phone(1).await;

    let code = gateway_code(&world.producer, world.s, &[world.w]).await;
    let registry = format!("http://127.0.0.1:{}", world.registry.config.http.port);
    let enrol = json!({"op": "enrol", "registry": registry, "code": code});
    let refused = plain(&phone, 1, enrol.clone()).await;
    assert_eq!(refused["refused"]["code"], "not_authenticated");
    let seal = authenticate(&phone, 2, KEY).await.unwrap();
    let ask = async |id: u16, message| sealed(&phone, &seal, id, message).await;
    let wrong = json!({"op": "enrol", "registry": registry, "code": "7KQ4M-9XTBD-2VHWN-C3RPF"});
    let refused = ask(10, wrong).await;
    assert_eq!(refused["refused"]["code"], "failed", "{refused}");
    // As a person types it who takes it from a letter.
    let bare = json!({"op": "enrol", "registry": "registry.example", "code": code});
    let refused = ask(11, bare).await;
    assert_eq!(refused["refused"]["code"], "request_invalid");
    let detail = refused["refused"]["detail"].as_str().unwrap();
    assert!(detail.contains("such as https://"), "{detail}");
    let enrolled = ask(12, enrol.clone()).await;
    assert!(enrolled["ok"]["gateway_id"].is_i64(), "{enrolled}");
    let device = json!({
        "id": world.w, "profile": "fronius_sf", "nameplate_w": 1_000_000,
        "connection": {"kind": "tcp", "host": "127.0.0.1", "port": inverter.port()},
    });
    let add = json!({"op": "add_device", "device": device});
    assert_eq!(ask(13, add).await, json!({"ok": {}}));
    // Who is told that it was done can see it.
    let state = ask(14, json!({"op": "state"})).await;
    assert_eq!(state["ok"]["devices"][0]["device_id"], world.w, "{state}");

    let give_up_at = Instant::now() + DEADLINE;
    let mut ids = 20..;
    while volume(&world.producer.holdings(world.s).await) == 0 {
        let state = ask(ids.next().unwrap(), json!({"op": "state"})).await;
        assert!(Instant::now() < give_up_at, "no certificate yet: {state}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Nothing more can be asked of it than before: who has enrolled does not enrol again.
    let again = ask(ids.next().unwrap(), enrol).await;
    assert_eq!(again["refused"]["code"], "not_now", "{again}");
    edge.stop();
    let gateway_id = &enrolled["ok"]["gateway_id"];
    let list = format!("/gateway/list?account_id={}", world.s);
    let gateways = world.producer.get(&list).await.expect(200);
    assert_eq!(gateways.as_array().unwrap().len(), 1);
    assert_eq!(&gateways[0]["id"], gateway_id);
    assert_eq!(gateways[0]["devices"], 1);
    // The first certificate is the device's, and says which gateway signed for it.
    let bundles = world.producer.holdings(world.s).await;
    let first = bundles.iter().min_by_key(|one| one["id"].as_i64()).unwrap();
    assert_eq!(first["device_id"], world.w);
    let first = first["id"].as_i64().unwrap();
    let lineage = world.producer.lineage(first, "timeline").await;
    let envelope = &lineage["timeline"][0]["envelope"];
    assert_eq!(&envelope["gateway_id"], gateway_id, "{lineage}");
    assert_eq!(envelope["device_id"], world.w);
    // What was set by Bluetooth is set for good, beside what somebody has noted there.
    let text = std::fs::read_to_string(edge.folder().join(gateway::config::FILE_NAME)).unwrap();
    assert!(text.contains(NOTED), "{text}");
    let config = Config::load(edge.folder()).unwrap();
    assert_eq!(config.registry, Some(registry.parse().unwrap()));
    assert_eq!(config.devices[0].id.0, world.w);
    world.registry.audit().await;
}
