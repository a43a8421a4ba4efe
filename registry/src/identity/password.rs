//! Passwords, as argon2id hashes.

use super::breached::{BreachedError, BreachedList};
use super::hash_cost::{cost, decoys};
use crate::config::PasswordCost;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Passwords hashed at once: each takes a core and the memory that the configuration says; more would keep
/// the sequencer from its core.
const AT_ONCE: usize = 2;
/// Hashes that wait for that at most: a few seconds' worth. Whoever comes beyond them is told to come again.
const WAITING: usize = 64;

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting.
    #[error("too many passwords are being looked at at once")]
    Busy,
    /// It could not.
    #[error("a password could not be hashed: {0}")]
    Failed(String),
}

/// A password that somebody chose is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// It would be guessed.
    #[error("{0}")]
    Weak(String),
    /// Somebody stole it elsewhere.
    #[error("the password is in the list of those that were stolen elsewhere")]
    Breached,
    /// The list of those can not be searched.
    #[error(transparent)]
    List(#[from] BreachedError),
    /// It could not be hashed.
    #[error(transparent)]
    Failed(#[from] PasswordError),
}

/// Hashes and verifies passwords off the threads that answer requests, a few at a time.
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// A place for each hash that is made or waits.
    places: Arc<Semaphore>,
    params: Params,
    /// Verified against when there is no user, so that the answer takes as long as with one. Made from a
    /// password that is known to nobody, at what new hashes cost.
    nobody: Arc<str>,
    breached: Option<Arc<BreachedList>>,
}

impl Passwords {
    /// New hashes cost this much.
    ///
    /// # Errors
    /// [`PasswordError`] if argon2 does not take the costs.
    pub fn new(cost: &PasswordCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(failed)?;
        let nobody = hash(&hex::encode(rand::random::<[u8; 16]>()), &params)?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            params,
            nobody: nobody.into(),
            breached: None,
        })
    }

    /// The same, refusing what is in the list where somebody chooses a password.
    #[must_use]
    pub fn refusing(self, breached: Option<BreachedList>) -> Self {
        Self {
            breached: breached.map(Arc::new),
            ..self
        }
    }

    /// The PHC string of a password that a person chose; `about` is what is known of them, which others would
    /// try first.
    ///
    /// # Errors
    /// [`ChoiceError`]; of [`ChoiceError::Weak`] a sentence says why.
    pub async fn choose(
        &self,
        password: String,
        about: Vec<String>,
    ) -> Result<String, ChoiceError> {
        let params = self.params.clone();
        let breached = self.breached.clone();
        self.off_thread(1, move || {
            let about: Vec<_> = about.iter().map(String::as_str).collect();
            check(&password, &about, breached.as_deref())?;
            Ok(hash(&password, &params)?)
        })
        .await?
    }

    /// The PHC string of a password, however weak: of demo users, and of one that is in use.
    ///
    /// # Errors
    /// [`PasswordError`] if too many are waiting, or the operating system has no randomness for the salt.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let params = self.params.clone();
        self.off_thread(1, move || hash(&password, &params)).await?
    }

    /// Whether `password` is the one `stored` was made from. Takes the same work if there is none, and whatever
    /// `stored` costs: a hash at what new ones cost and at each of the costs `in_use`, which are all different. A hash
    /// of another cost, or of one that is not afforded, is not looked at: nobody signs in with it.
    ///
    /// # Errors
    /// [`PasswordError`] if too many are waiting, or the process is stopping.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
        in_use: &[String],
    ) -> Result<bool, PasswordError> {
        let decoys = decoys(&self.nobody, in_use);
        if let Some(stored) = &stored
            && decoys.iter().all(|decoy| cost(decoy) != cost(stored))
        {
            tracing::warn!(
                "a user's password hash costs more than is afforded; give them a new password"
            );
        }
        let hashes = u32::try_from(decoys.len()).unwrap_or(u32::MAX);
        self.off_thread(hashes, move || {
            verify(&password, stored.as_deref(), &decoys)
        })
        .await
    }

    /// Whether a hash costs something else than new ones.
    #[must_use]
    pub fn is_outdated(&self, stored: &str) -> bool {
        cost(stored) != cost(&self.nobody)
    }

    /// Does work of that many hashes, one after another.
    async fn off_thread<T: Send + 'static>(
        &self,
        hashes: u32,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let places = Arc::clone(&self.places).try_acquire_many_owned(hashes);
        let places = places.map_err(|_| PasswordError::Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(failed)?;
        // The work goes on when nobody waits for it any longer, and keeps its permit as long.
        let held = move || {
            let _held = (places, permit);
            work()
        };
        tokio::task::spawn_blocking(held).await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

/// Takes tens of milliseconds.
fn hash(password: &str, params: &Params) -> Result<String, PasswordError> {
    Argon2::from(params)
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(failed)
}

/// Verifies against every hash, also once it was right.
fn verify(password: &str, stored: Option<&str>, decoys: &[String]) -> bool {
    verified_against(stored, decoys).fold(false, |is_right, (phc, is_own)| {
        is_right | (is_made_from(password, phc) && is_own)
    })
}

/// Every decoy, or the stored hash in the place of the one that costs as much, with whether it is that.
fn verified_against<'h>(
    stored: Option<&'h str>,
    decoys: &'h [String],
) -> impl Iterator<Item = (&'h str, bool)> {
    decoys.iter().map(move |decoy| {
        let own = stored.filter(|stored| cost(stored) == cost(decoy));
        own.map_or((decoy.as_str(), false), |own| (own, true))
    })
}

/// Takes as long as [`hash`], at what `phc` costs.
fn is_made_from(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| {
        let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    })
}

/// Checks a password that somebody chose; `about` is what is known of them.
///
/// # Errors
/// [`ChoiceError`].
pub fn check(
    password: &str,
    about: &[&str],
    breached: Option<&BreachedList>,
) -> Result<(), ChoiceError> {
    if let Some(why) = weakness(password, about) {
        return Err(ChoiceError::Weak(why));
    }
    match breached {
        Some(list) if list.has(password)? => Err(ChoiceError::Breached),
        _ => Ok(()),
    }
}

/// Why a password would be guessed: it is among the common ones, or made of words, names, dates and rows of
/// keys in ways that are tried soon. `None` if that takes more than a million guesses, which is far more than
/// the throttle lets anybody make.
#[must_use]
fn weakness(password: &str, about: &[&str]) -> Option<String> {
    let estimate = zxcvbn::zxcvbn(password, about);
    if estimate.score() >= zxcvbn::Score::Two {
        return None;
    }
    let feedback = estimate.feedback();
    let why = feedback.and_then(|feedback| feedback.warning());
    let mut sentence = "the password would be guessed".to_owned();
    if let Some(why) = why {
        sentence.push_str(": ");
        sentence.push_str(&why.to_string());
    }
    Some(sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::FutureExt;

    const CHEAP: PasswordCost = PasswordCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    #[tokio::test]
    async fn the_right_password_verifies_and_a_wrong_one_does_not() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let stored = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        let verify = async |password: &str, stored: Option<&str>| {
            let stored = stored.map(str::to_owned);
            let verified = passwords.verify(password.to_owned(), stored, &[]).await;
            verified.unwrap()
        };
        assert!(verify("correct horse", Some(&stored)).await);
        assert!(!verify("correct horsf", Some(&stored)).await);
        assert!(!verify("correct horse", None).await);
    }

    /// The work is counted, not timed: the same algorithm at the same costs over the same lengths.
    #[tokio::test]
    async fn nobodys_hash_costs_what_a_users_costs() {
        for costs in [CHEAP, PasswordCost::default()] {
            let passwords = Passwords::new(&costs).unwrap();
            let stored = passwords.hash("x".to_owned()).await.unwrap();
            assert_eq!(cost(&passwords.nobody), cost(&stored));
            assert_eq!(passwords.nobody.len(), stored.len());
            assert!(PasswordHash::new(&passwords.nobody).is_ok());
        }
    }

    #[tokio::test]
    async fn an_outdated_hash_verifies_while_its_cost_is_in_use() {
        const OTHER: PasswordCost = PasswordCost { passes: 2, ..CHEAP };
        let (before, after) = (
            Passwords::new(&CHEAP).unwrap(),
            Passwords::new(&OTHER).unwrap(),
        );
        let outdated = before.hash("correct horse".to_owned()).await.unwrap();
        let current = after.hash("correct horse".to_owned()).await.unwrap();
        let in_use = [cost(&outdated).to_owned(), cost(&current).to_owned()];
        let verify = async |password: &str, stored: &str, in_use: &[String]| {
            let stored = Some(stored.to_owned());
            let verified = after.verify(password.to_owned(), stored, in_use).await;
            verified.unwrap()
        };
        for stored in [&outdated, &current] {
            assert!(verify("correct horse", stored, &in_use).await);
            assert!(!verify("correct horsf", stored, &in_use).await);
        }
        assert!(verify("correct horse", &current, &[]).await);
        assert!(!verify("correct horse", &outdated, &[]).await);
    }

    /// The work is counted, not timed.
    #[tokio::test]
    async fn whoevers_password_is_looked_at_takes_a_hash_at_each_cost_in_use() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let dear = "$argon2id$v=19$m=16,t=3,p=1".to_owned();
        let (_, tail) = passwords.nobody.split_at(cost(&passwords.nobody).len());
        let outdated = format!("{dear}{tail}");
        let unafforded = format!("$argon2id$v=19$m=4294967295,t=9,p=1{tail}");
        let decoys = decoys(&passwords.nobody, &[dear, cost(&unafforded).to_owned()]);
        let current = passwords.hash("x".to_owned()).await.unwrap();
        let stored = [None, Some(current), Some(outdated), Some(unafforded)];
        for stored in stored.iter().map(Option::as_deref) {
            let hashed: Vec<_> = verified_against(stored, &decoys)
                .map(|(phc, _)| cost(phc))
                .collect();
            assert_eq!(hashed, [cost(&decoys[0]), cost(&decoys[1])]);
        }
    }

    #[tokio::test]
    async fn attack_each_hash_of_a_look_takes_a_place_of_those_that_wait() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let in_use: Vec<_> = (1..9)
            .map(|t| format!("$argon2id$v=19$m=8,t={t},p=1"))
            .collect();
        let busy = Arc::clone(&passwords.permits)
            .acquire_many_owned(u32::try_from(AT_ONCE).unwrap())
            .await
            .unwrap();
        let mut waiting = Vec::new();
        for _ in 0..(AT_ONCE + WAITING) / in_use.len() {
            let mut one = Box::pin(passwords.verify("x".to_owned(), None, &in_use));
            assert!((&mut one).now_or_never().is_none());
            waiting.push(one);
        }
        let refused = passwords.verify("x".to_owned(), None, &in_use).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        drop((waiting, busy));
        assert!(
            !passwords
                .verify("x".to_owned(), None, &in_use)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_hash_of_other_costs_is_outdated() {
        let (cheap, dear) = (
            Passwords::new(&CHEAP).unwrap(),
            Passwords::new(&PasswordCost::default()).unwrap(),
        );
        let stored = cheap.hash("x".to_owned()).await.unwrap();
        assert!(!cheap.is_outdated(&stored));
        assert!(dear.is_outdated(&stored));
        assert!(dear.is_outdated("$2b$12$bcrypt"));
    }

    /// As clients do that hang up to have more done at once.
    #[tokio::test(flavor = "multi_thread")]
    async fn attack_work_that_nobody_waits_for_any_longer_makes_room_for_more() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begun, mut began) = tokio::sync::mpsc::unbounded_channel();
        let held = Arc::new(std::sync::Mutex::new(held));
        for _ in 0..AT_ONCE {
            let (held, begun) = (Arc::clone(&held), begun.clone());
            let work = passwords.off_thread(1, move || {
                begun.send(()).unwrap();
                held.lock().unwrap().recv().unwrap();
            });
            tokio::select! {
                _ = work => panic!("it waits to be released"),
                begun = began.recv() => begun.unwrap(),
            }
        }
        assert_eq!(passwords.permits.available_permits(), 0);
        for _ in 0..AT_ONCE {
            release.send(()).unwrap();
        }
        assert!(passwords.hash("x".to_owned()).await.is_ok());
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_told_to_come_again() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let busy = Arc::clone(&passwords.permits)
            .acquire_many_owned(u32::try_from(AT_ONCE).unwrap())
            .await
            .unwrap();
        let mut waiting = Vec::new();
        for _ in 0..AT_ONCE + WAITING {
            let mut one = Box::pin(passwords.verify("x".to_owned(), None, &[]));
            assert!((&mut one).now_or_never().is_none());
            waiting.push(one);
        }
        let refused = passwords.verify("x".to_owned(), None, &[]).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        drop(busy);
        let all = futures_util::future::join_all(waiting).await;
        assert!(all.into_iter().all(|one| one.is_ok_and(|right| !right)));
    }

    #[tokio::test]
    async fn a_password_that_would_be_guessed_is_not_taken() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let choose = async |password: &str| {
            let about = vec!["Ada Miller".to_owned(), "ada@example.org".to_owned()];
            passwords.choose(password.to_owned(), about).await
        };
        for weak in [
            "12345678",
            "password",
            "Passw0rd!",
            "qwertyuiop",
            "11111111",
            "iloveyou1",
            "1987-06-05",
        ] {
            let refused = choose(weak).await;
            assert!(matches!(refused, Err(ChoiceError::Weak(_))), "{weak}");
        }
        for strong in ["correct horse battery", "gT7#mQ2!xZ9b"] {
            assert!(choose(strong).await.unwrap().starts_with("$argon2id$"));
        }
    }
}
