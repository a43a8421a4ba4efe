//! NetworkManager as far as joining a WiFi goes: two networks, of which one needs a passphrase.

use super::bus::Bus;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use zbus::{Connection, OwnedObjectPath, OwnedVariant, fdo, interface};

pub const PASSPHRASE: &str = "correct horse";
const ROOT: &str = "/org/freedesktop/NetworkManager";
/// `NM_ACTIVE_CONNECTION_STATE_…`.
const ACTIVATING: u32 = 1;
const ACTIVATED: u32 = 2;
const DEACTIVATED: u32 = 4;

#[derive(Default)]
pub struct State {
    pub scans: i64,
    /// Names of the networks that were joined, and whether they were let in.
    pub joined: Vec<(String, bool)>,
    pub deleted: usize,
    looks: u32,
}

type Shared = Arc<Mutex<State>>;
type Settings = HashMap<String, HashMap<String, OwnedVariant>>;

fn path(name: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(format!("{ROOT}/{name}")).unwrap()
}

struct Manager(Shared);

#[interface(name = "org.freedesktop.NetworkManager")]
impl Manager {
    fn get_devices(&self) -> Vec<OwnedObjectPath> {
        vec![path("Devices/1"), path("Devices/2")]
    }

    fn add_and_activate_connection(
        &self,
        settings: Settings,
        device: OwnedObjectPath,
        _specific: OwnedObjectPath,
    ) -> fdo::Result<(OwnedObjectPath, OwnedObjectPath)> {
        assert_eq!(device, path("Devices/2"));
        let ssid: Vec<u8> = settings["802-11-wireless"]["ssid"]
            .try_clone()
            .unwrap()
            .try_into()
            .unwrap();
        let text = |name: &str| {
            let security = settings.get("802-11-wireless-security")?;
            String::try_from(security.get(name)?.try_clone().unwrap()).ok()
        };
        let is_let_in = text("psk")
            .is_none_or(|psk| psk == PASSPHRASE && text("key-mgmt").as_deref() == Some("wpa-psk"));
        let mut state = self.0.lock().unwrap();
        state.looks = 0;
        state
            .joined
            .push((String::from_utf8(ssid).unwrap(), is_let_in));
        Ok((path("Settings/1"), path("ActiveConnection/1")))
    }
}

struct Device(u32);

#[interface(name = "org.freedesktop.NetworkManager.Device")]
impl Device {
    #[zbus(property)]
    fn device_type(&self) -> u32 {
        self.0
    }
}

struct Wireless(Shared);

#[interface(name = "org.freedesktop.NetworkManager.Device.Wireless")]
impl Wireless {
    fn request_scan(&self, _options: HashMap<String, OwnedVariant>) {
        self.0.lock().unwrap().scans += 1;
    }

    fn get_all_access_points(&self) -> Vec<OwnedObjectPath> {
        (1..=4)
            .map(|index| path(&format!("AccessPoint/{index}")))
            .collect()
    }

    #[zbus(property)]
    fn last_scan(&self) -> i64 {
        self.0.lock().unwrap().scans
    }

    #[zbus(property)]
    fn active_access_point(&self) -> OwnedObjectPath {
        path("AccessPoint/1")
    }
}

struct AccessPoint {
    ssid: &'static str,
    strength: u8,
    protected: bool,
}

#[interface(name = "org.freedesktop.NetworkManager.AccessPoint")]
impl AccessPoint {
    #[zbus(property)]
    fn ssid(&self) -> Vec<u8> {
        self.ssid.as_bytes().to_vec()
    }

    #[zbus(property)]
    fn strength(&self) -> u8 {
        self.strength
    }

    #[zbus(property)]
    fn flags(&self) -> u32 {
        u32::from(self.protected)
    }

    #[zbus(property)]
    fn wpa_flags(&self) -> u32 {
        0
    }

    #[zbus(property)]
    fn rsn_flags(&self) -> u32 {
        if self.protected { 0x100 } else { 0 }
    }
}

struct Active(Shared);

#[interface(name = "org.freedesktop.NetworkManager.Connection.Active")]
impl Active {
    #[zbus(property)]
    fn state(&self) -> u32 {
        let mut state = self.0.lock().unwrap();
        state.looks += 1;
        match state.joined.last() {
            _ if state.looks < 2 => ACTIVATING,
            Some((_, true)) => ACTIVATED,
            _ => DEACTIVATED,
        }
    }
}

struct Kept(Shared);

#[interface(name = "org.freedesktop.NetworkManager.Settings.Connection")]
impl Kept {
    fn delete(&self) {
        self.0.lock().unwrap().deleted += 1;
    }
}

/// The mock.
pub struct NetworkManager {
    _connection: Connection,
    state: Shared,
}

impl NetworkManager {
    pub async fn start(bus: &Bus) -> Self {
        let state = Shared::default();
        let mut builder = bus
            .builder()
            .serve_at(ROOT, Manager(state.clone()))
            .serve_at(path("Devices/1"), Device(1))
            .serve_at(path("Devices/2"), Device(2))
            .serve_at(path("Devices/2"), Wireless(state.clone()))
            .serve_at(path("ActiveConnection/1"), Active(state.clone()))
            .serve_at(path("Settings/1"), Kept(state.clone()));
        // The same network twice, and one that hides its name.
        for (index, (ssid, strength, protected)) in [
            ("home", 40, true),
            ("cafe", 60, false),
            ("home", 80, true),
            ("", 90, true),
        ]
        .into_iter()
        .enumerate()
        {
            let access_point = AccessPoint {
                ssid,
                strength,
                protected,
            };
            builder = builder.serve_at(path(&format!("AccessPoint/{}", index + 1)), access_point);
        }
        let connection = builder
            .name("org.freedesktop.NetworkManager")
            .build()
            .await
            .unwrap();
        Self {
            _connection: connection,
            state,
        }
    }

    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
