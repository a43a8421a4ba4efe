//! One process that is measured.

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for it to stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);
/// Lines of its log that tell how it ended.
const LAST_WORDS: usize = 5;

/// A process; stopped in good order when it is dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it says is added to the file `log`.
    pub fn start(command: &mut Command, log: PathBuf) -> Result<Self> {
        let child = logged(command, &log)?
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| unavailable(command))?;
        Ok(Self { child, log })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails with its last words if it has ended.
    pub fn is_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("it ended with {status}; {}", self.last_words()),
            None => Ok(()),
        }
    }

    pub fn last_words(&self) -> String {
        last_words(&self.log)
    }

    /// Kills it as a crash would.
    pub fn kill9(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops it in good order.
    pub async fn stop(mut self) -> Result<()> {
        self.ask_to_stop()?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "a program does not stop");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn ask_to_stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        }
        Ok(())
    }
}

impl Drop for Program {
    /// Whatever failed, it is gone before its data is.
    fn drop(&mut self) {
        if let Err(error) = self.ask_to_stop().and_then(|()| Ok(self.child.wait()?)) {
            eprintln!("a program is left behind: {error:#}");
        }
    }
}

/// Runs a program to its end; fails with its last words unless it succeeds.
pub fn done(command: &mut Command, log: &Path) -> Result<()> {
    let status = logged(command, log)?
        .status()
        .with_context(|| unavailable(command))?;
    ensure!(
        status.success(),
        "it ended with {status}; {}",
        last_words(log)
    );
    Ok(())
}

fn logged<'a>(command: &'a mut Command, log: &Path) -> Result<&'a mut Command> {
    let log = File::options().create(true).append(true).open(log)?;
    Ok(command.stdout(log.try_clone()?).stderr(log))
}

fn unavailable(command: &Command) -> String {
    format!(
        "{} does not start; build it with `cargo build --release --bins`",
        command.get_program().display()
    )
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
}
