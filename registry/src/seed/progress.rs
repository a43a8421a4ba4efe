//! How far the demo is, for the person who waits.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A line for each part that is there; a bar for what takes long, on a terminal.
pub(super) struct Progress {
    began: Instant,
}

impl Progress {
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    pub fn done(&self, what: &str) {
        let millis = self.elapsed().as_millis();
        println!("  {:>3}.{} s  {what}", millis / 1_000, millis % 1_000 / 100);
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A bar for `readings`, gone once it is finished.
    pub fn bar(&self, readings: u64) -> ProgressBar {
        let style = ProgressStyle::with_template(
            "           {bar:30} {human_pos}/{human_len} readings of {msg}, {eta} left",
        )
        .expect("the template is a constant with known placeholders");
        ProgressBar::new(readings).with_style(style)
    }
}
