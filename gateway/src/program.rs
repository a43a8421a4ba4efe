//! The gateway as a whole: opened, run until it is asked to stop, closed.

use crate::buffer::{self, Buffer, BufferError};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{self, Control};
use crate::engine::{ClockCheck, Engine, Meters, Parts};
use crate::enrolment::{Enrolment, EnrolmentError};
use crate::folder::Folder;
use crate::orders::{self, Desk};
use crate::snapshot::{Queue, Snapshot, Uplink as Report, UplinkState};
use crate::uplink::{ClientError, Registry, Uplink};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// The gateway can not begin.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The buffer.
    #[error(transparent)]
    Buffer(#[from] BufferError),
    /// The enrolment or its key.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The registry's address or certificates.
    #[error(transparent)]
    Registry(#[from] ClientError),
}

/// The world around a gateway.
pub struct Surroundings {
    /// The clock.
    pub clock: Clock,
    /// What is known of the wall clock.
    pub clock_check: Arc<dyn ClockCheck>,
    /// Where devices are found.
    pub meters: Arc<dyn Meters>,
}

/// A gateway that was opened.
pub struct Program {
    folder: Folder,
    buffer: Buffer,
    engine: Arc<Engine>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    control: Control,
    desk: JoinHandle<()>,
}

impl Program {
    /// Opens what is in `folder`. One that has not enrolled reads meters and keeps what it takes.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub async fn open(
        folder: Folder,
        config: Config,
        surroundings: Surroundings,
    ) -> Result<Self, ProgramError> {
        let dir = folder.path();
        let buffer = Buffer::open(&dir.join(buffer::FILE_NAME), config.disk_share())?;
        let Surroundings {
            clock,
            clock_check,
            meters,
        } = surroundings;
        let enrolment = Enrolment::load(dir)?;
        let uplink = match &enrolment {
            Some(enrolment) => Some(uplink(&folder, &config, enrolment, &buffer, &clock).await?),
            None => {
                tracing::warn!("this gateway has not enrolled: what it takes waits");
                None
            }
        };
        let (control, publish, orders) = control::channel(first(&config, &clock, &*clock_check));
        let snapshot = publish.subscribe();
        let engine = Engine::new(Parts {
            config,
            clock: clock.clone(),
            clock_check,
            meters: Arc::clone(&meters),
            buffer: buffer.clone(),
            uplink,
            publish,
        });
        let desk = Desk {
            dir: folder.path().to_owned(),
            engine: Arc::clone(&engine),
            meters,
            buffer: buffer.clone(),
            clock,
            changing: Mutex::default(),
        };
        if let Some(enrolment) = &enrolment {
            engine.set_identity(|snapshot| enrolment.identify(snapshot));
        }
        Ok(Self {
            folder,
            buffer,
            engine,
            snapshot,
            control,
            desk: tokio::spawn(orders::take(Arc::new(desk), orders)),
        })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What the gateway is at.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// For interfaces: to look at the gateway, and to have it do what little can be asked.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Works until `stop`. What is being done comes to its end, and everything is durable on return.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        self.engine.run(stop).await;
        let Self {
            folder,
            buffer,
            engine,
            desk,
            ..
        } = self;
        // Orders hold on to the buffer; none is begun that would change anything by halves.
        desk.abort();
        drop(desk.await);
        drop(engine);
        buffer.close().await;
        drop(folder);
    }
}

async fn uplink(
    folder: &Folder,
    config: &Config,
    enrolment: &Enrolment,
    buffer: &Buffer,
    clock: &Clock,
) -> Result<Uplink, ProgramError> {
    let signer = enrolment.signer(folder.path(), config)?;
    let registry = Registry::new(folder.path(), config)?;
    let (buffer, clock) = (buffer.clone(), clock.clone());
    Ok(Uplink::new(registry, enrolment.gateway_id, signer, buffer, clock).await?)
}

/// What is told before anything was done.
fn first(config: &Config, clock: &Clock, clock_check: &dyn ClockCheck) -> Snapshot {
    let now = clock.wall();
    Snapshot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: now,
        started_at: now,
        registry: config.registry.as_ref().map(ToString::to_string),
        gateway_id: None,
        key_id: None,
        clock: clock_check.state(),
        queue: Queue {
            limit_bytes: config.disk_share(),
            ..Queue::default()
        },
        uplink: Report {
            state: UplinkState::Stopped,
            ..Report::default()
        },
        devices: Vec::new(),
    }
}
