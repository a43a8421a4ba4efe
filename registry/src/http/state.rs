//! What every handler has at hand.

use super::access::DeviceAccounts;
use super::client_address::Proxies;
use super::idempotency::Digester;
use super::limit::{Guesses, Limits};
use super::port::{Decide, Progress};
use super::position::{Positions, Written};
use super::problem::{Answer, EdgeCode, Problem};
use crate::audit::Trail;
use crate::config::Config;
use crate::doctor::disk;
use crate::exchange::Exchange;
use crate::gateway::{KeyDirectory, Workers};
use crate::identity::{
    ApiKeys, External, ExternalError, Master, PasswordError, Passwords, Principals, RefreshKey,
    SealError, SigningKeys, Tokens, Vault,
};
use crate::lineage::log::Log;
use crate::read::BundleLoader;
use deadpool_postgres::{Client, Pool};
use event_store::{EventStore, StoreError};
use schemas::log::{Position, StreamName};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The parts behind the API, started by the caller.
pub struct Parts {
    /// Where commands are decided.
    pub commands: Arc<dyn Decide>,
    /// The READ database.
    pub read: Pool,
    /// How far the READ database has come.
    pub read_progress: Arc<dyn Progress>,
    /// The WRITE database; looked at for readiness only.
    pub write: Pool,
    /// Where the events are.
    pub store: Arc<dyn EventStore>,
    /// Where refusals go.
    pub trail: Trail,
}

/// What every handler has at hand; one per process.
pub struct State {
    pub(super) commands: Arc<dyn Decide>,
    pub(super) read: Pool,
    pub(super) bundles: BundleLoader,
    pub(super) read_progress: Arc<dyn Progress>,
    pub(super) write: Pool,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) domain: String,
    pub(super) ledger_stream: StreamName,
    pub(super) identity_stream: StreamName,
    pub(super) audit_stream: StreamName,
    /// Where it is written to.
    pub(super) folders: BTreeSet<PathBuf>,
    pub(super) trail: Trail,
    pub(super) proxies: Proxies,
    pub(super) limits: Limits,
    pub(super) read_wait: Duration,
    pub(super) written: Written,
    pub(super) digester: Digester,
    pub(super) tokens: Tokens,
    pub(super) signing_keys: SigningKeys,
    pub(super) refresh_key: RefreshKey,
    pub(super) vault: Vault,
    pub(super) session_lifetime: chrono::Duration,
    pub(super) passwords: Passwords,
    pub(super) guesses: Guesses,
    pub(super) recovery_secret: [u8; 32],
    pub(super) principals: Principals,
    pub(super) device_accounts: DeviceAccounts,
    pub(super) gateway_keys: KeyDirectory,
    pub(super) workers: Workers,
    pub(super) code_secret: Uuid,
    pub(super) api_key_secret: Uuid,
    pub(super) invitation_secret: Uuid,
    pub(super) api_keys: ApiKeys,
    pub(super) exchange: Exchange,
    pub(super) approves_accounts: bool,
    pub(super) public_url: Option<String>,
    pub(super) external: External,
    is_stopping: AtomicBool,
    is_recalling: AtomicBool,
}

/// The state can not be made.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// There is no master secret.
    #[error(transparent)]
    Auth(#[from] crate::config::AuthError),
    /// Passwords can not be hashed at the costs that the configuration says.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Nothing can be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Another server that says who somebody is can not be used.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// A key of the exchange with other registries can not be used.
    #[error(transparent)]
    Exchange(#[from] crate::exchange::KeyError),
    /// The domain does not name a stream.
    #[error(transparent)]
    Domain(#[from] schemas::log::BadStreamName),
}

impl State {
    /// Puts the parts together as `config` says, inside a Tokio runtime.
    ///
    /// # Errors
    /// [`StateError`] if the configuration has no key or no usable domain.
    pub fn new(config: &Config, parts: Parts) -> Result<Arc<Self>, StateError> {
        let secret = config.auth.master()?;
        let secret = secret.expose().as_bytes();
        let master = Master::new(secret);
        let tokens = Tokens::new(&master, &config.domain, config.auth.token_minutes);
        let public_url = config.http.public_url.clone();
        let tokens = match &public_url {
            Some(url) => tokens.issued_by(url),
            None => tokens,
        };
        Ok(Arc::new(Self {
            commands: parts.commands,
            bundles: BundleLoader::start(parts.read.clone()),
            read: parts.read,
            read_progress: parts.read_progress,
            write: parts.write,
            store: parts.store,
            domain: config.domain.clone(),
            ledger_stream: StreamName::ledger(&config.domain)?,
            identity_stream: StreamName::identity(&config.domain)?,
            audit_stream: StreamName::audit(&config.domain)?,
            folders: disk::folders(config),
            trail: parts.trail,
            limits: Limits::new(&config.limits),
            proxies: Proxies::new(
                config.http.trusted_proxies.clone(),
                config.http.proxy_header,
            ),
            read_wait: Duration::from_millis(config.http.read_wait_ms),
            written: Written::default(),
            digester: Digester::new(secret),
            signing_keys: SigningKeys::new(master.vault()?, tokens.lifetime_s()),
            tokens,
            refresh_key: RefreshKey::of(&master),
            vault: master.vault()?,
            session_lifetime: chrono::Duration::days(config.auth.session_days.into()),
            passwords: Passwords::new(&config.auth.password_cost)?
                .refusing(config.auth.breached()?),
            guesses: Guesses::default(),
            recovery_secret: master.key_for("recovery codes"),
            principals: Principals::new(config.auth.duties()),
            device_accounts: DeviceAccounts::default(),
            gateway_keys: KeyDirectory::default(),
            workers: Workers::default(),
            code_secret: Digester::new(secret).derived(b"gateway code"),
            api_key_secret: Digester::new(secret).derived(b"api key"),
            invitation_secret: Digester::new(secret).derived(b"invitation"),
            api_keys: ApiKeys::default(),
            exchange: Exchange::open(config)?,
            approves_accounts: config.account.approval,
            public_url,
            external: External::new(&config.auth)?,
            is_stopping: AtomicBool::new(false),
            is_recalling: AtomicBool::new(false),
        }))
    }

    /// From now on tells whoever asks to ask another process.
    pub(crate) fn stop_soon(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether requests are better sent to another process.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// A connection to the READ database. Reads get theirs through [`super::Read`], which has waited
    /// for what the caller wrote.
    pub(crate) async fn read_client(&self) -> Answer<Client> {
        Ok(self
            .read
            .get()
            .await
            .map_err(crate::read::ReadError::from)?)
    }

    /// What makes and reads tokens.
    pub(crate) const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The audit trail.
    pub(crate) const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Other servers that say who somebody is.
    pub(crate) const fn external(&self) -> &External {
        &self.external
    }

    /// The keys for machines.
    pub(crate) const fn api_keys(&self) -> &ApiKeys {
        &self.api_keys
    }

    /// The keys that sign access tokens.
    pub(crate) const fn signing_keys(&self) -> &SigningKeys {
        &self.signing_keys
    }

    /// The key of refresh tokens.
    pub(crate) const fn refresh_key(&self) -> &RefreshKey {
        &self.refresh_key
    }

    /// How far the READ database has come.
    pub(crate) fn read_progress(&self) -> &dyn Progress {
        self.read_progress.as_ref()
    }

    /// How long a read waits for what its caller wrote.
    pub(crate) const fn read_wait(&self) -> Duration {
        self.read_wait
    }

    /// The last changes of users and members.
    pub(crate) fn authority(&self) -> Positions {
        self.written.authority()
    }

    /// The ledger's events.
    pub(super) fn ledger(&self) -> Log<'_> {
        Log {
            store: self.store.as_ref(),
            stream: &self.ledger_stream,
        }
    }

    /// Where the ledger ends now.
    ///
    /// # Errors
    /// 503 if the event store can not tell.
    pub(super) async fn ledger_head(&self) -> Answer<Position> {
        self.head(&self.ledger_stream).await
    }

    /// Where the events of users and keys end now.
    ///
    /// # Errors
    /// 503 if the event store can not tell.
    pub(crate) async fn identity_head(&self) -> Answer<Position> {
        self.head(&self.identity_stream).await
    }

    /// From here on nobody's rights are taken from a READ that shows less than what is written now: a key that was
    /// revoked before this process began is not good while READ lags behind that.
    ///
    /// # Errors
    /// If the event store can not tell.
    pub(crate) async fn recall(&self) -> Result<(), StoreError> {
        let end = async |stream| self.store.head(stream).await.map(|head| head.position);
        self.written.assume(Positions {
            ledger: end(&self.ledger_stream).await?,
            identity: end(&self.identity_stream).await?,
            audit: end(&self.audit_stream).await?,
        });
        self.is_recalling.store(false, Ordering::Release);
        Ok(())
    }

    /// Until [`State::recall`] is done, nobody is told what they may do.
    pub(crate) fn recall_first(&self) {
        self.is_recalling.store(true, Ordering::Release);
    }

    /// Whether it is still to be found out what was written before this process began.
    pub(super) fn is_recalling(&self) -> bool {
        self.is_recalling.load(Ordering::Acquire)
    }

    /// Where the streams end now.
    ///
    /// # Errors
    /// 503 if the event store can not tell.
    pub(super) async fn heads(&self) -> Answer<Positions> {
        Ok(Positions {
            ledger: self.head(&self.ledger_stream).await?,
            identity: self.head(&self.identity_stream).await?,
            audit: self.head(&self.audit_stream).await?,
        })
    }

    async fn head(&self, stream: &StreamName) -> Answer<Position> {
        let head = self.store.head(stream).await;
        head.map(|head| head.position).map_err(|error| {
            tracing::warn!(%error, "the event store can not be read");
            Problem::new(
                EdgeCode::Unavailable,
                "the registry can not read its ledger at the moment",
            )
        })
    }
}
