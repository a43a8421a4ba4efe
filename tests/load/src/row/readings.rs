//! Single readings, as gateways send them: one reading, one submission.

use super::Bench;
use super::sustained::sustain;
use crate::figure::Figure;
use crate::http::{Reply, post};
use crate::load::{Client, Crowd};
use crate::random::Random;
use crate::world::{DEVICE_YEAR, half_hour};
use anyhow::Result;
use chrono::SecondsFormat;

/// Submissions in flight, each of a device of its own.
const IN_FLIGHT: usize = 256;

struct Meter {
    device: i64,
    token: String,
    half_hour: usize,
    random: Random,
}

impl Client for Meter {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.half_hour >= DEVICE_YEAR {
            return None;
        }
        let shown = |n| half_hour(n).to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = format!(
            r#"{{"device_id":{},"readings":[{{"interval_start_datetime":"{}","interval_end_datetime":"{}","interval_usage":{},"gross_net_indicator":"NET"}}]}}"#,
            self.device,
            shown(self.half_hour),
            shown(self.half_hour + 1),
            10_000 + self.random.below(4_000_000)
        );
        self.half_hour += 1;
        Some(post("/measurement/submit_readings", &self.token, &body))
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(200)
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let devices = bench.world.register_devices(IN_FLIGHT).await?;
    let token = bench.world.producer.clone();
    let meters = devices.into_iter().zip(0..).map(|(device, number)| Meter {
        device,
        token: token.clone(),
        half_hour: 0,
        random: Random::seeded(number),
    });
    let mut crowd = Crowd::connect(bench.world.address, meters).await?;
    let load = sustain(bench, &mut crowd).await?;
    let settings =
        format!("one reading each, {IN_FLIGHT} in flight, access tokens (not signed by a gateway)");
    Ok(vec![
        load.rate("readings", "submissions/s")
            .target(5_000.0)
            .settings(settings),
        load.p99("readings_p99"),
        load.cpu("readings_cpu"),
        load.log_bytes("readings_log_bytes"),
    ])
}
