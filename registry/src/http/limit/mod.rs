//! Limits of requests: by principal, by API key, by address; and of wrong guesses.

mod bucket;
mod guard;
mod guess;

pub use bucket::{Exceeded, Limiter};
pub(in crate::http) use guard::guard;
pub use guess::{Chooser, Guess, Guesses, Source};

use super::problem::{Answer, EdgeCode, Problem};
use crate::config;
use schemas::envelope::Via;
use schemas::id::UserId;
use std::collections::HashMap;
use std::net::IpAddr;
use uuid::Uuid;

/// Bits of an IPv6 address that one customer of a provider has to themselves (RFC 6177).
const CUSTOMER_BITS: u32 = 64;

/// Every limit; one per process.
pub struct Limits {
    principals: Limiter<UserId>,
    api_keys: Limiter<Uuid>,
    /// Of keys that have a limit of their own.
    certain_keys: HashMap<Uuid, Limiter<Uuid>>,
    addresses: Limiter<IpAddr>,
    sign_ins: Limiter<IpAddr>,
    unproven: Limiter<IpAddr>,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn new(config: &config::Limits) -> Self {
        Self {
            principals: Limiter::new("principal", config.principal),
            api_keys: Limiter::new("api_key", config.api_key),
            certain_keys: config
                .api_keys
                .iter()
                .map(|(key_id, rate)| (*key_id, Limiter::new("api_key", *rate)))
                .collect(),
            addresses: Limiter::new("address", config.address),
            sign_ins: Limiter::new("sign_in", config.sign_in),
            unproven: Limiter::new("unproven", config.unproven),
        }
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// `too_many_requests`.
    pub fn of_principal(&self, user_id: UserId, via: Via) -> Answer<()> {
        self.principals.take(user_id).map_err(problem)?;
        match via {
            Via::ApiKey(key) => {
                let limiter = self.certain_keys.get(&key).unwrap_or(&self.api_keys);
                limiter.take(key).map_err(problem)
            }
            Via::Session(_) | Via::External(_) => Ok(()),
        }
    }

    /// Counts a request from an address, which comes before anything is known of who sends it. `is_open`
    /// where no credentials are asked for, `signs_in` where they are given out.
    ///
    /// # Errors
    /// `too_many_requests`.
    fn of_address(&self, address: IpAddr, is_open: bool, signs_in: bool) -> Answer<()> {
        let place = place(address);
        self.addresses.take(place).map_err(problem)?;
        if is_open {
            self.unproven.look(&place).map_err(problem)?;
        }
        if signs_in {
            self.sign_ins.take(place).map_err(problem)?;
        }
        Ok(())
    }

    /// Looks whether an address may try again to prove who it is.
    ///
    /// # Errors
    /// `too_many_requests`.
    pub(in crate::http) fn may_try(&self, address: IpAddr) -> Answer<()> {
        self.unproven.look(&place(address)).map_err(problem)
    }

    /// Counts requests from an address that proved nothing.
    pub(in crate::http) fn unproven(&self, address: IpAddr, count: i64) {
        for _ in 0..count {
            if self.unproven.take(place(address)).is_err() {
                return;
            }
        }
    }
}

fn problem(exceeded: Exceeded) -> Problem {
    let detail = format!(
        "more requests than the limit `{}` allows; wait {} s",
        exceeded.policy, exceeded.wait_s
    );
    Problem::new(EdgeCode::TooManyRequests, detail).exceeding(exceeded)
}

/// What counts as one place: a customer of a network, who has many addresses of the sixth version.
pub fn place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - CUSTOMER_BITS);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Rate;

    fn limits() -> Limits {
        let two = Rate {
            per_minute: 1,
            burst: 2,
        };
        Limits::new(&config::Limits {
            api_key: two,
            unproven: two,
            ..config::Limits::default()
        })
    }

    #[test]
    fn what_proves_nothing_closes_the_open_routes_to_its_address_alone() {
        let limits = limits();
        let [bad, good] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        limits.unproven(bad, 2);
        assert!(limits.of_address(bad, true, false).is_ok());
        limits.unproven(bad, 1);
        let refused = limits.of_address(bad, true, false).unwrap_err();
        assert_eq!(refused.code().as_str(), "too_many_requests");
        assert!(limits.of_address(bad, false, false).is_ok());
        assert!(limits.of_address(good, true, false).is_ok());
    }

    #[test]
    fn an_api_key_has_a_limit_of_its_own() {
        let limits = limits();
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let ask = |key| limits.of_principal(UserId(1), Via::ApiKey(key));
        assert!(ask(one).is_ok() && ask(one).is_ok());
        assert!(ask(one).is_err());
        assert!(ask(other).is_ok());
        assert!(limits.of_principal(UserId(1), Via::Session(one)).is_ok());
    }

    #[test]
    fn a_key_has_the_limit_that_is_set_for_it_and_others_have_that_of_all() {
        let rate = |burst| Rate {
            per_minute: 1,
            burst,
        };
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let limits = Limits::new(&config::Limits {
            api_key: rate(3),
            api_keys: [(one, rate(1))].into(),
            ..config::Limits::default()
        });
        let taken = |key| {
            let ask = |_: &i32| limits.of_principal(UserId(1), Via::ApiKey(key)).is_ok();
            (0..5).filter(ask).count()
        };
        assert_eq!((taken(one), taken(other)), (1, 3));
    }

    #[test]
    fn a_network_of_64_bits_is_one_place() {
        let of = |text: &str| place(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
