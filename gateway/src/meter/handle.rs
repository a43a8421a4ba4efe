//! What the rest of the gateway knows of a meter.

use super::{MeterError, Sample};
use futures_util::future::BoxFuture;
use std::fmt::Debug;
use std::sync::Arc;

/// Something that gives samples: a device on a Modbus connection, a P1 port.
pub trait Source: Debug + Send + Sync {
    /// Looks at the meter now. Dropping the future takes the request back.
    fn sample(&self) -> BoxFuture<'_, Result<Sample, MeterError>>;
}

/// A meter; clones mean the same one.
#[derive(Debug, Clone)]
pub struct MeterHandle(Arc<dyn Source>);

impl MeterHandle {
    /// The meter behind `source`.
    pub fn new(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Looks at the meter now.
    ///
    /// # Errors
    /// When it gives no sample; after a failure of the connection or the device, [`MeterError::BackingOff`] at
    /// once until it is time to try again.
    pub async fn sample(&self) -> Result<Sample, MeterError> {
        self.0.sample().await
    }
}
