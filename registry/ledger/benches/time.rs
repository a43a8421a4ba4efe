//! Times the rules' hot paths: `make bench.paths`, or `cargo bench -p ledger --bench time -- transfer`.
//! Whether one has become slower is told by `instructions`, which counts them and does not depend on what else the
//! machine does.
#![allow(clippy::unwrap_used)]

mod path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use path::PATHS;

fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ledger");
    for (name, prepare) in PATHS {
        group.throughput(Throughput::Elements(prepare().elements));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(prepare, |work| (work.run)(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, paths);
criterion_main!(benches);
