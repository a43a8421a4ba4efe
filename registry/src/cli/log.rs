//! `registry log`.

use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use event_store::copy::{Progress, copy};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::Stream;

use crate::backup::same;
use crate::config::{Config, Location, StoreUrl};

/// Look after the log of events
#[derive(Debug, Args)]
pub(super) struct Log {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Copy(Copy),
}

impl Log {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let What::Copy(copy) = self.what;
        copy.run(config).await
    }
}

/// Copy the events of the domain to another event store, of whatever engine
///
/// Copy while the registry runs, then stop it and copy again, which takes what was appended meanwhile. Broken
/// off, it goes on where it was. At the end the copy is read from end to end and compared. A flag that is left
/// out means the event store of the configuration, so a password need not stand in the command.
#[derive(Debug, Args)]
struct Copy {
    /// Where the events are: `sqlite:<path>` or `esdb://…`
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    from: Option<String>,
    /// Where they go
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

impl Copy {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let place = |url: Option<String>| match url {
            Some(url) => Ok(StoreUrl::new(url)
                .location(Path::new(""))?
                .taking(config.event_store.server_append_bytes)),
            None => config.event_store_location(),
        };
        let from = place(self.from).context("--from")?;
        let to = place(self.to).context("--to")?;
        if let (Some(one), Some(other)) = (from.file(), to.file()) {
            anyhow::ensure!(!same(one, other), "--from and --to are the same file");
        }
        let opening = |location: &Location| location.to_string();
        let source = from
            .open_read_only()
            .await
            .with_context(|| opening(&from))?;
        let mut events = 0;
        for stream in Stream::ALL {
            events += source.head(&stream.name(&config.domain)?).await?.position.0;
        }
        anyhow::ensure!(
            events > 0,
            "{from} holds no events of domain {}",
            config.domain
        );
        let target = to.open().await.with_context(|| opening(&to))?;
        for stream in Stream::ALL {
            let name = stream.name(&config.domain)?;
            let end = source.head(&name).await?.position;
            let bar = bar(&name.to_string(), u64::try_from(end.0).unwrap_or_default());
            let head = copy(source.as_ref(), target.as_ref(), &name, |step| {
                show(&bar, step)
            })
            .await;
            bar.finish_and_clear();
            let head = head?;
            println!(
                "{name}: {} events, running hash {}",
                head.position, head.hash
            );
        }
        target.close().await;
        source.close().await;
        println!("copied and verified: {from} to {to}");
        Ok(())
    }
}

/// How far a copy is.
pub(super) fn show(bar: &ProgressBar, step: Progress) {
    let (what, at) = match step {
        Progress::Copied(at) => ("copying", at),
        Progress::Verified(at) => ("verifying", at),
    };
    bar.set_message(what);
    bar.set_position(u64::try_from(at.0).unwrap_or_default());
}

/// Hidden unless somebody looks at it.
pub(super) fn bar(stream: &str, events: u64) -> ProgressBar {
    let template = "{prefix} {msg:9} [{bar:30}] {pos}/{len} events, {eta} left";
    let bar = ProgressBar::new(events).with_prefix(stream.to_owned());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
