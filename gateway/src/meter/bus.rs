//! A connection and the devices on it: one actor, which asks one device after another.

use super::backoff::Pause;
use super::device::{Device, Known, look};
use super::{MeterError, MeterHandle, Sample, Source};
use crate::clock::Clock;
use crate::transport::{Dial, Session};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for a connection; one more is [`MeterError::Busy`]. As many as one bus has units.
pub const MAX_WAITING: usize = 247;
/// Longest time that a line is listened to for late answers before it is used again.
const MAX_LATE: Duration = Duration::from_secs(1);

enum Order {
    Sample {
        meter: u64,
        device: Arc<Device>,
        answer: oneshot::Sender<Result<Sample, MeterError>>,
    },
    Forget(u64),
}

/// A connection. Its actor ends when the last of it and of its meters is dropped.
#[derive(Debug, Clone)]
pub struct Bus {
    orders: mpsc::Sender<Order>,
    next: Arc<AtomicU64>,
}

impl Bus {
    /// Starts the actor; connects when the first sample is asked for.
    pub fn start(dial: impl Dial + 'static, clock: Clock) -> Self {
        let (orders, received) = mpsc::channel(MAX_WAITING);
        let actor = Actor {
            dial: Box::new(dial),
            clock,
            session: None,
            late: None,
            connecting: Pause::default(),
            units: HashMap::new(),
            known: HashMap::new(),
        };
        tokio::spawn(actor.run(received));
        Self {
            orders,
            next: Arc::default(),
        }
    }

    /// Whether there is a device on the connection.
    #[must_use]
    pub fn is_used(&self) -> bool {
        // This one is the first.
        self.orders.strong_count() > 1
    }

    /// A device on the connection.
    #[must_use]
    pub fn meter(&self, device: Device) -> MeterHandle {
        MeterHandle::new(BusMeter {
            orders: self.orders.clone(),
            meter: self.next.fetch_add(1, Ordering::Relaxed),
            device: Arc::new(device),
        })
    }
}

#[derive(Debug)]
struct BusMeter {
    orders: mpsc::Sender<Order>,
    meter: u64,
    device: Arc<Device>,
}

impl Source for BusMeter {
    fn sample(&self) -> BoxFuture<'_, Result<Sample, MeterError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let order = Order::Sample {
                meter: self.meter,
                device: Arc::clone(&self.device),
                answer,
            };
            self.orders.try_send(order).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => MeterError::Busy,
                mpsc::error::TrySendError::Closed(_) => MeterError::Closed,
            })?;
            answered.await.unwrap_or(Err(MeterError::Closed))
        })
    }
}

impl Drop for BusMeter {
    fn drop(&mut self) {
        // A full queue only means that a little is remembered for nothing.
        let _ = self.orders.try_send(Order::Forget(self.meter));
    }
}

struct Actor {
    dial: Box<dyn Dial>,
    clock: Clock,
    session: Option<Session>,
    /// How long an answer to a request that was given up may still come.
    late: Option<Duration>,
    connecting: Pause,
    units: HashMap<u8, Pause>,
    known: HashMap<u64, Option<Known>>,
}

impl Actor {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Forget(meter) => drop(self.known.remove(&meter)),
                Order::Sample { answer, .. } if answer.is_closed() => {}
                Order::Sample {
                    meter,
                    device,
                    answer,
                } => {
                    let result = self.sample(meter, &device).await;
                    // Who asked may have gone meanwhile.
                    let _ = answer.send(result);
                }
            }
        }
    }

    async fn sample(&mut self, meter: u64, device: &Device) -> Result<Sample, MeterError> {
        let unit = device.unit();
        let now = self.clock.monotonic();
        if let Some(refusal) = self.units.get(&unit).and_then(|unit| unit.refusal(now)) {
            return Err(refusal);
        }
        let reused = self.session.as_ref().is_some_and(Session::is_used);
        let mut result = self.attempt(meter, device).await;
        // The other end may have closed a connection long since, which only a request shows.
        if reused
            && matches!(
                result,
                Err(MeterError::Read(crate::transport::ReadError::Broken { .. }))
            )
        {
            result = self.attempt(meter, device).await;
        }
        match &result {
            Err(MeterError::Read(error)) if error.is_silence() => {
                let (now, reason) = (self.clock.monotonic(), error.to_string());
                self.units.entry(unit).or_default().failed(now, reason);
            }
            Ok(_) => drop(self.units.remove(&unit)),
            Err(_) => {}
        }
        result
    }

    async fn attempt(&mut self, meter: u64, device: &Device) -> Result<Sample, MeterError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect(device).await?,
        };
        let known = self.known.entry(meter).or_default();
        let result = look(device, known, &mut session, &self.clock).await;
        match &result {
            Err(error) if is_fatal(error) => {
                // Not put back: closed here, and opened anew for the next request.
                drop(session);
                self.late = Some(device.limits().timeout().min(MAX_LATE));
                self.known.clear();
            }
            _ => self.session = Some(session),
        }
        result
    }

    async fn connect(&mut self, device: &Device) -> Result<Session, MeterError> {
        if let Some(refusal) = self.connecting.refusal(self.clock.monotonic()) {
            return Err(refusal);
        }
        match Session::open(&*self.dial, device.limits(), self.late).await {
            Ok(session) => {
                self.connecting.succeeded();
                self.late = None;
                Ok(session)
            }
            Err(error) => {
                let now = self.clock.monotonic();
                self.connecting.failed(now, error.to_string());
                Err(error.into())
            }
        }
    }
}

fn is_fatal(error: &MeterError) -> bool {
    match error {
        MeterError::Read(error) => error.is_fatal(),
        MeterError::SunSpec(error) => error.is_fatal(),
        _ => false,
    }
}
