//! What time it is for the registry's decisions.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A clock; the system's unless told otherwise.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::from(Utc::now)
    }
}

impl<F: Fn() -> DateTime<Utc> + Send + Sync + 'static> From<F> for Clock {
    fn from(clock: F) -> Self {
        Self(Arc::new(clock))
    }
}
