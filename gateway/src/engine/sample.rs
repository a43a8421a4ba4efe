//! Reading a device and keeping what came of it.

use super::meters::{Meter, NotRead};
use super::{Engine, Job, Next, Occurrence, SEND, timing};
use crate::backoff::Backoff;
use crate::buffer::{BufferError, Taken};
use crate::interval::{Accountant, Settings, State};
use crate::meter::Sample;
use crate::snapshot::DeviceState;
use schemas::id::DeviceId;
use std::sync::Arc;
use std::time::Duration;

/// Waits after a device was not read, on the clock. Short against an interval, so that a device that was away for
/// a moment still has its measured end.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};
/// A meter bounds the time of each call; this bounds all of them together, should it not, on the machine's clock.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a suspended device is looked at.
pub(super) const SUSPENDED: Duration = Duration::from_secs(30);
/// Accounts that made no reading are kept this often: a restart then knows the counter of a minute ago.
const KEEP: Duration = Duration::from_secs(60);

/// What a device needs to be read.
struct Ready {
    meter: Arc<dyn Meter>,
    accounts: Accountant,
    kept_at: Option<Duration>,
}

impl Engine {
    pub(super) async fn sample(&self, id: DeviceId) -> Next<Job> {
        let outcome = match self.ready(id).await {
            Ok(Some(ready)) => self.read(id, ready).await,
            // Removed meanwhile.
            Ok(None) => {
                return Next {
                    again: None,
                    wake: None,
                };
            }
            Err(suspended) => suspended,
        };
        let next =
            self.clock.wall() + chrono::TimeDelta::from_std(outcome.wait()).unwrap_or_default();
        if let Some(device) = self.devices().get_mut(&id) {
            device.next_at = Some(next);
        }
        outcome.0
    }

    /// Has the meter opened and the accounts at hand; `Err` says when to look again.
    async fn ready(&self, id: DeviceId) -> Result<Option<Ready>, Outcome> {
        let now = self.clock.wall();
        let (config, meter, accounts, kept_at) = {
            let mut devices = self.devices();
            let Some(device) = devices.get_mut(&id) else {
                return Ok(None);
            };
            if device.config.paused {
                device.suspended("it is paused by its configuration".to_owned(), now);
                return Err(Outcome::suspended());
            }
            (
                device.config.clone(),
                device.meter.clone(),
                device.accounts.clone(),
                device.kept_at,
            )
        };
        let meter = match meter {
            Some(meter) => meter,
            None => match self.meters.open(&config) {
                Ok(meter) => meter,
                Err(reason) => return Err(self.suspend(id, reason)),
            },
        };
        let accounts = match accounts {
            Some(accounts) => accounts,
            None => self.accounts(id, config.nameplate_w).await?,
        };
        if let Some(device) = self.devices().get_mut(&id) {
            device.meter = Some(Arc::clone(&meter));
            device.accounts = Some(accounts.clone());
            // One that could not be kept stays suspended until it can.
            if device.state != DeviceState::Suspended {
                device.begin(now);
            }
        }
        Ok(Some(Ready {
            meter,
            accounts,
            kept_at,
        }))
    }

    async fn accounts(&self, id: DeviceId, nameplate_w: i64) -> Result<Accountant, Outcome> {
        let kept = self.buffer.accounts(id).await;
        let kept = kept.map_err(|error| self.suspend(id, error.to_string()))?;
        let state = match kept.as_deref() {
            None | Some("") => State::default(),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                self.suspend(
                    id,
                    format!("its accounts in the buffer can not be read: {error}"),
                )
            })?,
        };
        let config = self.config();
        let mut settings = Settings::new(config.interval, Some(nameplate_w));
        settings.max_gap = chrono::TimeDelta::hours(i64::from(config.gap_limit_h));
        Ok(Accountant::new(settings, state))
    }

    async fn read(&self, id: DeviceId, ready: Ready) -> Outcome {
        let asked = tokio::time::timeout(PATIENCE, ready.meter.sample()).await;
        let sample = match asked {
            Ok(Ok(sample)) => sample,
            Ok(Err(NotRead {
                again_in: Some(wait),
                ..
            })) => return self.left_alone(id, wait),
            Ok(Err(not_read)) => {
                if let Some(cause) = not_read.cause
                    && let Some(device) = self.devices().get_mut(&id)
                    && let Some(accounts) = &mut device.accounts
                {
                    accounts.missed(cause);
                }
                return self.failed(id, not_read.reason);
            }
            Err(_) => return self.failed(id, "it does not answer".to_owned()),
        };
        self.keep(id, ready, sample).await
    }

    /// Makes what came of a sample durable, and only then counts it as taken.
    async fn keep(&self, id: DeviceId, ready: Ready, sample: Sample) -> Outcome {
        let mut accounts = ready.accounts;
        let readings = accounts.take(&sample, self.clock_check.state());
        let (finished, now) = (!readings.is_empty(), self.clock.monotonic());
        let old = ready
            .kept_at
            .is_none_or(|kept| now.saturating_sub(kept) >= KEEP);
        if finished || old {
            let kept = match serde_json::to_string(accounts.state()) {
                Ok(text) => {
                    let taken = Taken {
                        device: id,
                        meter: sample.identity.clone(),
                        profile: ready.meter.profile(),
                        readings,
                        accounts: text,
                    };
                    self.buffer.record(taken).await
                }
                Err(error) => Err(BufferError::Unreadable(error.to_string())),
            };
            if let Err(error) = kept {
                let reason = format!("{error}; its energy stays in the meter's counter");
                return self.suspend(id, reason);
            }
        }
        let wall = self.clock.wall();
        let (length, every) = {
            let config = self.config();
            (config.interval, config.sample_every())
        };
        let mut devices = self.devices();
        let Some(device) = devices.get_mut(&id) else {
            return Outcome::suspended();
        };
        if finished || old {
            device.kept_at = Some(now);
        }
        device.accounts = Some(accounts);
        device.begin(wall);
        device.sampled(&sample, wall);
        Outcome(Next {
            again: Some(timing::next(length, every, device.state, wall)),
            wake: finished.then_some((Job::Send, SEND)),
        })
    }

    fn failed(&self, id: DeviceId, reason: String) -> Outcome {
        let now = self.clock.wall();
        let mut devices = self.devices();
        let Some(device) = devices.get_mut(&id) else {
            return Outcome::suspended();
        };
        let failures = device.failed(reason, now);
        Outcome(Next::after(BACKOFF.wait(failures), device.state.priority()))
    }

    /// It was not asked: what was wrong with it is known already.
    fn left_alone(&self, id: DeviceId, wait: Duration) -> Outcome {
        let now = self.clock.wall();
        let mut devices = self.devices();
        let Some(device) = devices.get_mut(&id) else {
            return Outcome::suspended();
        };
        device.pass(Occurrence::Failed, now);
        Outcome(Next::after(
            wait.max(BACKOFF.first),
            device.state.priority(),
        ))
    }

    fn suspend(&self, id: DeviceId, reason: String) -> Outcome {
        let now = self.clock.wall();
        if let Some(device) = self.devices().get_mut(&id) {
            device.suspended(reason, now);
        }
        Outcome::suspended()
    }
}

/// What follows a look at a device.
struct Outcome(Next<Job>);

impl Outcome {
    fn suspended() -> Self {
        Self(Next::after(SUSPENDED, DeviceState::Suspended.priority()))
    }

    fn wait(&self) -> Duration {
        self.0.again.map_or(Duration::ZERO, |(wait, _)| wait)
    }
}
