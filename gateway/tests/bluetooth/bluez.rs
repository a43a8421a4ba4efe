//! BlueZ as far as a GATT service sees it, and phones that speak to the service.

use super::bus::Bus;
use gateway::bluetooth::frame::{Frame, HEADER_BYTES, Kind};
use gateway::bluetooth::gatt::{REQUEST, RESPONSE, SERVICE};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use zbus::fdo::ManagedObjects;
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant, fdo, interface};

const DEADLINE: Duration = Duration::from_secs(30);

/// What was registered: who, and under which path.
#[derive(Default)]
pub struct Registered {
    application: Option<(String, OwnedObjectPath)>,
    advertisement: Option<(String, OwnedObjectPath)>,
    powered: bool,
    agent: bool,
}

type Shared = Arc<Mutex<Registered>>;

struct Adapter(Shared);

#[interface(name = "org.bluez.Adapter1")]
impl Adapter {
    #[zbus(property)]
    fn address(&self) -> String {
        "00:11:22:33:44:55".to_owned()
    }

    #[zbus(property)]
    fn name(&self) -> String {
        "mock".to_owned()
    }

    #[zbus(property)]
    fn powered(&self) -> bool {
        self.0.lock().unwrap().powered
    }

    #[zbus(property)]
    fn set_powered(&mut self, on: bool) {
        self.0.lock().unwrap().powered = on;
    }
}

struct GattManager(Shared);

#[interface(name = "org.bluez.GattManager1")]
impl GattManager {
    fn register_application(
        &self,
        path: OwnedObjectPath,
        _options: HashMap<String, OwnedVariant>,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        self.0.lock().unwrap().application = Some((sender(&header), path));
        Ok(())
    }

    fn unregister_application(&self, _path: OwnedObjectPath) {
        self.0.lock().unwrap().application = None;
    }
}

struct AdvertisingManager(Shared);

#[interface(name = "org.bluez.LEAdvertisingManager1")]
impl AdvertisingManager {
    fn register_advertisement(
        &self,
        path: OwnedObjectPath,
        _options: HashMap<String, OwnedVariant>,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        self.0.lock().unwrap().advertisement = Some((sender(&header), path));
        Ok(())
    }

    fn unregister_advertisement(&self, _path: OwnedObjectPath) {
        self.0.lock().unwrap().advertisement = None;
    }
}

struct AgentManager(Shared);

#[interface(name = "org.bluez.AgentManager1")]
impl AgentManager {
    fn register_agent(&self, _agent: OwnedObjectPath, _capability: String) {
        self.0.lock().unwrap().agent = true;
    }

    fn request_default_agent(&self, _agent: OwnedObjectPath) {}

    fn unregister_agent(&self, _agent: OwnedObjectPath) {}
}

fn sender(header: &Header<'_>) -> String {
    header.sender().unwrap().to_string()
}

/// The mock.
pub struct Bluez {
    connection: Connection,
    registered: Shared,
}

impl Bluez {
    pub async fn start(bus: &Bus) -> Self {
        let registered = Shared::default();
        let adapter = "/org/bluez/hci0";
        let connection = bus
            .builder()
            .serve_at("/", fdo::ObjectManager)
            .serve_at("/org/bluez", AgentManager(registered.clone()))
            .serve_at(adapter, Adapter(registered.clone()))
            .serve_at(adapter, GattManager(registered.clone()))
            .serve_at(adapter, AdvertisingManager(registered.clone()))
            .name("org.bluez")
            .build()
            .await
            .unwrap();
        Self {
            connection,
            registered,
        }
    }

    /// Whether the service is offered.
    pub fn is_offered(&self) -> bool {
        let registered = self.registered.lock().unwrap();
        registered.application.is_some() && registered.advertisement.is_some()
    }

    pub fn is_powered(&self) -> bool {
        let registered = self.registered.lock().unwrap();
        registered.powered && registered.agent
    }

    /// Waits until the service is offered; what is advertised.
    pub async fn advertised(&self) -> HashMap<String, OwnedVariant> {
        wait_for(|| self.is_offered()).await;
        let (owner, path) = self
            .registered
            .lock()
            .unwrap()
            .advertisement
            .clone()
            .unwrap();
        let answer = self
            .connection
            .call_method(
                Some(owner),
                path,
                Some("org.freedesktop.DBus.Properties"),
                "GetAll",
                &("org.bluez.LEAdvertisement1"),
            )
            .await
            .unwrap();
        answer.body().deserialize().unwrap()
    }

    /// A phone in radio range.
    pub async fn phone(&self, address: u8) -> Phone {
        wait_for(|| self.is_offered()).await;
        let (owner, root) = self.registered.lock().unwrap().application.clone().unwrap();
        let manager = "org.freedesktop.DBus.ObjectManager";
        let to = Some(owner.as_str());
        let answer =
            self.connection
                .call_method(to, &root, Some(manager), "GetManagedObjects", &());
        let objects: ManagedObjects = answer.await.unwrap().body().deserialize().unwrap();
        let mut phone = Phone {
            connection: self.connection.clone(),
            owner,
            device: format!("/org/bluez/hci0/dev_AA_BB_CC_DD_EE_{address:02X}"),
            request: String::new(),
            response: String::new(),
            flags: HashMap::new(),
            mtu: 100,
        };
        let mut services = Vec::new();
        for (path, interfaces) in &objects {
            for (interface, properties) in interfaces {
                let text = |name: &str| {
                    properties
                        .get(name)
                        .map(|value| String::try_from(value.try_clone().unwrap()).unwrap())
                };
                match interface.as_str() {
                    "org.bluez.GattService1" => services.extend(text("UUID")),
                    "org.bluez.GattCharacteristic1" => {
                        let uuid = text("UUID").unwrap();
                        let flags: Vec<String> =
                            properties["Flags"].try_clone().unwrap().try_into().unwrap();
                        if uuid == REQUEST.to_string() {
                            phone.request = path.to_string();
                        } else if uuid == RESPONSE.to_string() {
                            phone.response = path.to_string();
                        }
                        phone.flags.insert(uuid, flags);
                    }
                    _ => {}
                }
            }
        }
        assert_eq!(services, [SERVICE.to_string()]);
        phone
    }
}

/// A phone that speaks to the service through BlueZ.
pub struct Phone {
    connection: Connection,
    owner: String,
    device: String,
    request: String,
    response: String,
    pub flags: HashMap<String, Vec<String>>,
    mtu: u16,
}

impl Phone {
    fn options(&self) -> HashMap<&'static str, Variant<'static>> {
        let device = zbus::ObjectPath::try_from(self.device.clone()).unwrap();
        HashMap::from([
            ("device", Variant::from(device)),
            ("mtu", Variant::from(self.mtu)),
            ("offset", Variant::from(0_u16)),
            ("link", Variant::from("LE")),
        ])
    }

    async fn call<B>(&self, path: &str, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let to = Some(self.owner.as_str());
        let interface = Some("org.bluez.GattCharacteristic1");
        self.connection
            .call_method(to, path, interface, method, body)
            .await
    }

    pub async fn write(&self, bytes: &[u8]) -> zbus::Result<()> {
        let mut options = self.options();
        options.insert("type", Variant::from("request"));
        self.call(&self.request, "WriteValue", &(bytes, options))
            .await
            .map(drop)
    }

    pub async fn read(&self) -> Vec<u8> {
        let answer = self
            .call(&self.response, "ReadValue", &(self.options()))
            .await
            .unwrap();
        answer.body().deserialize().unwrap()
    }

    /// Sends a message and reads its answer, page after page: its kind and the whole of it.
    pub async fn ask(&self, kind: Kind, id: u16, message: &[u8]) -> (u8, Vec<u8>) {
        for frame in Frame::cut(kind, id, message, usize::from(self.mtu) - 3) {
            self.write(&frame).await.unwrap();
        }
        self.answer(id).await
    }

    pub async fn answer(&self, id: u16) -> (u8, Vec<u8>) {
        let deadline = Instant::now() + DEADLINE;
        let mut answer = Vec::new();
        loop {
            let offset = u16::try_from(answer.len()).unwrap();
            let page = Frame {
                kind: Kind::Page,
                id,
                total: 0,
                offset,
                piece: &[],
            };
            self.write(&page.encode()).await.unwrap();
            let read = self.read().await;
            assert!(read.len() <= usize::from(self.mtu) - 3);
            assert!(Instant::now() < deadline, "no answer in time");
            if read[0] == 1 {
                sleep(Duration::from_millis(20)).await;
                continue;
            }
            answer.extend(&read[HEADER_BYTES..]);
            if answer.len() >= usize::from(u16::from_le_bytes([read[3], read[4]])) {
                return (read[0], answer);
            }
        }
    }
}

pub async fn wait_for(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "did not come to be so in time");
        sleep(Duration::from_millis(20)).await;
    }
}
