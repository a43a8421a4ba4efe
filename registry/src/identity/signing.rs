//! Keeping the keys that sign access tokens: events in the identity stream, so that any number of processes
//! share them without sharing a disk.

use super::key_ring::{KeyRing, NewKey};
use super::master::Vault;
use crate::clock::Clock;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read;
use crate::sequencer::Request;
use chrono::{Duration as Span, Utc};
use ledger::{Command, Stream, command};
use moka::future::Cache;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How often the keys are looked at, for new ones and for one that is due to be replaced: a key that no longer
/// counts is refused within this time.
const LOOK: Duration = Duration::from_secs(1);
/// What a look for an unknown key found counts for this long, however many such tokens come.
const LOOK_COUNTS: Duration = Duration::from_secs(1);

/// The keys of this process.
pub struct SigningKeys {
    vault: Vault,
    ring: RwLock<Arc<KeyRing>>,
    looks: Cache<(), Arc<KeyRing>>,
    /// How long what a replaced key signed still counts: as long as any token lives.
    overlap: Span,
}

impl SigningKeys {
    /// None known yet; tokens live `token_s` seconds.
    #[must_use]
    pub fn new(vault: Vault, token_s: u32) -> Self {
        Self {
            vault,
            ring: RwLock::default(),
            looks: Cache::builder()
                .max_capacity(1)
                .time_to_live(LOOK_COUNTS)
                .build(),
            overlap: Span::seconds(token_s.into()),
        }
    }

    /// The keys known now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for keys that are new, unless somebody just did: who comes while one looks waits for what that one finds,
    /// or fails with them, for a key that nobody could look for may well be good. That many look at once costs one look
    /// at the end of the log, and the keys that it may tell of are waited for.
    ///
    /// # Errors
    /// 503 if READ can not be asked, or does not show yet what the log tells.
    pub async fn look(&self, state: &State) -> Answer<()> {
        let look = async {
            let all = Positions::at(Stream::Identity, state.identity_head().await?);
            reached(state.read_progress(), all, state.read_wait()).await?;
            self.load(state).await
        };
        let looked = self.looks.try_get_with((), look).await;
        looked.map(|_| ()).map_err(|problem| (*problem).clone())
    }

    /// The keys, of which one signs; it is made if there is none.
    ///
    /// # Errors
    /// 503 if there is none and none can be made at the moment, or it is new and sealed under another master secret.
    pub async fn to_sign(&self, state: &State) -> Answer<Arc<KeyRing>> {
        let signs = |ring: &Arc<KeyRing>| ring.signer().is_some();
        let ring = self.ring();
        if signs(&ring) {
            return Ok(ring);
        }
        let ring = self.load(state).await?;
        if signs(&ring) {
            return Ok(ring);
        }
        // Else two processes with different master secrets would take the place of each other's keys for ever.
        if let Some(since) = ring.unopened_since()
            && Utc::now() - since < self.overlap
        {
            return Err(Problem::new(
                EdgeCode::Unavailable,
                "the key that signs access tokens has just been added under another master secret; every process needs the \
                 same (`auth.master_secret`), and where it was changed, `registry keys rotate` adds a key under it",
            ));
        }
        let ring = self.replace(state, &ring).await?;
        if signs(&ring) {
            return Ok(ring);
        }
        Err(Problem::internal(
            &"there is no key to sign access tokens with",
        ))
    }

    async fn load(&self, state: &State) -> Answer<Arc<KeyRing>> {
        let rows = read::signing_key::accepted(&state.read_client().await?).await?;
        Ok(self.assume(KeyRing::of(rows, &self.vault)))
    }

    /// Takes these for the keys there are.
    pub(crate) fn assume(&self, ring: KeyRing) -> Arc<KeyRing> {
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        ring
    }

    /// Puts a new key in the place of the newest; if another process was first, its key counts. Signs with
    /// it only once READ shows it, where every other process finds it.
    async fn replace(&self, state: &State, ring: &KeyRing) -> Answer<Arc<KeyRing>> {
        let new = NewKey::random(&self.vault).map_err(|error| Problem::internal(&error))?;
        let add = command::AddSigningKey {
            public_key: new.public_key,
            sealed: new.sealed,
            replaces: ring.newest(),
            overlap: self.overlap,
        };
        let request = Request::of_system("signing keys", Command::AddSigningKey(Box::new(add)));
        let receipt = state.execute(request).await?;
        let known = Positions::at(Stream::Identity, receipt.position);
        reached(state.read_progress(), known, state.read_wait()).await?;
        self.load(state).await
    }
}

/// Looks at the keys of `state` for ever, and replaces the one that signs when it is `days` old.
pub async fn keep(state: Arc<State>, days: u32, clock: Clock) {
    let lifetime = Span::days(days.into());
    let mut failing = false;
    loop {
        let looked = look_after(&state, lifetime, &clock).await;
        if let Err(problem) = &looked
            && !failing
        {
            tracing::warn!(%problem, "the keys that sign access tokens can not be looked at");
        }
        failing = looked.is_err();
        tokio::time::sleep(LOOK).await;
    }
}

async fn look_after(state: &State, lifetime: Span, clock: &Clock) -> Answer<()> {
    let keys = state.signing_keys();
    keys.load(state).await?;
    let ring = keys.to_sign(state).await?;
    let is_due = |signer: &super::key_ring::Signer| clock.now() - signer.added_at >= lifetime;
    if ring.signer().is_some_and(is_due) {
        keys.replace(state, &ring).await?;
        tracing::info!("another key signs access tokens from here on");
    }
    Ok(())
}
