//! Times what is done with a gateway's envelope before it is decided: taken apart, verified, hashed.
#![allow(clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use registry::gateway::VerifyingKey;
use schemas::gateway::jws;
use schemas::gateway::limit::MAX_ENVELOPE_BYTES;
use schemas::gateway::{Algorithm, MeterReadings};
use std::hint::black_box;
use tests::{GatewayKey, measured_hour, meter_readings};

/// Readings of an envelope: one that is sent at once, and one of a backlog.
const READINGS: [i64; 2] = [1, 500];

fn envelopes(criterion: &mut Criterion) {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = GatewayKey::new(algorithm);
        let verifying = VerifyingKey::new(&key.public()).unwrap();
        let mut group = criterion.benchmark_group(algorithm.to_string());
        for count in READINGS {
            let readings = (0..count).map(|n| measured_hour(n, 1_000)).collect();
            let envelope = key.sign(&meter_readings(1, 1, (1, None), readings));
            let parsed = jws::parse::<MeterReadings>(&envelope, MAX_ENVELOPE_BYTES).unwrap();
            group.bench_function(format!("parse/{count}"), |bencher| {
                bencher.iter(|| {
                    jws::parse::<MeterReadings>(black_box(&envelope), MAX_ENVELOPE_BYTES).unwrap()
                });
            });
            group.bench_function(format!("verify/{count}"), |bencher| {
                bencher.iter(|| {
                    assert!(verifying.verifies(
                        parsed.header.alg,
                        black_box(parsed.signing_input),
                        &parsed.signature
                    ));
                });
            });
            group.bench_function(format!("hash/{count}"), |bencher| {
                bencher.iter(|| jws::hash(black_box(&envelope)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, envelopes);
criterion_main!(benches);
