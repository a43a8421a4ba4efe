//! The registry that is measured, in a folder of its own: `registry dev`, or `registry serve` and what it needs beside it.

mod apart;
mod program;

use crate::cpu::{Ours, Used};
use crate::http::Connection;
use crate::memory;
use crate::options::Options;
use crate::world;
use anyhow::{Context, Result, ensure};
use apart::Apart;
use program::{Program, done};
use projections::settings::Sources;
use registry::config::Config;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for it to answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(2);
/// How often its memory is looked at.
const LOOK_AT_MEMORY: Duration = Duration::from_millis(100);

/// Where the programs are, and their configuration.
#[derive(Debug, Clone)]
pub struct Programs {
    registry: PathBuf,
    projector: PathBuf,
    /// What they are started with.
    config: PathBuf,
    /// How they are reached, while they run.
    published: PathBuf,
}

impl Programs {
    fn registry(&self) -> Command {
        let mut command = Command::new(&self.registry);
        command.arg("--config").arg(&self.config);
        command
    }

    fn projector(&self) -> Command {
        let mut command = Command::new(&self.projector);
        command.arg("--config").arg(&self.published);
        command
    }
}

pub struct Registry {
    pub address: SocketAddr,
    programs: Programs,
    data: PathBuf,
    keep: bool,
    program: Option<Program>,
    apart: Option<Apart>,
}

/// A second one on the same events and databases.
pub struct Second {
    pub address: SocketAddr,
    program: Program,
}

/// Kilobytes (1,000 B) of memory, by program.
pub struct Memory {
    pub registry: u64,
    /// Of each, where they are processes of their own.
    pub projectors: Vec<u64>,
    /// Of all its processes together, what they share counted once.
    pub postgres: u64,
}

impl Registry {
    /// Starts it on no data; returns when it answers.
    pub async fn start(options: &Options) -> Result<Self> {
        let mut registry = Self::install(options).await?;
        if let Some(apart) = &registry.apart {
            apart.register_admin()?;
        }
        registry.up().await?;
        let (email, password) = registry.admin();
        // The demo users come last.
        registry.answers(&world::sign_in(email, password)).await?;
        Ok(registry)
    }

    /// Makes its folder, and all that has to run before it can.
    pub async fn install(options: &Options) -> Result<Self> {
        let data = folder(&fs::canonicalize(&options.folder)?)?;
        let mut programs = Programs {
            registry: options.program("registry")?,
            projector: options.program("projector")?,
            config: data.join("bench.toml"),
            published: data.join("bench.toml"),
        };
        let (apart, port) = if options.apart {
            let (apart, port) = Apart::install(&programs, &data, options.keep).await?;
            (Some(apart), port)
        } else {
            programs.published = data.join("dev.toml");
            (None, configure_tree(&programs, &data)?)
        };
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            programs,
            data,
            keep: options.keep,
            program: None,
            apart,
        })
    }

    /// Who manages users, with the password.
    pub const fn admin(&self) -> (&'static str, &'static str) {
        match self.apart {
            Some(_) => apart::ADMIN,
            None => world::DEMO_ADMIN,
        }
    }

    /// Waits until it answers this request with success.
    pub async fn answers(&mut self, request: &[u8]) -> Result<()> {
        let program = self.program.as_mut().context("the registry does not run")?;
        if let Some(apart) = &mut self.apart {
            apart.is_running()?;
        }
        answers(program, self.address, request).await
    }

    /// The configuration that programs reach it by, while it runs.
    pub fn config(&self) -> Result<Config> {
        let sources = Sources {
            file: Some(&self.programs.published),
            ..Sources::default()
        };
        Ok(Config::load(&sources)?)
    }

    pub fn event_file(&self) -> Result<PathBuf> {
        let location = self.config()?.event_store_location()?;
        let file = location.file().context("the events are in no file")?;
        Ok(file.to_owned())
    }

    /// What it runs in, for people.
    pub const fn shape(&self) -> &'static str {
        match self.apart {
            Some(_) => {
                "separate processes: `registry serve`, two `projector run`, two Postgres servers"
            }
            None => "one process tree: `registry dev`, projectors inside, two Postgres servers",
        }
    }

    /// What runs beside it.
    ///
    /// # Errors
    /// Where it is one process tree.
    pub fn apart(&mut self) -> Result<&mut Apart> {
        let apart = self.apart.as_mut();
        apart.context("one process tree has nothing to fail by itself; give --apart")
    }

    fn ours(&self) -> Ours {
        Ours {
            registries: self.program.iter().map(Program::id).collect(),
            projectors: self.apart.as_ref().map(Apart::ids).unwrap_or_default(),
        }
    }

    pub fn memory(&self) -> Result<Memory> {
        let ours = self.ours();
        let resident = |pids: &[u32]| -> Result<Vec<u64>> {
            pids.iter().map(|pid| memory::resident_kb(*pid)).collect()
        };
        let registries = resident(&ours.registries)?;
        // A backend may end meanwhile.
        let shares = ours.postgres();
        let shares = shares.iter().filter_map(|pid| memory::share_kb(*pid).ok());
        Ok(Memory {
            registry: registries.iter().sum(),
            projectors: resident(&ours.projectors)?,
            postgres: shares.sum(),
        })
    }

    /// Processor time used so far, by whom.
    pub fn processor_time(&self) -> Used {
        Used::now(&self.ours())
    }

    /// Stops the registry in good order; what runs beside it goes on.
    pub async fn stop(&mut self) -> Result<()> {
        match self.program.take() {
            Some(program) => program.stop().await,
            None => Ok(()),
        }
    }

    /// Stops all of it in good order.
    pub async fn down(&mut self) -> Result<()> {
        self.stop().await?;
        match &mut self.apart {
            Some(apart) => apart.down().await,
            None => Ok(()),
        }
    }

    /// Starts what does not run, on what it has.
    pub async fn up(&mut self) -> Result<()> {
        if let Some(apart) = &mut self.apart {
            apart.up().await?;
        }
        let mut command = self.programs.registry();
        match self.apart {
            Some(_) => command.arg("serve"),
            None => command.args(["dev", "--no-gateway"]),
        };
        self.program = Some(Program::start(
            &mut command,
            self.data.join("registry.log"),
        )?);
        Ok(())
    }

    /// Kills the registry as a crash would.
    pub fn kill9(&mut self) -> Result<()> {
        let program = self.program.take();
        program.context("the registry does not run")?.kill9()
    }

    /// Starts a second registry beside it; returns when that is ready.
    pub async fn second(&self) -> Result<Second> {
        let [port] = free_ports()?;
        let mut command = self.programs.registry();
        command.args(["serve", "--set", &format!("http.port={port}")]);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut program = Program::start(&mut command, self.data.join("second.log"))?;
        answers(&mut program, address, &world::readiness()).await?;
        Ok(Second { address, program })
    }

    /// Runs `projector rebuild --target read` while the registry runs; gives the most memory that it held, in
    /// kilobytes.
    pub async fn rebuild_read(&self) -> Result<(ExitStatus, u64)> {
        let log = File::create(self.data.join("rebuild.log"))?;
        let mut command = tokio::process::Command::from(self.programs.projector());
        command
            .args(["rebuild", "--target", "read"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut projector = command.spawn()?;
        let process = projector.id().context("it ended before it was looked at")?;
        let mut most_kb = 0;
        loop {
            tokio::select! {
                status = projector.wait() => return Ok((status?, most_kb)),
                () = tokio::time::sleep(LOOK_AT_MEMORY) => {
                    // It may have ended meanwhile.
                    most_kb = memory::most_kb(process).unwrap_or(most_kb);
                }
            }
        }
    }

    /// Stops it and deletes its data.
    fn remove(&mut self) -> Result<()> {
        let is_tree = self.apart.is_none();
        self.program = None;
        self.apart = None;
        if self.keep {
            eprintln!("The data is in {}.", self.data.display());
            return Ok(());
        }
        if is_tree {
            // Its databases may lie elsewhere.
            let mut reset = self.programs.registry();
            done(
                reset.args(["dev", "--reset", "--yes"]),
                &self.data.join("reset.log"),
            )?;
        }
        Ok(fs::remove_dir_all(&self.data)?)
    }
}

impl Drop for Registry {
    /// A row that failed leaves nothing behind either.
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("{} is left behind: {error:#}", self.data.display());
        }
    }
}

impl Second {
    pub async fn stop(self) -> Result<()> {
        self.program.stop().await
    }
}

/// Waits until a registry answers this request with success.
async fn answers(program: &mut Program, address: SocketAddr, request: &[u8]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        program.is_running().context("the registry")?;
        if let Ok(mut connection) = Connection::open(address).await
            && let Ok(reply) = connection.send(request).await
            && reply.status < 300
        {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the registry does not answer within {PATIENCE:?}; {}",
            program.last_words()
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Writes the configuration of `registry dev`; returns its port.
fn configure_tree(programs: &Programs, data: &Path) -> Result<u16> {
    let mut config = settings(data);
    let [http, write, read] = free_ports()?;
    config.http.port = http;
    config.database.write.port = write;
    config.database.read.port = read;
    fs::write(&programs.config, config.to_toml()?)?;
    Ok(http)
}

/// What all of them run with.
fn settings(data: &Path) -> Config {
    let mut config = Config {
        data_dir: data.to_owned(),
        ..Config::default()
    };
    config.log.level = "warn".into();
    // Longer than all rounds.
    config.auth.token_minutes = 1_440;
    config
}

/// A new one in `parent`.
fn folder(parent: &Path) -> Result<PathBuf> {
    let own = format!("data-{}", std::process::id());
    // An earlier one of this process may have been kept.
    let data = (0..)
        .map(|number| parent.join(format!("{own}-{number}")))
        .find(|data| !data.exists())
        .context("no name is free")?;
    fs::create_dir_all(&data)?;
    // Postgres does not run as root: its user has to be able to enter.
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755))?;
    Ok(data)
}

/// Ports that were free a moment ago.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let listeners = ports.map(|_: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        let address = listener.as_ref().map(TcpListener::local_addr);
        *port = address.map_err(|error| anyhow::anyhow!("{error}"))??.port();
    }
    Ok(ports)
}
