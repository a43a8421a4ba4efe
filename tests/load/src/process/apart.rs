//! What `registry serve` needs beside it, each in processes of its own as in production: two Postgres servers, and a
//! projector for each.

use super::program::{Program, done};
use super::{Programs, free_ports, settings};
use anyhow::{Context, Result};
use projections::Target;
use projections::postgres::{Connection, Secret};
use registry::config::Config;
use registry::dev::postgres::{Cluster, ClusterConfig};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Of the databases and of who manages users; the data is thrown away.
const PASSWORD: &str = "a password of the bench";
/// Seals what is in the log.
const MASTER_SECRET: &str = "the master secret of a bench, whose data is thrown away";
/// The log, in its folder.
const EVENTS: &str = "events.db";
/// Who manages users, with the password.
pub const ADMIN: (&str, &str) = ("admin@bench.test", PASSWORD);

/// One database: its server, the projector that follows for it, and perhaps one that stands by.
struct Database {
    target: Target,
    projector: Option<Program>,
    standby: Option<Program>,
    // Last, so that it is stopped last.
    server: Cluster,
}

pub struct Apart {
    programs: Programs,
    data: PathBuf,
    databases: [Database; 2],
}

impl Apart {
    /// Starts both databases, with tables; writes the configuration that all programs share. Returns the port of the
    /// registry too.
    pub async fn install(programs: &Programs, data: &Path, keep: bool) -> Result<(Self, u16)> {
        fs::write(data.join("password"), PASSWORD)?;
        fs::write(data.join("master"), MASTER_SECRET)?;
        let (write, read) = tokio::try_join!(
            Database::start(Target::Write, data, keep),
            Database::start(Target::Read, data, keep),
        )?;
        let config = config(data, &write, &read)?;
        fs::write(&programs.config, config.to_toml()?)?;
        let apart = Self {
            programs: programs.clone(),
            data: data.to_owned(),
            databases: [write, read],
        };
        apart.run(&["migrate"])?;
        Ok((apart, config.http.port))
    }

    /// Registers who manages users, while no registry runs.
    pub fn register_admin(&self) -> Result<()> {
        let email = ADMIN.0;
        self.run(&[
            "user",
            "create",
            "--role=admin",
            "--name=Admin",
            "--password-stdin",
            &format!("--email={email}"),
        ])
    }

    /// Runs `registry` to its end.
    fn run(&self, words: &[&str]) -> Result<()> {
        let typed = File::open(self.data.join("password"))?;
        let mut command = self.programs.registry();
        done(
            command.args(words).stdin(Stdio::from(typed)),
            &self.log("registry"),
        )
        .with_context(|| format!("registry {}", words.join(" ")))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.log"))
    }

    fn projector(&self, target: Target) -> Result<Program> {
        let target = target.as_str();
        let mut command = self.programs.projector();
        command.args(["run", "--target", target]);
        Program::start(&mut command, self.log(&format!("projector-{target}")))
    }

    fn start_projectors(&mut self) -> Result<()> {
        for index in 0..self.databases.len() {
            if self.databases[index].projector.is_none() {
                let projector = self.projector(self.databases[index].target)?;
                self.databases[index].projector = Some(projector);
            }
        }
        Ok(())
    }

    /// Starts what does not run. A projector does not start before there is a log.
    pub async fn up(&mut self) -> Result<()> {
        for database in &mut self.databases {
            if database.server.has_ended() {
                database.server.restart().await?;
            }
        }
        if self.data.join(EVENTS).exists() {
            self.start_projectors()?;
        }
        Ok(())
    }

    /// Stops all of it in good order.
    pub async fn down(&mut self) -> Result<()> {
        for database in &mut self.databases {
            let projectors = [database.standby.take(), database.projector.take()];
            for projector in projectors.into_iter().flatten() {
                projector.stop().await?;
            }
            database.server.stop().await?;
        }
        Ok(())
    }

    /// Fails if a projector has ended by itself.
    pub fn is_running(&mut self) -> Result<()> {
        for database in &mut self.databases {
            let programs = database.projector.iter_mut().chain(&mut database.standby);
            for projector in programs {
                let target = database.target;
                projector
                    .is_running()
                    .with_context(|| format!("the projector of {target}"))?;
            }
        }
        Ok(())
    }

    /// Of the projectors that run.
    pub fn ids(&self) -> Vec<u32> {
        let all = self.databases.iter();
        let all = all.flat_map(|database| database.projector.iter().chain(&database.standby));
        all.map(Program::id).collect()
    }

    pub fn server(&mut self, target: Target) -> &mut Cluster {
        &mut self.database(target).server
    }

    /// Starts another projector beside the one at work.
    pub fn stand_by(&mut self, target: Target) -> Result<()> {
        let standby = self.projector(target)?;
        self.database(target).standby = Some(standby);
        Ok(())
    }

    /// Kills the projector at work as a crash would; the one that stands by is in its place.
    pub fn kill_projector(&mut self, target: Target) -> Result<()> {
        let database = self.database(target);
        let standby = database.standby.take();
        let killed = std::mem::replace(&mut database.projector, standby);
        killed.context("no projector is at work")?.kill9()
    }

    fn database(&mut self, target: Target) -> &mut Database {
        let [write, read] = &mut self.databases;
        match target {
            Target::Write => write,
            Target::Read => read,
        }
    }
}

fn config(data: &Path, write: &Database, read: &Database) -> Result<Config> {
    let mut config = settings(data);
    // The servers have theirs by now.
    [config.http.port] = free_ports()?;
    config.auth.master_secret_file = Some(data.join("master"));
    config.database.write = write.connection(data);
    config.database.read = read.connection(data);
    // As `registry dev` has it.
    config.auth.separation_of_duties = false;
    // Row `failover` has a second one.
    config.event_store.shared = true;
    Ok(config)
}

impl Database {
    async fn start(target: Target, data: &Path, keep: bool) -> Result<Self> {
        let name = target.as_str();
        let folder = data.join("postgres").join(name);
        let config = ClusterConfig {
            remove_on_drop: !keep,
            ..ClusterConfig::new(name, folder, 0, Secret::new(PASSWORD))
        };
        Ok(Self {
            target,
            server: Cluster::start(config).await?,
            projector: None,
            standby: None,
        })
    }

    /// How to connect to it, the password by file.
    fn connection(&self, data: &Path) -> Connection {
        Connection {
            password: Secret::default(),
            password_file: Some(data.join("password")),
            ..self.server.connection("registry")
        }
    }
}
