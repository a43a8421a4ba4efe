//! Reads a device to see whether it can be read.

use crate::control::Trial;
use crate::engine::{Meter, NotRead, last_sample};
use crate::meter::Sample;
use std::time::Duration;

/// How long a device that is tried may take, which is less than who asks for it waits.
const PATIENCE: Duration = Duration::from_secs(50);

/// Reads `meter`, which is asked once more if that fails: a device may wake only by being asked, or not hear what
/// comes right after the connection.
///
/// # Errors
/// Why it could not be read, in a sentence.
pub async fn trial(meter: &dyn Meter) -> Result<Trial, String> {
    let asked = tokio::time::timeout(PATIENCE, async {
        match meter.sample().await {
            Ok(sample) => Ok(sample),
            Err(first) => again(meter).await.map_err(|_| first),
        }
    });
    let sample = asked
        .await
        .map_err(|_| "it does not answer".to_owned())?
        .map_err(|error| error.reason)?;
    Ok(Trial {
        meter: sample.identity.clone(),
        sample: last_sample(&sample),
    })
}

/// Reads a meter that has just failed, as soon as it may be asked.
async fn again(meter: &dyn Meter) -> Result<Sample, NotRead> {
    let asked = meter.sample().await;
    match asked {
        Err(NotRead {
            again_in: Some(wait),
            ..
        }) => {
            tokio::time::sleep(wait).await;
            meter.sample().await
        }
        asked => asked,
    }
}
