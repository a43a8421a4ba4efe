//! WiFi through NetworkManager's D-Bus interface (NetworkManager D-Bus API 1.42).

use super::operation::{Refusal, Wifi};
use crate::control::Secret;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, Variant, connection};

const SERVICE: &str = "org.freedesktop.NetworkManager";
const MANAGER_PATH: &str = "/org/freedesktop/NetworkManager";
const DEVICE: &str = "org.freedesktop.NetworkManager.Device";
const WIRELESS: &str = "org.freedesktop.NetworkManager.Device.Wireless";
const ACCESS_POINT: &str = "org.freedesktop.NetworkManager.AccessPoint";
const ACTIVE: &str = "org.freedesktop.NetworkManager.Connection.Active";
const SETTINGS: &str = "org.freedesktop.NetworkManager.Settings.Connection";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// `NM_DEVICE_TYPE_WIFI`.
const WIFI: u32 = 2;
/// `NM_802_11_AP_FLAGS_PRIVACY`.
const PRIVACY: u32 = 0x1;
/// `NM_802_11_AP_SEC_KEY_MGMT_PSK` and `…_SAE`.
const PSK: u32 = 0x100;
const SAE: u32 = 0x400;
/// `NM_ACTIVE_CONNECTION_STATE_ACTIVATED` and `…_DEACTIVATED`.
const ACTIVATED: u32 = 2;
const DEACTIVATED: u32 = 4;

/// For one call.
const CALL: Duration = Duration::from_secs(10);
/// For a scan: radios take 3 to 10 s for all channels.
const SCAN: Duration = Duration::from_secs(12);
/// To join a network and get an address.
const JOIN: Duration = Duration::from_secs(45);
/// Between looks.
const LOOK: Duration = Duration::from_millis(250);
/// Networks shown at most, the strongest.
pub const MAX_NETWORKS: usize = 60;

/// NetworkManager.
#[derive(Debug, Clone)]
pub struct Network(Connection);

type Properties = HashMap<String, OwnedVariant>;

/// Why NetworkManager did not do it. Its own messages may repeat what it was given, and are not shown.
fn failed(what: &'static str) -> impl Fn(zbus::Error) -> Refusal {
    move |error| {
        let name = match error {
            zbus::Error::MethodError(name, _, _) => format!(" ({name})"),
            _ => String::new(),
        };
        Refusal::new(
            "wifi_failed",
            format!("NetworkManager could not {what}{name}"),
        )
    }
}

impl Network {
    /// Connects to the system bus.
    ///
    /// # Errors
    /// If there is none.
    pub async fn connect() -> zbus::Result<Self> {
        let bus = connection::Builder::system().method_timeout(CALL);
        bus.build().await.map(Self)
    }

    async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let to = Some(SERVICE);
        self.0
            .call_method(to, path, Some(interface), method, body)
            .await
    }

    async fn properties(&self, path: &str, interface: &str) -> zbus::Result<Properties> {
        let answer = self.call(path, PROPERTIES, "GetAll", &(interface)).await?;
        answer.body().deserialize()
    }

    /// The first WiFi device.
    async fn device(&self) -> Result<OwnedObjectPath, Refusal> {
        let failed = failed("be asked for its devices");
        let answer = self.call(MANAGER_PATH, SERVICE, "GetDevices", &()).await;
        let answer = answer.map_err(&failed)?;
        let devices: Vec<OwnedObjectPath> = answer.body().deserialize().map_err(&failed)?;
        for device in devices {
            let properties = self.properties(&device, DEVICE).await.map_err(&failed)?;
            if number(&properties, "DeviceType") == Some(WIFI) {
                return Ok(device);
            }
        }
        Err(Refusal::new("no_wifi", "this gateway has no WiFi"))
    }

    /// The networks in reach after a scan, the strongest first, one entry for each name.
    ///
    /// # Errors
    /// If there is no WiFi or NetworkManager does not answer.
    pub async fn scan(&self) -> Result<Vec<Wifi>, Refusal> {
        let failed = failed("scan");
        let device = self.device().await?;
        let last_scan = |properties: &Properties| {
            properties
                .get("LastScan")
                .and_then(|at| at.downcast_ref::<i64>().ok())
        };
        let before = self.properties(&device, WIRELESS).await.map_err(&failed)?;
        let options: HashMap<&str, Variant<'_>> = HashMap::new();
        // It refuses while it scans by itself; what that finds will do.
        let asked = self
            .call(&device, WIRELESS, "RequestScan", &(options))
            .await
            .is_ok();
        let deadline = Instant::now() + SCAN;
        while asked && Instant::now() < deadline {
            let now = self.properties(&device, WIRELESS).await.map_err(&failed)?;
            if last_scan(&now) != last_scan(&before) {
                break;
            }
            sleep(LOOK).await;
        }
        Ok(self
            .networks(&device)
            .await?
            .into_iter()
            .map(|found| found.wifi)
            .collect())
    }

    async fn networks(&self, device: &OwnedObjectPath) -> Result<Vec<Found>, Refusal> {
        let failed = failed("list the networks in reach");
        let wireless = self.properties(device, WIRELESS).await.map_err(&failed)?;
        let active = wireless
            .get("ActiveAccessPoint")
            .and_then(|path| path.downcast_ref::<zbus::ObjectPath<'_>>().ok())
            .map(|path| path.as_str().to_owned());
        let answer = self.call(device, WIRELESS, "GetAllAccessPoints", &()).await;
        let answer = answer.map_err(&failed)?;
        let paths: Vec<OwnedObjectPath> = answer.body().deserialize().map_err(&failed)?;
        let mut networks: Vec<Found> = Vec::new();
        for path in paths {
            // One that has gone out of reach meanwhile.
            let Ok(properties) = self.properties(&path, ACCESS_POINT).await else {
                continue;
            };
            let connected = active.as_deref() == Some(path.as_str());
            let Some(found) = Found::read(path, &properties, connected) else {
                continue;
            };
            match networks
                .iter_mut()
                .find(|known| known.wifi.ssid == found.wifi.ssid)
            {
                Some(known) => {
                    let connected = known.wifi.connected || found.wifi.connected;
                    if found.wifi.strength > known.wifi.strength {
                        *known = found;
                    }
                    known.wifi.connected = connected;
                }
                None => networks.push(found),
            }
        }
        networks.sort_by_key(|found| std::cmp::Reverse(found.wifi.strength));
        networks.truncate(MAX_NETWORKS);
        Ok(networks)
    }

    /// Joins a network and keeps it for the next start; returns when it has an address.
    ///
    /// # Errors
    /// If it is not in reach, or did not let this gateway in. Nothing is kept then.
    pub async fn join(&self, ssid: &str, passphrase: Option<&Secret>) -> Result<(), Refusal> {
        let device = self.device().await?;
        let networks = self.networks(&device).await?;
        let Some(found) = networks.into_iter().find(|found| found.wifi.ssid == ssid) else {
            return Err(Refusal::new(
                "wifi_not_found",
                "no network of that name is in reach",
            ));
        };
        if found.wifi.protected != passphrase.is_some() {
            let detail = if found.wifi.protected {
                "the network needs a passphrase"
            } else {
                "the network is open and takes no passphrase"
            };
            return Err(Refusal::new("wifi_passphrase", detail));
        }
        let mut settings: HashMap<&str, HashMap<&str, Variant<'_>>> = HashMap::from([
            (
                "connection",
                HashMap::from([
                    ("type", Variant::from("802-11-wireless")),
                    ("id", Variant::from(ssid)),
                    ("autoconnect", Variant::from(true)),
                ]),
            ),
            (
                "802-11-wireless",
                HashMap::from([("ssid", Variant::from(ssid.as_bytes()))]),
            ),
            ("ipv4", HashMap::from([("method", Variant::from("auto"))])),
            ("ipv6", HashMap::from([("method", Variant::from("auto"))])),
        ]);
        if let Some(passphrase) = passphrase {
            let security = HashMap::from([
                (
                    "key-mgmt",
                    Variant::from(if found.sae_only { "sae" } else { "wpa-psk" }),
                ),
                ("psk", Variant::from(passphrase.reveal())),
            ]);
            settings.insert("802-11-wireless-security", security);
        }
        let failed = failed("join the network");
        let answer = self
            .call(
                MANAGER_PATH,
                SERVICE,
                "AddAndActivateConnection",
                &(settings, &device, &found.path),
            )
            .await
            .map_err(&failed)?;
        let (kept, active): (OwnedObjectPath, OwnedObjectPath) =
            answer.body().deserialize().map_err(&failed)?;
        let joined = timeout_at(Instant::now() + JOIN, self.joined(&active)).await;
        if joined.unwrap_or(false) {
            return Ok(());
        }
        if let Err(error) = self.call(&kept, SETTINGS, "Delete", &()).await {
            tracing::warn!(%error, "a network that could not be joined is still configured");
        }
        Err(Refusal::new(
            "wifi_failed",
            "the network did not let this gateway in; is the passphrase right?",
        ))
    }

    /// Whether it comes up, as soon as that is known.
    async fn joined(&self, active: &OwnedObjectPath) -> bool {
        loop {
            // The object is gone as soon as it has failed.
            let Ok(properties) = self.properties(active, ACTIVE).await else {
                return false;
            };
            match number(&properties, "State") {
                Some(ACTIVATED) => return true,
                Some(DEACTIVATED) | None => return false,
                Some(_) => sleep(LOOK).await,
            }
        }
    }
}

struct Found {
    path: OwnedObjectPath,
    wifi: Wifi,
    /// WPA3 without the older way.
    sae_only: bool,
}

impl Found {
    /// `None` for networks that hide their name or have one that is no text.
    fn read(path: OwnedObjectPath, properties: &Properties, connected: bool) -> Option<Self> {
        let ssid: Vec<u8> = properties.get("Ssid")?.try_clone().ok()?.try_into().ok()?;
        let ssid = String::from_utf8(ssid)
            .ok()
            .filter(|ssid| !ssid.is_empty())?;
        let flags = number(properties, "Flags").unwrap_or_default();
        let security = number(properties, "WpaFlags").unwrap_or_default()
            | number(properties, "RsnFlags").unwrap_or_default();
        let strength = properties.get("Strength")?.downcast_ref::<u8>().ok()?;
        Some(Self {
            path,
            wifi: Wifi {
                ssid,
                strength,
                protected: flags & PRIVACY != 0 || security != 0,
                connected,
            },
            sae_only: security & SAE != 0 && security & PSK == 0,
        })
    }
}

fn number(properties: &Properties, name: &str) -> Option<u32> {
    properties.get(name)?.downcast_ref::<u32>().ok()
}
