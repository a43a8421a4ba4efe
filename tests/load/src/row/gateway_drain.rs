//! A gateway that was cut off for a month sends what it kept, by its own buffer, key and uplink; and what a reading
//! weighs on the wire, then and where each is sent by itself.

use super::Bench;
use crate::edge::{Edge, measured, meter, profile};
use crate::figure::Figure;
use crate::load::per_second;
use crate::world::half_hour;
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use gateway::buffer::Taken;
use gateway::clock::Clock;
use gateway::uplink::{Registry, Turn, Uplink};
use schemas::gateway::{Algorithm, Reading};
use schemas::id::DeviceId;
use std::time::Instant;

/// Meters of the gateway.
const METERS: usize = 10;
/// Days that it was cut off.
const DAYS: i64 = 30;
/// Intervals of five minutes in a day.
const INTERVALS: i64 = 288;

/// What a drain came to.
struct Drained {
    readings_per_s: f64,
    bytes_per_reading: f64,
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (mut rates, mut many, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=bench.options.rounds {
        let drained = drain(bench, METERS, DAYS * INTERVALS).await?;
        let alone = drain(bench, 1, 1).await?;
        // The first round warms up.
        if round > 0 {
            rates.push(drained.readings_per_s);
            many.push(drained.bytes_per_reading);
            single.push(alone.bytes_per_reading);
        }
    }
    let backlog = format!("{METERS} meters, {DAYS} days, every five minutes, signed by ES256");
    let body = "body of the request, packed; the counters of all readings are alike";
    Ok(vec![
        Figure::higher("gateway_drain", "readings/s", rates)
            .target(5_000.0)
            .settings(backlog.clone()),
        Figure::lower("gateway_bytes", "bytes/reading", many)
            .settings(format!("{body}; {backlog}")),
        Figure::lower("gateway_bytes_single", "bytes/reading", single)
            .settings(format!("{body}; one reading in it")),
    ])
}

/// Has a new gateway take so many readings of each meter, and then send them.
async fn drain(bench: &mut Bench, meters: usize, readings: i64) -> Result<Drained> {
    let devices = bench.world.register_devices(meters).await?;
    let edge = Edge::enrol(bench, &devices, Algorithm::Es256).await?;
    let mut total = 0_u64;
    for device in devices {
        let all: Vec<_> = (0..readings).map(reading).collect();
        for day in all.chunks(usize::try_from(INTERVALS)?) {
            total += u64::try_from(day.len())?;
            edge.buffer.record(taken(device, day.to_vec())).await?;
        }
    }
    let registry = Registry::new(edge.folder(), &edge.config)?;
    let (id, kept) = (edge.enrolment.gateway_id, edge.buffer.clone());
    let uplink = Uplink::new(registry, id, edge.signer()?, kept, Clock::default()).await?;
    let began = Instant::now();
    let turn = uplink.send().await;
    let elapsed = began.elapsed();
    let report = uplink.report();
    ensure!(turn == Turn::Idle(None), "{turn:?}: {report:?}");
    ensure!(report.readings_accepted == total, "{report:?}");
    drop(uplink);
    edge.buffer.close().await;
    Ok(Drained {
        readings_per_s: per_second(total, elapsed),
        bytes_per_reading: report.bytes_sent as f64 / total as f64,
    })
}

fn reading(number: i64) -> Reading {
    let start = half_hour(0) + TimeDelta::minutes(5 * number);
    // Not all alike, so that packing has something to do.
    let wh = 10_000 + number * 7_919 % 30_011;
    measured(start, start + TimeDelta::minutes(5), wh)
}

fn taken(device: i64, readings: Vec<Reading>) -> Taken {
    Taken {
        device: DeviceId(device),
        meter: meter(),
        profile: profile(),
        readings,
        accounts: String::new(),
    }
}
