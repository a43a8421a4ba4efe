//! Single readings in envelopes that a gateway signed: one envelope, one submission. They are signed before
//! the load begins: in the field that is done by as many processors as there are gateways.

use super::Bench;
use super::sustained::sustain;
use crate::edge::{Edge, measured, meter, profile};
use crate::figure::Figure;
use crate::http::{Reply, post};
use crate::load::{Client, Crowd};
use crate::random::Random;
use crate::world::{DEVICE_YEAR, half_hour};
use anyhow::{Result, ensure};
use gateway::signer::{Signer, Statement};
use schemas::gateway::jws::{self, Signed};
use schemas::gateway::{Algorithm, MeterReadings};
use schemas::id::{DeviceId, GatewayId};
use std::collections::VecDeque;
use std::sync::Arc;

/// Submissions in flight, each of a device of its own.
const IN_FLIGHT: usize = 256;
/// Submissions per second that are signed ahead; those beyond are signed when their turn comes.
const SIGNED_AHEAD: usize = 8_000;

struct Meter {
    gateway_id: GatewayId,
    key: Arc<dyn Signer>,
    device: DeviceId,
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
        let payload = MeterReadings {
            context: MeterReadings::CONTEXT.to_owned(),
            gateway_id: self.gateway_id,
            device_id: self.device,
            meter: meter(),
            profile: profile(),
            sequence: i64::try_from(self.half_hour).ok()?,
            previous: self.previous.take(),
            created_at: end,
            readings: vec![measured(start, end, wh)],
        };
        let statement = Statement::readings(self.key.public_key(), &payload);
        let envelope = self.key.sign(statement).ok()?;
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
    for (algorithm, [name, p99, cpu, log]) in [
        (
            Algorithm::Es256,
            [
                "gateway_es256",
                "gateway_es256_p99",
                "gateway_es256_cpu",
                "gateway_es256_log_bytes",
            ],
        ),
        (
            Algorithm::EdDsa,
            [
                "gateway_eddsa",
                "gateway_eddsa_p99",
                "gateway_eddsa_cpu",
                "gateway_eddsa_log_bytes",
            ],
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
        figures.extend([
            rate.settings(settings),
            load.p99(p99),
            load.cpu(cpu),
            load.log_bytes(log),
        ]);
    }
    Ok(figures)
}

/// Devices of one gateway, which is enrolled.
async fn meters(bench: &mut Bench, algorithm: Algorithm) -> Result<Vec<Meter>> {
    let devices = bench.world.register_devices(IN_FLIGHT).await?;
    let edge = Edge::enrol(bench, &devices, algorithm).await?;
    let key = edge.signer()?;
    let meters = devices.into_iter().zip(0..).map(|(device, number)| Meter {
        gateway_id: edge.enrolment.gateway_id,
        key: Arc::clone(&key),
        device: DeviceId(device),
        half_hour: 0,
        previous: None,
        random: Random::seeded(number),
        signed: VecDeque::new(),
    });
    let meters = meters.collect();
    edge.buffer.close().await;
    Ok(meters)
}
