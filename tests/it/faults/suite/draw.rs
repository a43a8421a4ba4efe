//! What happens next.

use super::fault::{Disk, Fault, Link, Part};
use super::stage::Stage;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::time::Duration;
use tests::Way;

const WAYS: [Way; 5] = [Way::Cut, Way::Reset, Way::Slow, Way::Silent, Way::HalfOpen];
/// Seconds that clocks are set off by.
const STEPS_S: [i64; 4] = [-3_600, -90, 90, 3_600];

/// Draws passes: every kind of fault once, in any order, at any of those that it can happen to.
pub struct Draw {
    random: SmallRng,
    left: Vec<Fault>,
    passes: u64,
    disks: bool,
    flushes: bool,
    clocks: bool,
    /// Whether the events are on a server, which is what fails.
    server: bool,
}

impl Draw {
    pub fn new(seed: u64, stage: &Stage) -> Self {
        Self {
            random: SmallRng::seed_from_u64(seed),
            left: Vec::new(),
            passes: 0,
            disks: stage.has_disks(),
            flushes: stage.has_flushes(),
            clocks: stage.has_clocks(),
            server: false,
        }
    }

    /// Passes over what happens to a server of events.
    #[cfg_attr(not(feature = "kurrentdb"), allow(dead_code))]
    pub fn of_server(seed: u64, stage: &Stage) -> Self {
        let mut draw = Self::new(seed, stage);
        draw.server = true;
        draw
    }

    /// The next fault; none after one pass, unless it goes on.
    pub fn next(&mut self, goes_on: bool) -> Option<Fault> {
        if self.left.is_empty() && (goes_on || self.passes == 0) {
            self.left = if self.server {
                self.pass_of_server()
            } else {
                self.pass()
            };
            self.passes += 1;
        }
        self.left.pop()
    }

    /// How long a fault lasts beyond what people have to see of it.
    pub fn pause(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(100..2_000))
    }

    fn pass(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for death in [Fault::Kill, Fault::Pause] {
            let parts = [
                Part::Registry(self.registry()),
                Part::WriteProjector,
                Part::ReadProjector,
                Part::WriteDatabase,
                Part::ReadDatabase,
            ];
            faults.extend(parts.map(death));
        }
        let mut links = [
            Link::PeopleRegistry(self.registry()),
            Link::RegistryWrite,
            Link::RegistryRead,
            Link::ProjectorWrite,
            Link::ProjectorRead,
        ];
        links.shuffle(&mut self.random);
        faults.extend(
            links
                .into_iter()
                .zip(WAYS)
                .map(|(link, way)| Fault::Network(link, way)),
        );
        if self.disks {
            faults.extend([Disk::EventStore, Disk::Write, Disk::Read].map(Fault::Full));
        }
        if self.flushes {
            faults.push(Fault::Flush(self.registry()));
        }
        if self.clocks {
            let step = STEPS_S[self.random.random_range(0..STEPS_S.len())];
            faults.push(Fault::Clock(self.registry(), step));
        }
        faults.shuffle(&mut self.random);
        faults
    }

    fn pass_of_server(&mut self) -> Vec<Fault> {
        let part = Part::EventStore;
        let mut faults = vec![Fault::Kill(part), Fault::Pause(part)];
        // Nothing passes where the server is stopped. Of those that show alike each pass has one.
        let mut one_of = |ways: [Way; 2]| ways[self.random.random_range(0..2)];
        let ways = [
            Way::Slow,
            one_of([Way::Cut, Way::Reset]),
            one_of([Way::HalfOpen, Way::Stale]),
        ];
        faults.extend(ways.map(|way| Fault::Network(Link::RegistryStore, way)));
        let way = WAYS[self.random.random_range(0..WAYS.len())];
        faults.push(Fault::Network(Link::ProjectorStore, way));
        faults.shuffle(&mut self.random);
        faults
    }

    fn registry(&mut self) -> usize {
        self.random.random_range(0..2)
    }
}
