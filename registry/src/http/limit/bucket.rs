//! Counting by key, in memory that is bounded.

use crate::config::Rate;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys remembered at most. One that is forgotten starts anew.
const MAX_KEYS: u64 = 100_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub policy: &'static str,
    /// Requests it allows.
    pub quota: u32,
    /// Over how many seconds.
    pub window_s: u64,
    /// Seconds after which the next is taken; at least 1.
    pub wait_s: u64,
}

/// What is left to one key.
struct Bucket {
    limiter: DefaultDirectRateLimiter,
}

/// A limit by key.
pub struct Limiter<K> {
    policy: &'static str,
    rate: Rate,
    /// None where there is no limit.
    quota: Option<Quota>,
    buckets: Cache<K, Arc<Bucket>>,
    /// Until when a key has nothing left, of those that were found so.
    empty: Cache<K, Instant>,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Limiter<K> {
    /// None has asked for anything yet.
    #[must_use]
    pub fn new(policy: &'static str, rate: Rate) -> Self {
        let quota = NonZeroU32::new(rate.per_minute)
            .zip(NonZeroU32::new(rate.burst))
            .map(|(per_minute, burst)| Quota::per_minute(per_minute).allow_burst(burst));
        // After this long a key has all it can have, remembered or not.
        let refilled = window(rate).max(Duration::from_secs(1));
        let cache = || {
            Cache::builder()
                .max_capacity(MAX_KEYS)
                .time_to_idle(refilled)
        };
        Self {
            policy,
            rate,
            quota,
            buckets: cache().build(),
            empty: Cache::builder()
                .max_capacity(MAX_KEYS)
                .time_to_live(refilled)
                .build(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// [`Exceeded`] if there is none left.
    pub fn take(&self, key: K) -> Result<(), Exceeded> {
        let Some(quota) = self.quota else {
            return Ok(());
        };
        let bucket = self.buckets.get_with(key.clone(), || {
            Arc::new(Bucket {
                limiter: RateLimiter::direct(quota),
            })
        });
        bucket.limiter.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            self.empty.insert(key, Instant::now() + wait);
            metrics::counter!("requests_limited_total", "policy" => self.policy).increment(1);
            self.exceeded(wait)
        })
    }

    /// Looks whether there is one left, and takes none.
    ///
    /// # Errors
    /// [`Exceeded`] if the key was found to have none left and has not got one back.
    pub fn look(&self, key: &K) -> Result<(), Exceeded> {
        let wait = self
            .empty
            .get(key)
            .map(|until| until.saturating_duration_since(Instant::now()));
        match wait {
            Some(wait) if !wait.is_zero() => Err(self.exceeded(wait)),
            _ => Ok(()),
        }
    }

    fn exceeded(&self, wait: Duration) -> Exceeded {
        Exceeded {
            policy: self.policy,
            quota: self.rate.burst,
            window_s: window(self.rate).as_secs().max(1),
            wait_s: wait.as_secs() + 1,
        }
    }
}

/// How long it takes until all of a burst may come again.
fn window(rate: Rate) -> Duration {
    MINUTE * rate.burst / rate.per_minute.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_minute: u32, burst: u32) -> Limiter<u8> {
        Limiter::new("test", Rate { per_minute, burst })
    }

    #[test]
    fn as_many_as_the_burst_are_taken_and_one_more_is_not() {
        let limiter = limiter(6, 3);
        for _ in 0..3 {
            assert_eq!(limiter.take(1), Ok(()));
        }
        let exceeded = limiter.take(1);
        let expected = |wait_s| Exceeded {
            policy: "test",
            quota: 3,
            window_s: 30,
            wait_s,
        };
        assert!(
            [9, 10, 11]
                .map(|wait_s| Err(expected(wait_s)))
                .contains(&exceeded),
            "{exceeded:?}"
        );
        assert_eq!(limiter.take(2), Ok(()));
    }

    #[test]
    fn looking_takes_none() {
        let limiter = limiter(1, 1);
        for _ in 0..5 {
            assert_eq!(limiter.look(&1), Ok(()));
        }
        assert_eq!(limiter.take(1), Ok(()));
        assert_eq!(limiter.look(&1), Ok(()));
        assert!(limiter.take(1).is_err());
        assert!(limiter.look(&1).is_err());
        assert_eq!(limiter.look(&2), Ok(()));
    }

    #[test]
    fn without_a_limit_nothing_is_refused() {
        let limiter = limiter(0, 0);
        assert!((0..10_000).all(|_| limiter.take(1).is_ok()));
    }
}
