//! The GATT service at BlueZ. Thin: frames go to the pure [`Service`], operations to the [`Host`].

use super::frame::{FrameError, MAX_FRAME_BYTES};
use super::host::Host;
use super::operation::{Answer, Refusal};
use super::service::{Job, Peer, Service};
use super::session::Trust;
use bluer::adv::{Advertisement, AdvertisementHandle};
use bluer::agent::{Agent, AgentHandle};
use bluer::gatt::local::{
    Application, ApplicationHandle, Characteristic, CharacteristicNotifier, CharacteristicNotify,
    CharacteristicNotifyMethod, CharacteristicRead, CharacteristicReadRequest, CharacteristicWrite,
    CharacteristicWriteMethod, CharacteristicWriteRequest, ReqError, Service as GattService,
};
use bluer::{Adapter, Session};
use futures_util::FutureExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// The service.
pub const SERVICE: Uuid = Uuid::from_u128(0x5b1f_6d0c_2f0e_4c59_9a58_6f3e_84c1_0001);
/// Frames are written here.
pub const REQUEST: Uuid = Uuid::from_u128(0x5b1f_6d0c_2f0e_4c59_9a58_6f3e_84c1_0002);
/// Frames are read here; a notification without a piece says that there is something to read.
pub const RESPONSE: Uuid = Uuid::from_u128(0x5b1f_6d0c_2f0e_4c59_9a58_6f3e_84c1_0003);

/// Operations carried out at a time, all phones together.
const CONCURRENT: usize = 2;
/// To begin: BlueZ answers within moments or not at all.
const BEGIN: Duration = Duration::from_secs(15);
/// Space of an attribute that a notification leaves for its header (Bluetooth Core 5.4, volume 3, part F, 3.4.7.1).
const ATT_HEADER_BYTES: u16 = 3;

/// Why Bluetooth can not be used.
#[derive(Debug, thiserror::Error)]
pub enum BluetoothError {
    /// No adapter, no BlueZ, or it refuses.
    #[error("Bluetooth can not be used: {0}")]
    Bluez(#[from] bluer::Error),
    /// BlueZ does not answer.
    #[error("Bluetooth can not be used: BlueZ does not answer")]
    Silent,
}

/// The service while it is offered; it ends when this is dropped.
#[must_use]
pub struct Offer {
    _application: ApplicationHandle,
    _advertisement: AdvertisementHandle,
    _agent: AgentHandle,
    _session: Session,
    adapter: Adapter,
}

struct Shared {
    service: Mutex<Service>,
    host: Host,
    start: Instant,
    working: Arc<Semaphore>,
    /// Counts answers, so that whoever is notified looks again.
    answered: watch::Sender<u64>,
}

impl Offer {
    /// Offers the service under `name` (at most 8 characters are seen by every phone).
    ///
    /// # Errors
    /// If BlueZ is not there or has no adapter.
    pub async fn begin(name: String, trust: Trust, host: Host) -> Result<Self, BluetoothError> {
        let begun = timeout(BEGIN, begin(name, trust, host)).await;
        begun.map_err(|_| BluetoothError::Silent)?
    }

    /// Whether BlueZ still has it: a restart of BlueZ takes all services away.
    pub async fn is_alive(&self) -> bool {
        matches!(
            timeout(BEGIN, self.adapter.is_powered()).await,
            Ok(Ok(true))
        )
    }

    /// Name of the adapter.
    #[must_use]
    pub fn adapter(&self) -> &str {
        self.adapter.name()
    }
}

async fn begin(name: String, trust: Trust, host: Host) -> Result<Offer, BluetoothError> {
    let session = Session::new().await?;
    let adapter = session.default_adapter().await?;
    adapter.set_powered(true).await?;
    let is_pairing = trust == Trust::Pairing;
    let shared = Arc::new(Shared {
        service: Mutex::new(Service::new(trust)),
        host,
        start: Instant::now(),
        working: Arc::new(Semaphore::new(CONCURRENT)),
        answered: watch::Sender::new(0),
    });
    let agent = session.register_agent(agent(is_pairing)).await?;
    let application = adapter
        .serve_gatt_application(application(&shared, is_pairing))
        .await?;
    let advertisement = adapter
        .advertise(Advertisement {
            service_uuids: [SERVICE].into(),
            local_name: Some(name),
            discoverable: Some(true),
            ..Advertisement::default()
        })
        .await?;
    Ok(Offer {
        _application: application,
        _advertisement: advertisement,
        _agent: agent,
        _session: session,
        adapter,
    })
}

/// With the key, a phone pairs without asking anybody (the link is encrypted then, and the key says who it is). Without
/// one, the number that the phone has to enter is shown in this gateway's log: whoever can read it may ask.
fn agent(is_pairing: bool) -> Agent {
    if !is_pairing {
        return Agent {
            request_default: true,
            ..Agent::default()
        };
    }
    Agent {
        request_default: true,
        display_passkey: Some(Box::new(|request| {
            async move {
                println!("Bluetooth: enter {:06} on the phone", request.passkey);
                Ok(())
            }
            .boxed()
        })),
        ..Agent::default()
    }
}

fn application(shared: &Arc<Shared>, is_pairing: bool) -> Application {
    let (writes, reads, notifies) = (shared.clone(), shared.clone(), shared.clone());
    let request = Characteristic {
        uuid: REQUEST,
        write: Some(CharacteristicWrite {
            write: true,
            encrypt_write: true,
            encrypt_authenticated_write: is_pairing,
            method: CharacteristicWriteMethod::Fun(Box::new(move |bytes, request| {
                let shared = writes.clone();
                async move { shared.write(&bytes, &request) }.boxed()
            })),
            ..CharacteristicWrite::default()
        }),
        ..Characteristic::default()
    };
    let response = Characteristic {
        uuid: RESPONSE,
        read: Some(CharacteristicRead {
            read: true,
            encrypt_read: true,
            encrypt_authenticated_read: is_pairing,
            fun: Box::new(move |request| {
                let shared = reads.clone();
                async move { shared.read(&request) }.boxed()
            }),
            ..CharacteristicRead::default()
        }),
        notify: Some(CharacteristicNotify {
            notify: true,
            method: CharacteristicNotifyMethod::Fun(Box::new(move |notifier| {
                let answered = notifies.answered.subscribe();
                async move {
                    tokio::spawn(notify(notifier, answered));
                }
                .boxed()
            })),
            ..CharacteristicNotify::default()
        }),
        ..Characteristic::default()
    };
    Application {
        services: vec![GattService {
            uuid: SERVICE,
            primary: true,
            characteristics: vec![request, response],
            ..GattService::default()
        }],
        ..Application::default()
    }
}

/// Says that there is something to read. The answer itself is read: a notification goes to every phone that listens.
async fn notify(mut notifier: CharacteristicNotifier, mut answered: watch::Receiver<u64>) {
    loop {
        tokio::select! {
            changed = answered.changed() => {
                if changed.is_err() || notifier.notify(super::frame::status(None)).await.is_err() {
                    return;
                }
            }
            () = notifier.stopped() => return,
        }
    }
}

impl Shared {
    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(
        self: &Arc<Self>,
        bytes: &[u8],
        request: &CharacteristicWriteRequest,
    ) -> Result<(), ReqError> {
        if request.offset != 0 {
            return Err(ReqError::InvalidOffset);
        }
        let peer: Peer = request.device_address.0;
        let now = self.start.elapsed();
        let taken = self.service().write(peer, bytes, now, rand::random());
        match taken {
            Ok(Some(job)) => {
                let Ok(working) = self.working.clone().try_acquire_owned() else {
                    let busy = Refusal::new("busy", "the gateway is busy; try again");
                    self.answer(&job, &Answer::Refused(busy));
                    return Ok(());
                };
                let shared = self.clone();
                tokio::spawn(async move {
                    let answer = shared.host.carry_out(job.operation.clone()).await;
                    drop(working);
                    shared.answer(&job, &answer);
                });
                Ok(())
            }
            Ok(None) => {
                self.answered.send_modify(|answered| *answered += 1);
                Ok(())
            }
            Err(FrameError::Short | FrameError::Long) => Err(ReqError::InvalidValueLength),
            Err(error) => {
                tracing::debug!(%error, "a frame was refused");
                Err(ReqError::Failed)
            }
        }
    }

    fn answer(&self, job: &Job, answer: &Answer) {
        self.service().finish(job, answer);
        self.answered.send_modify(|answered| *answered += 1);
    }

    fn read(&self, request: &CharacteristicReadRequest) -> Result<Vec<u8>, ReqError> {
        let frame_bytes = usize::from(request.mtu.saturating_sub(ATT_HEADER_BYTES));
        // A long read comes back for the rest of the same value.
        let frame_bytes = frame_bytes.clamp(20, MAX_FRAME_BYTES);
        let frame = self.service().read(request.device_address.0, frame_bytes);
        let rest = frame.get(usize::from(request.offset)..);
        rest.map(<[u8]>::to_vec).ok_or(ReqError::InvalidOffset)
    }
}
