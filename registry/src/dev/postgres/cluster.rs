//! One cluster: its life from initdb to shutdown.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use projections::postgres::{Connection, PoolError, connect};
use rustix::process::Signal;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;

use super::{
    binaries::Binaries,
    config::{ClusterConfig, Sharing},
    error::{ClusterError, while_doing},
    flock::{self, Hold},
    init,
    owner::Owner,
    pid_file, place,
    postmaster::{POLL, Postmaster, signal_family, stop, stop_left_over},
    process,
    tuning::WAL_COMPRESSIONS,
};

/// How long a server may take to answer: crash recovery reads up to max_wal_size.
const START: Duration = Duration::from_secs(180);
/// How long a start is repeated while processes of a killed postmaster hold on to its shared memory.
const RETRY: Duration = Duration::from_secs(20);
/// A log larger than this is started afresh, in bytes.
const MAX_LOG: u64 = 10 << 20;

/// A running private Postgres.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    binaries: Binaries,
    owner: Owner,
    data_dir: PathBuf,
    log: PathBuf,
    port: u16,
    postmaster: Option<Postmaster>,
    /// Our share of a shared cluster.
    users: Option<File>,
}

impl Cluster {
    /// Makes the cluster if it is not there, starts it, and returns when it answers queries.
    ///
    /// # Errors
    /// [`ClusterError`]: not installed, port taken, made by another version, initdb or start
    /// failed (with the end of its log).
    pub async fn start(config: ClusterConfig) -> Result<Self, ClusterError> {
        let owner = Owner::of_this_process()?;
        let data_dir = place(&config.data_dir, &owner)?;
        let users = match config.sharing {
            Sharing::Shared => Some(flock::take(&data_dir, flock::USERS, Hold::WithOthers).await?),
            Sharing::Exclusive => None,
        };
        let _starting = flock::take(&data_dir, flock::START, Hold::Alone).await?;
        let made_by = init::version(&data_dir);
        let binaries = Binaries::find(&owner, made_by)?;
        if let Some(made_by) = made_by.filter(|made_by| *made_by != binaries.major) {
            return Err(ClusterError::OtherVersion {
                dir: data_dir,
                made_by: made_by.to_string(),
                found: binaries.major.to_string(),
            });
        }
        let mut cluster = Self {
            log: data_dir.with_extension("log"),
            port: config.port,
            config,
            binaries,
            owner,
            data_dir,
            postmaster: None,
            users,
        };
        if cluster.adopt_or_stop().await? {
            return Ok(cluster);
        }
        if made_by.is_none() {
            cluster.init().await?;
        }
        cluster.launch().await?;
        Ok(cluster)
    }

    /// How to connect to database `dbname` of this cluster as its superuser.
    pub fn connection(&self, dbname: &str) -> Connection {
        Connection {
            user: self.config.user.clone(),
            password: self.config.password.clone(),
            dbname: dbname.to_owned(),
            ..Connection::local(self.port)
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are: the directory that was wanted, or root's alternative (see [`place`]).
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the server says.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// Whether the server is not running (any more).
    pub fn has_ended(&mut self) -> bool {
        self.postmaster.as_mut().is_none_or(Postmaster::has_ended)
    }

    /// Starts it again on the same port after [`Cluster::stop`], [`Cluster::kill9`] or a crash.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn restart(&mut self) -> Result<(), ClusterError> {
        if !self.has_ended() {
            self.stop().await?;
        }
        self.launch().await
    }

    /// Stops it: sessions are ended, what is committed is written out. A second call does nothing.
    ///
    /// # Errors
    /// [`ClusterError::DoesNotStop`].
    pub async fn stop(&mut self) -> Result<(), ClusterError> {
        if let Some(mut postmaster) = self.postmaster.take()
            && !postmaster.has_ended()
            && let Some(pid) = postmaster.pid()
        {
            // A stopped process takes no signal but SIGKILL.
            signal_family(pid, Signal::CONT);
            stop(&self.config.name, pid, || postmaster.has_ended()).await?;
        }
        Ok(())
    }

    /// Kills the postmaster as a crash would: no shutdown, nothing written out. Its backends notice
    /// and end by themselves.
    pub async fn kill9(&mut self) {
        if let Some(mut postmaster) = self.postmaster.take()
            && let Some(pid) = postmaster.pid()
        {
            process::send(pid, Signal::KILL);
            while !postmaster.has_ended() {
                sleep(POLL).await;
            }
        }
    }

    /// Freezes the server and all its sessions: connections stay open and nothing answers.
    pub fn pause(&self) {
        if let Some(pid) = self.postmaster.as_ref().and_then(Postmaster::pid) {
            // The postmaster first, so that no child is born unseen.
            process::send(pid, Signal::STOP);
            for child in process::children(pid) {
                process::send(child, Signal::STOP);
            }
        }
    }

    /// Ends a [`Cluster::pause`].
    pub fn resume(&self) {
        if let Some(pid) = self.postmaster.as_ref().and_then(Postmaster::pid) {
            signal_family(pid, Signal::CONT);
        }
    }

    /// Spawns the server and waits until it answers.
    async fn launch(&mut self) -> Result<(), ClusterError> {
        let give_up_at = Instant::now() + RETRY;
        loop {
            pid_file::remove_stale(&self.data_dir)?;
            self.claim_port()?;
            let (child, log_start) = self.spawn()?;
            self.postmaster = Some(Postmaster::Ours(child));
            match self.answers(log_start).await {
                Err(ClusterError::Exited { tail, .. })
                    if tail.contains("pre-existing shared memory block")
                        && Instant::now() < give_up_at =>
                {
                    sleep(POLL * 10).await;
                }
                // Somebody took the free port between our look and the server's.
                Err(ClusterError::Exited { tail, .. })
                    if self.config.port == 0
                        && tail.contains("could not create any TCP/IP sockets")
                        && Instant::now() < give_up_at =>
                {
                    self.port = 0;
                }
                outcome => return outcome,
            }
        }
    }

    /// Fixes the port if any will do, and makes sure that nobody else has it.
    fn claim_port(&mut self) -> Result<(), ClusterError> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                ClusterError::PortTaken {
                    name: self.config.name.clone(),
                    port: self.port,
                }
            } else {
                while_doing(format!("port {} can not be used", self.port))(source)
            }
        })?;
        self.port = listener
            .local_addr()
            .map_err(while_doing("no free port"))?
            .port();
        Ok(())
    }

    /// The server process, and where its messages begin in the log.
    fn spawn(&self) -> Result<(Child, u64), ClusterError> {
        let doing = || while_doing(format!("{} can not be written", self.log.display()));
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(doing())?;
        if log.metadata().map_err(doing())?.len() > MAX_LOG {
            log.set_len(0).map_err(doing())?;
        }
        let log_start = log.seek(SeekFrom::End(0)).map_err(doing())?;
        let errors = log.try_clone().map_err(doing())?;
        let mut command = self
            .owner
            .command(&self.binaries.program("postgres"), &self.data_dir);
        command.arg("-D").arg(&self.data_dir);
        let takes = |setting: &&str| self.binaries.takes(&self.owner, &self.data_dir, setting);
        let wal_compression = WAL_COMPRESSIONS.into_iter().find(takes);
        for setting in self.config.tuning.settings().chain(wal_compression) {
            command.args(["-c", setting]);
        }
        command
            .args(["-c", &format!("port={}", self.port)])
            .args(["-c", &format!("cluster_name=gcr-{}", self.config.name)])
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors));
        let child = command
            .spawn()
            .map_err(while_doing("postgres can not be run"))?;
        Ok((child, log_start))
    }

    /// Waits until a query is answered, the process ends, or [`START`] is over.
    async fn answers(&mut self, log_start: u64) -> Result<(), ClusterError> {
        let connection = self.connection("postgres");
        let started = Instant::now();
        loop {
            let error = match connect(&connection).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if self.has_ended() {
                return Err(ClusterError::Exited {
                    name: self.config.name.clone(),
                    log: self.log.clone(),
                    tail: tail(&self.log, log_start),
                });
            }
            if !may_pass(&error) || started.elapsed() > START {
                self.stop().await?;
                return Err(ClusterError::NoAnswer {
                    name: self.config.name.clone(),
                    waited_s: started.elapsed().as_secs(),
                    log: self.log.clone(),
                    source: error,
                });
            }
            sleep(POLL).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Giving up our share first; the lock is ours alone only if nobody else has one. It is held
        // until the server is gone, so that the next user starts a new one.
        if let Some(users) = &self.users
            && users
                .unlock()
                .and_then(|()| users.try_lock().map_err(Into::into))
                .is_err()
        {
            return;
        }
        if let Some(mut postmaster) = self.postmaster.take()
            && !postmaster.has_ended()
            && let Some(pid) = postmaster.pid()
        {
            // Immediate: the caller does not wait for anything to be written, and the log of a
            // durable cluster has it all.
            signal_family(pid, Signal::CONT);
            process::send(pid, Signal::QUIT);
            let deadline = Instant::now() + Duration::from_secs(10);
            while !postmaster.has_ended() {
                if Instant::now() > deadline {
                    process::send(pid, Signal::KILL);
                }
                std::thread::sleep(POLL);
            }
        }
        if self.config.remove_on_drop {
            remove_files(&self.data_dir);
        }
    }
}

impl Cluster {
    /// Uses the postmaster that runs over the directory, if it may be shared (then this is true), or
    /// stops it.
    async fn adopt_or_stop(&mut self) -> Result<bool, ClusterError> {
        let Some(running) = pid_file::running(&self.data_dir) else {
            return Ok(false);
        };
        if self.config.sharing == Sharing::Shared {
            self.port = running.port;
            self.postmaster = Some(Postmaster::Adopted(running.pid));
            self.answers(0).await?;
            return Ok(true);
        }
        tracing::info!(
            database = self.config.name,
            pid = running.pid.as_raw_nonzero(),
            "stopping a Postgres that an earlier run left behind"
        );
        stop_left_over(&self.config.name, &self.data_dir).await?;
        Ok(false)
    }

    /// initdb, off the async threads: it takes about a second.
    async fn init(&self) -> Result<(), ClusterError> {
        let (binaries, owner) = (self.binaries.clone(), self.owner.clone());
        let (data_dir, config) = (self.data_dir.clone(), self.config.clone());
        tokio::task::spawn_blocking(move || {
            let (user, password) = (&config.user, &config.password);
            init::init(&binaries, &owner, &data_dir, user, password, config.tuning)
        })
        .await
        .unwrap_or_else(|stopped| Err(while_doing("initdb was given up")(stopped.into())))
    }
}

/// Whether an attempt that failed so may succeed later: nothing listens yet, or the server says
/// that it is starting.
fn may_pass(error: &PoolError) -> bool {
    match error {
        PoolError::Connect { source, .. } => match source.code() {
            Some(code) => *code == SqlState::CANNOT_CONNECT_NOW,
            None => true,
        },
        _ => false,
    }
}

/// The last lines that the server wrote after `start`.
fn tail(log: &Path, start: u64) -> String {
    let mut text = String::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_string(&mut text)
    });
    if let Err(error) = read {
        return format!("(it can not be read: {error})");
    }
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// The cluster's directory and the files beside it; what can not be removed stays.
fn remove_files(data_dir: &Path) {
    let mut outcomes = vec![fs::remove_dir_all(data_dir)];
    for extension in ["log", flock::START] {
        outcomes.push(fs::remove_file(data_dir.with_extension(extension)));
    }
    for error in outcomes.into_iter().filter_map(Result::err) {
        if error.kind() != std::io::ErrorKind::NotFound {
            tracing::warn!(%error, dir = %data_dir.display(), "a temporary cluster stays behind");
        }
    }
}
