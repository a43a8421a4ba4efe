//! Guessing passwords and codes takes longer with each wrong guess, and nobody else is kept from signing in by it.
//!
//! Wrong guesses at a password are counted for an e-mail address *and* where they come from, so a user whose
//! password somebody guesses elsewhere signs in as before. A device that the user signed in from is counted as
//! that device, wherever it is. Codes of a second factor are few, so wrong ones are counted for the user wherever
//! they come from, known devices apart; only who has the password can make anybody wait that way. How many users
//! are guessed at from one place is for the limit of what proves nothing.
//!
//! Who may give a user an address of their choice, and not manage users, learns by it which addresses are taken.
//! Addresses that were are counted as wrong guesses of theirs, so nobody finds out who else is registered by trying.

use super::bucket::Exceeded;
use super::{place, problem};
use crate::http::problem::{Answer, Code, Problem};
use ledger::key::name_digest;
use ledger::refusal;
use moka::ops::compute::Op;
use moka::sync::Cache;
use schemas::id::{OrganisationId, UserId};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Wrong guesses at one user from one place before the next has to wait.
const FREE: u32 = 10;
/// The first wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After this long without a wrong guess, those before are forgotten.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Users and places remembered at most: some 20 MB.
const MAX_KEYS: u64 = 100_000;

/// Where a guess comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// An address, where there is one.
    Address(Option<IpAddr>),
    /// A device that the user signed in from before, or a session of theirs.
    Known(Uuid),
}

/// What wrong guesses are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Password(Uuid, Source),
    Code(Uuid),
    Address(Chooser),
}

/// Who chooses an e-mail address that may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chooser {
    /// A user, for themselves.
    User(UserId),
    /// Whoever was invited into the organisation: invitations are made at will.
    Guest(OrganisationId),
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    not_before: Instant,
}

impl Wrong {
    /// How long the next one has to wait. Those that are free wait for none of them, whichever looked at the clock first.
    fn wait(&self, now: Instant) -> Duration {
        match self.count < FREE {
            true => Duration::ZERO,
            false => self.not_before.saturating_duration_since(now),
        }
    }
}

/// Wrong guesses of late. Of this process: behind several, there are as many free guesses more.
pub struct Guesses(Cache<Key, Wrong>);

impl Default for Guesses {
    fn default() -> Self {
        let wrong = Cache::builder().max_capacity(MAX_KEYS);
        Self(wrong.time_to_idle(REMEMBERED).build())
    }
}

/// A guess that is being looked at.
#[must_use]
pub struct Guess<'g> {
    guesses: &'g Guesses,
    user: Uuid,
    from: Source,
    /// Whether a code is guessed, so that the password was right.
    is_code: bool,
}

impl Guesses {
    /// A guess at the password of the user with this e-mail address, whether there is one or not.
    ///
    /// # Errors
    /// `too_many_requests` if it comes too soon.
    pub fn at(&self, email: &str, from: Source) -> Answer<Guess<'_>> {
        let from = match from {
            Source::Address(address) => Source::Address(address.map(place)),
            Source::Known(_) => from,
        };
        let guess = Guess {
            guesses: self,
            user: name_digest(email),
            from,
            is_code: false,
        };
        guess.look(Instant::now())?;
        Ok(guess)
    }

    /// Has an address chosen by `choose`, in which a refusal because it is taken counts against the chooser.
    ///
    /// # Errors
    /// That of `choose`; `too_many_requests`, without asking it, if it comes too soon or with too many others.
    pub async fn at_address<T>(
        &self,
        chooser: Chooser,
        choose: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let key = Key::Address(chooser);
        // Before it is known: of many at once each would be told by what becomes of it, however it were answered. What
        // nobody waits for any more stays counted.
        let counted = self.count(key, Instant::now()).map_err(problem)?;
        let chosen = choose.await;
        let is_taken = |refused: &Problem| refused.code() == Code::Rule(refusal::Code::EmailTaken);
        if !chosen.as_ref().is_err_and(is_taken) {
            self.give_back(key, counted);
        }
        chosen
    }

    fn wait(&self, key: Key, now: Instant) -> Result<(), Exceeded> {
        let wrong = self.0.get(&key);
        match wrong.map_or(Duration::ZERO, |wrong| wrong.wait(now)) {
            Duration::ZERO => Ok(()),
            wait => Err(exceeded(wait)),
        }
    }

    /// Counts a wrong guess, unless it comes too soon to be told so.
    fn count(&self, key: Key, now: Instant) -> Result<Wrong, Exceeded> {
        let mut counted = Err(exceeded(Duration::ZERO));
        self.0.entry(key).and_compute_with(|known| {
            let known = known.map(moka::Entry::into_value);
            let wait = known.map_or(Duration::ZERO, |wrong| wrong.wait(now));
            if !wait.is_zero() {
                counted = Err(exceeded(wait));
                return Op::Nop;
            }
            let count = known.map_or(0, |wrong| wrong.count).saturating_add(1);
            let wrong = Wrong {
                count,
                not_before: now + delay(count),
            };
            counted = Ok(wrong);
            Op::Put(wrong)
        });
        counted
    }

    /// It was none. The wait goes with it, unless a later guess brought another.
    fn give_back(&self, key: Key, counted: Wrong) {
        self.0.entry(key).and_compute_with(|known| {
            let Some(known) = known.map(moka::Entry::into_value) else {
                return Op::Nop;
            };
            let not_before = match known.not_before == counted.not_before {
                true => counted.not_before - delay(counted.count),
                false => known.not_before,
            };
            Op::Put(Wrong {
                count: known.count.saturating_sub(1),
                not_before,
            })
        });
    }
}

impl Guess<'_> {
    /// The password was right, and a code is guessed now.
    ///
    /// # Errors
    /// `too_many_requests` if it comes too soon.
    pub fn of_code(&mut self) -> Answer<()> {
        self.is_code = true;
        self.look(Instant::now())
    }

    /// It was wrong.
    ///
    /// # Errors
    /// `too_many_requests` if too many others were found wrong while this one was looked at: guesses at once
    /// are told no more than guesses one after another.
    pub fn wrong(&self) -> Answer<()> {
        self.keys()
            .try_for_each(|key| self.guesses.count(key, Instant::now()).map(drop))
            .map_err(problem)
    }

    /// It was right: those before are forgotten.
    ///
    /// # Errors
    /// As [`Self::wrong`].
    pub fn right(&self) -> Answer<()> {
        self.look(Instant::now())?;
        self.keys().for_each(|key| self.guesses.0.invalidate(&key));
        Ok(())
    }

    fn look(&self, now: Instant) -> Answer<()> {
        self.keys()
            .try_for_each(|key| self.guesses.wait(key, now))
            .map_err(problem)
    }

    fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        let is_anywhere = self.is_code && !matches!(self.from, Source::Known(_));
        let code = is_anywhere.then_some(Key::Code(self.user));
        std::iter::once(Key::Password(self.user, self.from)).chain(code)
    }
}

fn exceeded(wait: Duration) -> Exceeded {
    Exceeded {
        policy: "guesses",
        quota: FREE,
        window_s: REMEMBERED.as_secs(),
        wait_s: wait.as_secs() + 1,
    }
}

/// How long the guess after the `count`-th wrong one has to wait.
fn delay(count: u32) -> Duration {
    let Some(doublings) = count.checked_sub(FREE) else {
        return Duration::ZERO;
    };
    FIRST_WAIT
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::future::join_all;
    use std::cell::Cell;

    const ADA: &str = "ada@example.org";

    fn from(address: &str) -> Source {
        Source::Address(Some(address.parse().unwrap()))
    }

    /// Guesses wrong until one has to wait; how many were taken.
    fn wrong_guesses(guesses: &Guesses, from: Source) -> u32 {
        (0..1_000)
            .find(|_| {
                guesses
                    .at(ADA, from)
                    .and_then(|guess| guess.wrong())
                    .is_err()
            })
            .unwrap()
    }

    #[test]
    fn after_the_free_guesses_each_waits_twice_as_long_up_to_the_longest() {
        let waits: Vec<_> = (FREE - 1..FREE + 12)
            .map(|count| delay(count).as_secs())
            .collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(delay(u32::MAX), LONGEST_WAIT);
        let (guesses, mut now) = (Guesses::default(), Instant::now());
        let key = Key::Code(Uuid::nil());
        for _ in 0..FREE {
            assert!(guesses.count(key, now).is_ok());
        }
        for wait_s in [1, 2, 4] {
            assert!(guesses.wait(key, now).is_err() && guesses.count(key, now).is_err());
            now += Duration::from_secs(wait_s);
            assert!(guesses.count(key, now).is_ok());
        }
    }

    #[test]
    fn free_guesses_at_once_wait_for_none_of_each_other_whichever_looked_at_the_clock_first() {
        let guesses = Guesses::default();
        let key = Key::Code(Uuid::nil());
        let now = Instant::now();
        for number in (0..FREE).rev() {
            let earlier = now + Duration::from_millis(number.into());
            assert!(guesses.wait(key, earlier).is_ok() && guesses.count(key, earlier).is_ok());
        }
        assert!(guesses.wait(key, now).is_err());
    }

    #[test]
    fn guesses_elsewhere_keep_nobody_from_signing_in_and_neither_do_those_at_others() {
        let guesses = Guesses::default();
        assert_eq!(wrong_guesses(&guesses, from("192.0.2.1")), FREE);
        let refused = guesses.at(ADA, from("192.0.2.1")).err().unwrap();
        assert_eq!(refused.code().as_str(), "too_many_requests");
        assert!(guesses.at(ADA, from("192.0.2.2")).is_ok());
        assert!(guesses.at(ADA, Source::Known(Uuid::nil())).is_ok());
        assert!(guesses.at("bob@example.org", from("192.0.2.1")).is_ok());
    }

    #[test]
    fn the_64_bits_that_an_ipv6_host_chooses_are_one_place() {
        let guesses = Guesses::default();
        wrong_guesses(&guesses, from("2001:db8::1"));
        assert!(guesses.at(ADA, from("2001:db8::2")).is_err());
        assert!(guesses.at(ADA, from("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn right_guesses_are_not_counted_however_many_are_made_at_once() {
        let guesses = Guesses::default();
        let all: Vec<_> = (0..=FREE)
            .map(|_| guesses.at(ADA, from("192.0.2.1")))
            .collect();
        assert!(all.into_iter().all(|guess| guess.unwrap().right().is_ok()));
    }

    #[test]
    fn of_guesses_at_once_none_is_told_more_than_one_after_another() {
        let guesses = Guesses::default();
        let all: Vec<_> = (0..FREE + 2)
            .map(|_| guesses.at(ADA, from("192.0.2.1")).unwrap())
            .collect();
        let told = all[1..]
            .iter()
            .filter(|guess| guess.wrong().is_ok())
            .count();
        assert_eq!(told, 10);
        assert!(all[0].right().is_err());
    }

    #[tokio::test]
    async fn of_addresses_chosen_at_once_no_more_are_looked_at_than_one_after_another() {
        let (guesses, looked_at) = (Guesses::default(), Cell::new(0));
        let choose = &async |by, is_taken: bool| {
            let choosing = async {
                looked_at.set(looked_at.get() + 1);
                tokio::task::yield_now().await;
                let taken = || Problem::new(refusal::Code::EmailTaken, "it is taken");
                (!is_taken).then_some(()).ok_or_else(taken)
            };
            guesses.at_address(Chooser::User(by), choosing).await
        };
        let many = |by, is_taken| (0..3 * FREE).map(move |_| choose(by, is_taken));
        let answers = join_all(many(UserId(1), true)).await;
        assert_eq!(looked_at.get(), FREE);
        let codes = answers.iter().map(|answer| answer.as_ref().unwrap_err());
        let told = codes.filter(|problem| problem.code().as_str() == "email_taken");
        assert_eq!(told.count(), usize::try_from(FREE).unwrap());
        // Those that nobody has are not counted, however many there are and also after a few that were taken.
        for is_taken in [false, true, false] {
            for _ in 0..FREE - 1 {
                let chosen = choose(UserId(2), is_taken).await;
                assert_eq!(chosen.is_err(), is_taken);
            }
        }
        assert!(choose(UserId(2), true).await.is_err());
        let refused = choose(UserId(2), false).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "too_many_requests");
    }

    #[test]
    fn a_right_guess_forgets_the_wrong_ones() {
        let guesses = Guesses::default();
        for _ in 0..FREE - 1 {
            guesses.at(ADA, from("192.0.2.1")).unwrap().wrong().unwrap();
        }
        guesses.at(ADA, from("192.0.2.1")).unwrap().right().unwrap();
        assert_eq!(wrong_guesses(&guesses, from("192.0.2.1")), FREE);
    }

    #[test]
    fn codes_are_guessed_from_many_places_no_sooner_and_known_devices_go_on() {
        let guesses = Guesses::default();
        let code = |from| {
            let mut guess = guesses.at(ADA, from)?;
            guess.of_code()?;
            guess.wrong()
        };
        let taken = (1..255).find(|n| code(from(&format!("192.0.2.{n}"))).is_err());
        assert_eq!(taken, Some(FREE + 1));
        assert!(guesses.at(ADA, from("198.51.100.1")).is_ok());
        assert!(code(Source::Known(Uuid::nil())).is_ok());
    }
}
