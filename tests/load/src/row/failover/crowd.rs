//! Who works while something is killed: clients who move bundles to and fro at a steady rate, each action until it is
//! acknowledged.

use super::ms;
use super::steadfast::Steadfast;
use crate::http::post_once;
use crate::row::Bench;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients, each with a connection.
pub const CLIENTS: usize = 16;
/// Actions per second by all of them together: what leaves a machine of two cores free to catch up.
pub const PER_SECOND: u32 = 500;
/// Bundles of each.
const BUNDLES: usize = 64;

/// An action that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged {
    pub sent: Instant,
    pub answered: Instant,
    pub position: i64,
}

/// Moves each of its bundles from one account to the other, then all of them back, and so on.
struct Mover {
    name: usize,
    token: String,
    accounts: (i64, i64),
    bundles: Vec<i64>,
    moved: usize,
}

pub struct Crowd {
    movers: Vec<Mover>,
}

/// The crowd at work.
pub struct Work {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(Mover, Log)>>,
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub struct Log {
    acknowledged: Vec<Acknowledged>,
    /// Answers 503, and connections that were lost or not to be had.
    pub turned_away: u64,
}

impl Mover {
    /// The next transfer, which stays the same until it is acknowledged.
    fn request(&self) -> Vec<u8> {
        let (turns, index) = (
            self.moved / self.bundles.len(),
            self.moved % self.bundles.len(),
        );
        let (one, other) = self.accounts;
        let (source, target) = if turns % 2 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        let body = format!(
            r#"{{"source_id":{source},"target_id":{target},"granular_certificate_bundle_ids":[{}]}}"#,
            self.bundles[index]
        );
        let key = format!("mover-{}-{}", self.name, self.moved);
        post_once("/certificate/transfer", &self.token, &key, &body)
    }

    /// One action after the other, each when it is due or as soon as the one before is acknowledged.
    async fn work(
        mut self,
        addresses: Vec<SocketAddr>,
        began: Instant,
        stopped: watch::Receiver<bool>,
    ) -> Result<(Self, Log)> {
        let mut client = Steadfast::new(addresses);
        let mut log = Log::default();
        let pace = Duration::from_secs(1) / PER_SECOND;
        let mut due = began + pace * u32::try_from(self.name)?;
        while !*stopped.borrow() {
            tokio::time::sleep_until(due.into()).await;
            let sent = Instant::now();
            let position = client.insist(&self.request(), 202).await?.position;
            self.moved += 1;
            let answered = Instant::now();
            log.acknowledged.push(Acknowledged {
                sent,
                answered,
                position,
            });
            due = (due + pace * u32::try_from(CLIENTS)?).max(answered);
        }
        log.turned_away = client.turned_away;
        Ok((self, log))
    }
}

impl Crowd {
    pub async fn gather(bench: &mut Bench) -> Result<Self> {
        let world = &mut bench.world;
        let bundles = world.take(&bench.databases, CLIENTS * BUNDLES).await?;
        let movers = bundles.chunks(BUNDLES).enumerate();
        let movers = movers.map(|(name, bundles)| Mover {
            name,
            token: world.trader(name),
            accounts: (world.source, world.target),
            bundles: bundles.to_vec(),
            moved: 0,
        });
        Ok(Self {
            movers: movers.collect(),
        })
    }

    /// Lets all of them work; each asks the first of these registries until that fails.
    pub fn begin(&mut self, addresses: &[SocketAddr]) -> Work {
        let (stop, stopped) = watch::channel(false);
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for mover in self.movers.drain(..) {
            tasks.spawn(mover.work(addresses.to_vec(), began, stopped.clone()));
        }
        Work { stop, tasks }
    }

    /// Lets them finish what they have begun.
    pub async fn end(&mut self, mut work: Work) -> Result<Log> {
        work.stop.send_replace(true);
        let mut log = Log::default();
        while let Some(done) = work.tasks.join_next().await {
            let (mover, of_one) = done??;
            self.movers.push(mover);
            log.turned_away += of_one.turned_away;
            log.acknowledged.extend(of_one.acknowledged);
        }
        log.acknowledged.sort_by_key(|one| one.answered);
        Ok(log)
    }
}

impl Log {
    /// Position of the last.
    pub fn end(&self) -> i64 {
        let positions = self.acknowledged.iter().map(|one| one.position);
        positions.max().unwrap_or_default()
    }

    /// Of those that were sent after `moment`, the first that was acknowledged.
    pub fn first_sent_after(&self, moment: Instant) -> Result<Acknowledged> {
        let mut later = self.acknowledged.iter().filter(|one| one.sent > moment);
        later
            .next()
            .copied()
            .context("nothing was acknowledged any more")
    }

    /// Milliseconds: the longest time after `moment` in which nothing was acknowledged.
    pub fn longest_silence_ms(&self, moment: Instant) -> f64 {
        let answered = self.acknowledged.iter().map(|one| one.answered);
        let times: Vec<_> = answered.filter(|at| *at > moment).collect();
        let befores = std::iter::once(&moment).chain(&times);
        let gaps = befores.zip(&times).map(|(before, at)| *at - *before);
        ms(gaps.max().unwrap_or_default())
    }

    /// Milliseconds: the longest that somebody waited for an answer that came after `moment`.
    pub fn longest_wait_ms(&self, moment: Instant) -> f64 {
        let after = self.acknowledged.iter().filter(|one| one.answered > moment);
        let waits = after.map(|one| one.answered - one.sent);
        ms(waits.max().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Acknowledged actions as (sent, answered), in milliseconds from now.
    fn log(now: Instant, times: &[(u64, u64)]) -> Log {
        let at = |ms: u64| now + Duration::from_millis(ms);
        let acknowledged = times
            .iter()
            .zip(1..)
            .map(|((sent, answered), position)| Acknowledged {
                sent: at(*sent),
                answered: at(*answered),
                position,
            });
        Log {
            acknowledged: acknowledged.collect(),
            turned_away: 0,
        }
    }

    #[test]
    fn silence_counts_from_the_kill_and_what_was_before_it_does_not() {
        let now = Instant::now();
        let killed = now + Duration::from_millis(1_000);
        let log = log(now, &[(0, 5), (990, 995), (998, 1_300), (1_100, 1_350)]);
        assert!((log.longest_silence_ms(killed) - 300.0).abs() < 1e-6);
        assert!((log.longest_wait_ms(killed) - 302.0).abs() < 1e-6);
        assert_eq!(log.first_sent_after(killed).unwrap().position, 4);
        assert_eq!(log.end(), 4);
    }

    #[test]
    fn a_mover_asks_for_the_same_under_the_same_key_until_it_is_acknowledged_and_then_goes_on() {
        let mut mover = Mover {
            name: 3,
            token: String::new(),
            accounts: (1, 2),
            bundles: vec![10, 11],
            moved: 0,
        };
        let text = |mover: &Mover| String::from_utf8(mover.request()).unwrap();
        assert_eq!(text(&mover), text(&mover));
        let mut asked = Vec::new();
        for moved in 0..3 {
            mover.moved = moved;
            let request = text(&mover);
            assert!(request.contains(&format!("Idempotency-Key: mover-3-{moved}\r\n")));
            asked.push(request.split_once("\r\n\r\n").unwrap().1.to_owned());
        }
        let body = |source, target, bundle| {
            format!(
                r#"{{"source_id":{source},"target_id":{target},"granular_certificate_bundle_ids":[{bundle}]}}"#
            )
        };
        assert_eq!(asked, [body(1, 2, 10), body(1, 2, 11), body(2, 1, 10)]);
    }
}
