//! Readings become signed envelopes.

use crate::buffer::{Sealed, Unsealed};
use crate::signer::{Signer, SignerError, Statement};
use chrono::{DateTime, Utc};
use schemas::gateway::MeterReadings;
use schemas::gateway::jws::{Signed, hash};
use schemas::gateway::limit::MAX_READINGS;
use schemas::id::GatewayId;

/// Signs runs of readings as envelopes of at most [`MAX_READINGS`], each device's chained. `made_at` is the
/// moment of signing. Takes as long as the key takes.
///
/// # Errors
/// When the key does not sign.
pub fn seal(
    signer: &dyn Signer,
    gateway: GatewayId,
    made_at: DateTime<Utc>,
    runs: Vec<Unsealed>,
) -> Result<Vec<Sealed>, SignerError> {
    let mut sealed: Vec<Sealed> = Vec::new();
    for run in runs {
        let mut first_reading = run.first_reading;
        for readings in run.readings.chunks(MAX_READINGS) {
            let (sequence, previous) = match sealed.last() {
                Some(before) if before.device == run.device => {
                    (before.sequence + 1, Some(hash(&before.compact)))
                }
                _ => (run.next_sequence, run.previous.clone()),
            };
            let payload = MeterReadings {
                context: MeterReadings::CONTEXT.to_owned(),
                gateway_id: gateway,
                device_id: run.device,
                meter: run.meter.clone(),
                profile: run.profile.clone(),
                sequence,
                previous: previous.clone(),
                created_at: made_at,
                readings: readings.to_vec(),
            };
            let compact = signer.sign(Statement::readings(signer.public_key(), &payload))?;
            let count = i64::try_from(readings.len()).unwrap_or(i64::MAX);
            sealed.push(Sealed {
                device: run.device,
                sequence,
                previous,
                key: signer.key_id(),
                compact,
                first_reading,
                readings: count,
                ends_at: readings
                    .first()
                    .map_or(made_at, |reading| reading.interval_end),
            });
            first_reading += count;
        }
    }
    Ok(sealed)
}
