//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Measures the registry against its targets.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench")]
pub struct Options {
    /// Rows to run; none means all of them.
    pub rows: Vec<String>,
    /// Rounds per row, after one that is thrown away.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long a round of a sustained load goes on, in seconds.
    #[arg(long, default_value_t = 4)]
    pub seconds: u64,
    /// Bundles that are there before the first row runs, rounded up to whole device-years.
    #[arg(long, default_value_t = 100_000)]
    pub bundles: usize,
    /// Bundles that are there before rows whose target says ten million.
    #[arg(long, default_value_t = 10_000_000)]
    pub many: usize,
    /// Measures separate processes, as in production, instead of one process tree; then also how long it takes until
    /// another is in the place of one that was killed.
    #[arg(long)]
    pub apart: bool,
    /// Runs the rows at each of these numbers of bundles instead, and shows what grows: a table, `growth.json` and
    /// `growth.svg`.
    #[arg(long, value_delimiter = ',')]
    pub sizes: Vec<usize>,
    /// Device-years that one round of bulk submission carries.
    #[arg(long, default_value_t = 6)]
    pub devices: usize,
    /// Bulk submissions in flight.
    #[arg(long, default_value_t = 4)]
    pub uploads: usize,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the figures and the registry's data go; must be on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    pub folder: PathBuf,
    /// The programs `registry` and `projector`; those beside this one unless set.
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// Leaves the data where it is when done, and says where.
    #[arg(long)]
    pub keep: bool,
}

impl Options {
    /// Where figures go; those of separate processes beside those of one process tree.
    pub fn output(&self, name: &str) -> PathBuf {
        let apart = if self.apart { "apart-" } else { "" };
        self.folder.join(format!("{apart}{name}"))
    }

    /// Path of one of the programs measured.
    pub fn program(&self, name: &str) -> std::io::Result<PathBuf> {
        let here = std::env::current_exe()?;
        let folder = match (&self.programs, here.parent()) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.to_owned(),
            (None, None) => PathBuf::new(),
        };
        std::path::absolute(folder.join(name))
    }
}
