//! Single readings in envelopes that a gateway signed: one envelope, one submission. They are signed before
//! the load begins: in the field that is done by as many processors as there are gateways.

use super::Bench;
use super::sustained::sustain;
use crate::figure::Figure;
use crate::http::{Connection, Reply, post};
use crate::load::{Client, Crowd};
use crate::random::Random;
use crate::world::{DEVICE_YEAR, half_hour};
use anyhow::{Context, Result, ensure};
use schemas::gateway::Algorithm;
use schemas::gateway::jws;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use tests::{GatewayKey, enrolment, measured, meter_readings};

/// Submissions in flight, each of a device of its own.
const IN_FLIGHT: usize = 256;
/// Submissions per second that are signed ahead; those beyond are signed when their turn comes.
const SIGNED_AHEAD: usize = 8_000;

struct Meter {
    gateway_id: i64,
    key: Arc<GatewayKey>,
    device: i64,
    half_hour: usize,
    previous: Option<String>,
    random: Random,
    signed: VecDeque<Vec<u8>>,
}

impl Meter {
    /// The request with the device's next envelope.
    fn sign(&mut self) -> Option<Vec<u8>> {
        if self.half_hour >= DEVICE_YEAR {
            return None;
        }
        let (start, end) = (half_hour(self.half_hour), half_hour(self.half_hour + 1));
        let wh = i64::try_from(10_000 + self.random.below(4_000_000)).ok()?;
        self.half_hour += 1;
        let chain = (i64::try_from(self.half_hour).ok()?, self.previous.take());
        let readings = vec![measured(start, end, wh)];
        let payload = meter_readings(self.gateway_id, self.device, chain, readings);
        let envelope = self.key.sign(&payload);
        self.previous = Some(jws::hash(&envelope));
        let body = format!(r#"{{"envelopes":["{envelope}"]}}"#);
        Some(post("/gateway/events", "", &body))
    }
}

impl Client for Meter {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.signed.pop_front().or_else(|| self.sign())
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(200)?;
        let accepted = br#""status":"accepted""#;
        ensure!(
            reply
                .body
                .windows(accepted.len())
                .any(|part| part == accepted),
            "not accepted: {}",
            String::from_utf8_lossy(reply.body)
        );
        Ok(())
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (algorithm, [name, p99, cpu]) in [
        (
            Algorithm::Es256,
            ["gateway_es256", "gateway_es256_p99", "gateway_es256_cpu"],
        ),
        (
            Algorithm::EdDsa,
            ["gateway_eddsa", "gateway_eddsa_p99", "gateway_eddsa_cpu"],
        ),
    ] {
        let mut meters = meters(bench, algorithm).await?;
        let seconds = usize::try_from(bench.options.seconds)? * (bench.options.rounds + 1);
        let ahead = SIGNED_AHEAD * seconds / IN_FLIGHT;
        for meter in &mut meters {
            meter.signed = (0..ahead).map_while(|_| meter.sign()).collect();
        }
        let mut crowd = Crowd::connect(bench.world.address, meters).await?;
        let load = sustain(bench, &mut crowd).await?;
        let settings = format!("one reading each, signed by {algorithm}, {IN_FLIGHT} in flight");
        let rate = load.rate(name, "submissions/s").target(5_000.0);
        figures.extend([rate.settings(settings), load.p99(p99), load.cpu(cpu)]);
    }
    Ok(figures)
}

/// A one-time code for a gateway of these devices.
pub(super) async fn code(bench: &Bench, devices: &[i64]) -> Result<String> {
    let mut connection = Connection::open(bench.world.address).await?;
    let ask = json!({"account_id": bench.world.source, "device_ids": devices}).to_string();
    let reply = connection
        .send(&post("/gateway/code", &bench.world.producer, &ask))
        .await?;
    reply.expect(201)?;
    let code = reply.json()?["code"].as_str().map(str::to_owned);
    code.context("no code")
}

/// Devices of one gateway, which is enrolled.
async fn meters(bench: &mut Bench, algorithm: Algorithm) -> Result<Vec<Meter>> {
    let devices = bench.world.register_devices(IN_FLIGHT).await?;
    let key = Arc::new(GatewayKey::new(algorithm));
    let code = code(bench, &devices).await?;
    let mut connection = Connection::open(bench.world.address).await?;
    let enrolment = enrolment(&code, &key).to_string();
    let reply = connection
        .send(&post("/gateway/enrol", "", &enrolment))
        .await?;
    reply.expect(201)?;
    let gateway_id = reply.json()?["gateway_id"].as_i64().context("no gateway")?;
    let meters = devices.into_iter().zip(0..).map(|(device, number)| Meter {
        gateway_id,
        key: Arc::clone(&key),
        device,
        half_hour: 0,
        previous: None,
        random: Random::seeded(number),
        signed: VecDeque::new(),
    });
    Ok(meters.collect())
}
