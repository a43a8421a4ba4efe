//! Bringing what was taken to the registry.
//!
//! [`Uplink::send`] is one turn: it sends batch after batch until nothing is left or the registry can not
//! take more, and says when the next turn is due. It never holds up the reading of meters. A batch is what was
//! sealed and not acknowledged; only when there is nothing left of that, waiting readings are sealed, as many as
//! fit a batch. So there is an envelope per interval while the registry answers, and hundreds of readings per
//! signature after it was away.
//!
//! An envelope that the registry refuses for a reason that sending it again may not change holds up its device, not
//! the others: later envelopes name it in their chain and would be refused as well. Readings go on to be
//! taken and wait. It is tried again every [`HOLD`], since a person may have settled the reason (added the device
//! to the gateway, say); what does not settle by that, settles by enrolling anew, which goes on where the
//! registry's chain ends. Nothing that was refused is dropped.

mod client;
mod reason;
mod retry_after;
mod sealer;
mod verdict;

pub use client::{ClientError, Registry, pack};
pub use sealer::seal;
pub use verdict::Verdict;

use crate::backoff::Backoff;
use crate::buffer::{Buffer, BufferError, Hold, Outgoing};
use crate::clock::Clock;
use crate::signer::{Signer, SignerError};
use crate::snapshot::{Uplink as Report, UplinkState};
use chrono::TimeDelta;
use reqwest::StatusCode;
use schemas::gateway::limit::{MAX_BATCH_BYTES, MAX_ENVELOPES};
use schemas::id::{DeviceId, GatewayId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Readings sealed for one batch at most.
pub const BATCH_READINGS: usize = 5_000;
/// Bytes of envelopes in one batch at most, before packing: a small part of what the registry takes, so that an
/// answer comes within seconds over a slow line.
pub const BATCH_BYTES: usize = MAX_BATCH_BYTES / 8;
/// How long a device whose envelope was refused is left alone, unless the registry says.
pub const HOLD: Duration = Duration::from_secs(15 * 60);
/// Waits while the registry does not answer.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};
/// Waits while it refuses whole requests, which time alone hardly changes.
const REFUSED: Backoff = Backoff {
    first: Duration::from_secs(10),
    longest: Duration::from_secs(600),
};

/// What became of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is left to send, or only of devices that are held until then.
    Idle(Option<Duration>),
    /// It failed; the next turn is due after this.
    Wait(Duration),
    /// The key is not taken any more; there is no next turn.
    Stopped,
}

/// A turn failed here, not at the registry.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Buffer(#[from] BufferError),
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error(transparent)]
    Registry(#[from] ClientError),
    #[error("work in the background was broken off")]
    Background,
}

/// How much goes into a batch; less after the registry has said that it was too much.
#[derive(Debug, Clone, Copy)]
struct Size {
    envelopes: usize,
    bytes: usize,
}

const WHOLE: Size = Size {
    envelopes: MAX_ENVELOPES,
    bytes: BATCH_BYTES,
};

#[derive(Debug)]
struct State {
    report: Report,
    failures: u32,
    size: Size,
    /// The device served last, so that each has its turn.
    after: Option<DeviceId>,
    /// Until when, on the monotonic clock, a device is left alone.
    held: HashMap<DeviceId, Duration>,
    /// What was last sent again because the registry asked for it.
    resent: HashMap<DeviceId, i64>,
}

/// Brings what the buffer holds to the registry.
pub struct Uplink {
    registry: Registry,
    gateway: GatewayId,
    signer: Mutex<Arc<dyn Signer>>,
    buffer: Buffer,
    clock: Clock,
    state: Mutex<State>,
}

impl Uplink {
    /// An uplink that has sent nothing yet.
    ///
    /// # Errors
    /// When the buffer fails.
    pub async fn new(
        registry: Registry,
        gateway: GatewayId,
        signer: Arc<dyn Signer>,
        buffer: Buffer,
        clock: Clock,
    ) -> Result<Self, BufferError> {
        // What was held is tried once at the start, and lifted if it goes through.
        let streams = buffer.streams().await?.into_iter();
        let held = streams
            .filter(|stream| stream.hold.is_some())
            .map(|stream| (stream.device, Duration::ZERO));
        Ok(Self {
            registry,
            gateway,
            signer: Mutex::new(signer),
            buffer,
            clock,
            state: Mutex::new(State {
                report: Report::default(),
                failures: 0,
                size: WHOLE,
                after: None,
                held: held.collect(),
                resent: HashMap::new(),
            }),
        })
    }

    /// Signs with this key from here on: the registry has it.
    pub fn set_signer(&self, signer: Arc<dyn Signer>) {
        *self.signer.lock().unwrap_or_else(PoisonError::into_inner) = signer;
    }

    fn signer(&self) -> Arc<dyn Signer> {
        let signer = self.signer.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&signer)
    }

    /// What it is at, for people.
    #[must_use]
    pub fn report(&self) -> Report {
        self.state().report.clone()
    }

    /// Sends until nothing is left or the registry can not take more. One turn at a time.
    pub async fn send(&self) -> Turn {
        loop {
            match self.batch().await {
                Ok(Some(Turn::Stopped)) => return Turn::Stopped,
                Ok(Some(turn)) => {
                    self.state().report.state = UplinkState::Idle;
                    return turn;
                }
                Ok(None) => {}
                Err(error) => {
                    if let Some(turn) = self.failed(&error) {
                        return turn;
                    }
                }
            }
        }
    }

    /// Sends one batch; `None` if there may be another.
    async fn batch(&self) -> Result<Option<Turn>, TurnError> {
        if self.state().report.state == UplinkState::Stopped {
            return Ok(Some(Turn::Stopped));
        }
        let (except, next) = self.held();
        let Size { envelopes, bytes } = self.state().size;
        let outgoing = |except: Vec<DeviceId>| self.buffer.outgoing(except, envelopes, bytes);
        let mut batch = outgoing(except.clone()).await?;
        if batch.is_empty() && self.seal(except.clone()).await? {
            batch = outgoing(except).await?;
        }
        if batch.is_empty() {
            return Ok(Some(Turn::Idle(next)));
        }
        self.state().report.state = UplinkState::Sending;
        let texts: Vec<_> = batch.iter().map(|one| one.compact.clone()).collect();
        let packed = background(move || pack(texts)).await?;
        let packed = packed.map_err(|error| ClientError::Setup(error.to_string()))?;
        let length = u64::try_from(packed.len()).unwrap_or(u64::MAX);
        self.state().report.bytes_sent += length;
        let answer = self.registry.submit(packed, self.clock.wall()).await?;
        let verdicts = verdict::read(&batch, &answer.receipts, self.signer().key_id());
        if verdicts.is_empty() {
            let nothing = "no receipt for any envelope".to_owned();
            return Err(ClientError::Nonsense(nothing).into());
        }
        for receipt in answer
            .receipts
            .iter()
            .filter(|one| !one.refused_readings.is_empty())
        {
            tracing::warn!(
                device_id = ?receipt.device_id,
                sequence = ?receipt.sequence,
                refused = ?receipt.refused_readings,
                "the registry has the envelope, but counts some of its readings nowhere"
            );
        }
        self.settle(&batch, verdicts).await
    }

    /// Seals waiting readings for one batch; whether there were any.
    async fn seal(&self, except: Vec<DeviceId>) -> Result<bool, TurnError> {
        let after = self.state().after;
        let runs = self.buffer.unsealed(after, except, BATCH_READINGS).await?;
        let Some(last) = runs.last() else {
            return Ok(false);
        };
        self.state().after = Some(last.device);
        let (signer, gateway, now) = (self.signer(), self.gateway, self.clock.wall());
        let sealed = background(move || seal(&*signer, gateway, now, runs)).await??;
        self.buffer.seal(sealed).await?;
        Ok(true)
    }

    async fn settle(
        &self,
        batch: &[Outgoing],
        verdicts: Vec<Verdict>,
    ) -> Result<Option<Turn>, TurnError> {
        let mut done = Vec::new();
        for verdict in &verdicts {
            if let Verdict::Done { device, sequence } = *verdict {
                done.push((device, sequence));
            }
        }
        self.accepted(batch, &done).await?;
        let mut stopped = None;
        for verdict in verdicts {
            match verdict {
                Verdict::Done { .. } => {}
                Verdict::Resend { device, expected } => self.resend(device, expected).await?,
                Verdict::Anew { device, sequence } => self.buffer.unseal(device, sequence).await?,
                Verdict::Hold {
                    device,
                    sequence,
                    code,
                    detail,
                    wait,
                } => {
                    let hold = Hold {
                        code,
                        detail,
                        sequence,
                        since: self.clock.wall(),
                    };
                    self.hold(device, hold, wait).await?;
                }
                Verdict::Stop { code, detail } => stopped = Some((code, detail)),
            }
        }
        Ok(stopped.map(|(code, detail)| self.stop(&code, &detail)))
    }

    /// The registry has these.
    async fn accepted(
        &self,
        batch: &[Outgoing],
        done: &[(DeviceId, i64)],
    ) -> Result<(), TurnError> {
        let now = self.clock.wall();
        self.buffer.acknowledge(done.to_vec(), now).await?;
        let lifted: Vec<_> = {
            let mut state = self.state();
            state.failures = 0;
            if !done.is_empty() {
                state.report.last_accepted_at = Some(now);
                state.report.last_error = None;
            }
            state.report.next_attempt_at = None;
            let readings = batch
                .iter()
                .filter(|one| done.contains(&(one.device, one.sequence)));
            state.report.readings_accepted += readings.map(|one| one.readings).sum::<u64>();
            let served = done.iter().map(|(device, _)| *device);
            served
                .filter(|device| {
                    state.resent.remove(device);
                    state.held.remove(device).is_some()
                })
                .collect()
        };
        for device in lifted {
            self.buffer.hold(device, None).await?;
        }
        Ok(())
    }

    async fn resend(&self, device: DeviceId, expected: i64) -> Result<(), TurnError> {
        // The same again without any of them having been taken: that leads nowhere.
        let again = self.state().resent.insert(device, expected) == Some(expected);
        let gone = match self.buffer.resend(device, expected).await {
            Ok(()) if !again => return Ok(()),
            Ok(()) => None,
            Err(error @ BufferError::Gone { .. }) => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let hold = Hold {
            code: "sequence_gap".to_owned(),
            detail: gone.unwrap_or_else(|| {
                format!("the registry asks for envelope {expected} and does not take it")
            }),
            sequence: expected,
            since: self.clock.wall(),
        };
        self.hold(device, hold, None).await
    }

    async fn hold(
        &self,
        device: DeviceId,
        hold: Hold,
        wait: Option<Duration>,
    ) -> Result<(), TurnError> {
        tracing::warn!(
            device_id = device.0,
            sequence = hold.sequence,
            code = hold.code,
            detail = hold.detail,
            "the registry refuses an envelope; nothing more of the device is sent for now"
        );
        let wait = wait.unwrap_or(HOLD).min(retry_after::LONGEST);
        let until = self.clock.monotonic() + self.clock.of_machine(wait);
        {
            let mut state = self.state();
            state.held.insert(device, until);
            state.report.envelopes_refused += 1;
        }
        Ok(self.buffer.hold(device, Some(hold)).await?)
    }

    fn stop(&self, code: &str, detail: &str) -> Turn {
        tracing::error!(
            code,
            detail,
            "the registry no longer takes this gateway's key; meters are read on, nothing is sent \
             before it has enrolled anew"
        );
        let mut state = self.state();
        state.report.state = UplinkState::Stopped;
        state.report.last_error = Some(format!("{code}: {detail}"));
        state.report.next_attempt_at = None;
        Turn::Stopped
    }

    /// Devices that are left alone, and when the first of them no longer is.
    fn held(&self) -> (Vec<DeviceId>, Option<Duration>) {
        let now = self.clock.monotonic();
        let state = self.state();
        let mut held = Vec::new();
        let mut next: Option<Duration> = None;
        for (device, until) in &state.held {
            if *until > now {
                held.push(*device);
                next = Some(next.map_or(*until - now, |before| before.min(*until - now)));
            }
        }
        (held, next)
    }

    /// Notes a failure; `None` if a smaller batch may go at once.
    fn failed(&self, error: &TurnError) -> Option<Turn> {
        let mut state = self.state();
        let mut backoff = BACKOFF;
        let mut asked = None;
        if let TurnError::Registry(ClientError::Status {
            status,
            retry_after,
            ..
        }) = error
        {
            asked = *retry_after;
            match *status {
                StatusCode::PAYLOAD_TOO_LARGE if state.size.envelopes > 1 => {
                    state.size.envelopes /= 2;
                    state.size.bytes /= 2;
                    return None;
                }
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {}
                status if status.is_server_error() => {}
                _ => backoff = REFUSED,
            }
        }
        state.failures = state.failures.saturating_add(1);
        let own = backoff.wait(state.failures);
        let wait = asked.map_or(own, |asked| asked.max(Duration::from_secs(1)));
        // Told once, and then whenever it is another reason.
        let text = error.to_string();
        if state.report.last_error.as_ref() != Some(&text) {
            tracing::warn!(error = text, retry_in_s = wait.as_secs(), "readings wait");
        }
        state.report.last_error = Some(text);
        state.report.state = UplinkState::Waiting;
        // The registry's time, and the network's, is the machine's, at whatever pace the clock goes.
        let wait = self.clock.of_machine(wait);
        state.report.next_attempt_at = TimeDelta::from_std(wait)
            .ok()
            .map(|wait| self.clock.wall() + wait);
        Some(Turn::Wait(wait))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what takes a while beside the tasks.
async fn background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TurnError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| TurnError::Background)
}

#[cfg(test)]
mod tests;
