//! All of it: processes, ways between them, disks, and the people at work.

use super::ENTRY;
use super::crowd::Crowd;
use super::fault::{Disk, Fault, Link, Part};
use super::server::Server;
use super::told::{Links, Told, start, told};
use super::tools::{FailingFlushes, SetClock, can_trace};
use super::worker::{Done, Materials, begin, quantities};
use projections::postgres::{Connection, connect};
use registry::config::Config;
use registry::dev::postgres::Cluster;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Clusters, Program, Proxy, Registry, Role, SmallDisk, Way, World, eventually};
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;

const SERVER: &str = "what happens to a server of events is drawn where there is one";

/// Room on each disk that is filled: a database has 40 MiB to begin with, and 80 of log that it writes anew.
const DISK_MIB: u32 = 512;
/// Far longer than people at work let a checkpoint stand.
const STANDSTILL: Duration = Duration::from_secs(1);
/// How long it may take until everybody has got through, once a fault is over.
const OVER: Duration = Duration::from_secs(120);

/// The stage. Processes end before their databases, which end before their disks.
pub struct Stage {
    working: JoinSet<()>,
    crowd: Arc<Crowd>,
    done: Arc<Done>,
    materials: Materials,
    registries: Vec<Program>,
    projectors: Vec<Program>,
    /// To the registries.
    doors: [Proxy; 2],
    links: Links,
    server: Option<Server>,
    /// What each process is told.
    told: Told,
    world: World,
    clocks: Option<[SetClock; 2]>,
    disks: Option<Disks>,
    _folder: TempDir,
}

struct Disks {
    events: SmallDisk,
    write: SmallDisk,
    read: SmallDisk,
}

impl Disks {
    fn mount() -> Option<Self> {
        Some(Self {
            events: SmallDisk::mount(DISK_MIB)?,
            write: SmallDisk::mount(DISK_MIB)?,
            read: SmallDisk::mount(DISK_MIB)?,
        })
    }

    const fn of(&self, disk: Disk) -> &SmallDisk {
        match disk {
            Disk::EventStore => &self.events,
            Disk::Write => &self.write,
            Disk::Read => &self.read,
        }
    }
}

impl Stage {
    /// Everything at work, on events in a file or on a server.
    pub async fn set(server: Option<Server>) -> Self {
        let folder = TempDir::new().unwrap();
        let temporary = std::env::temp_dir();
        let disks = Disks::mount();
        let on = |disk| {
            disks
                .as_ref()
                .map_or(temporary.as_path(), |disks: &Disks| disks.of(disk).path())
        };
        let clusters = Clusters::own_in(on(Disk::Write), on(Disk::Read)).await;
        let links = Links::to(&clusters).await;
        let mut registry = match &server {
            None => Registry::prepare_in(clusters, on(Disk::EventStore)).await,
            Some(server) => {
                let domain = Config::default().domain;
                Registry::prepare_on(clusters, &domain, Some(server.url())).await
            }
        };
        registry.config.event_store.shared = server.is_none();
        let told = told(&registry.config, &links, server.as_ref());
        let clocks = clocks(folder.path());
        let projectors = [Role::WriteProjector, Role::ReadProjector].map(|role| {
            Program::start(
                role,
                &told.projector,
                ENTRY,
                told.events_of_projector.as_slice(),
            )
        });
        let projectors = futures_util::future::join_all(projectors).await;
        let mut registries = Vec::new();
        for which in 0..2 {
            registries.push(start(&told, clocks.as_ref(), which).await);
        }
        let doors = [
            Proxy::to_address(registries[0].address()).await,
            Proxy::to_address(registries[1].address()).await,
        ];
        registry.config.http.port = doors[0].port();
        let world = World::on(registry).await;
        let materials = Materials::in_the(&world).await;
        let (crowd, done) = (Crowd::new(), Arc::default());
        let working = begin(&world, &materials, &doors, &crowd, &done);
        Self {
            working,
            crowd,
            done,
            materials,
            registries,
            projectors,
            doors,
            links,
            server,
            told,
            world,
            clocks,
            disks,
            _folder: folder,
        }
    }

    pub fn crowd(&self) -> Arc<Crowd> {
        Arc::clone(&self.crowd)
    }

    /// Whether disks can be filled.
    pub fn has_disks(&self) -> bool {
        self.disks.is_some()
    }

    /// Whether flushes can be made to fail.
    pub fn has_flushes(&self) -> bool {
        let can = can_trace();
        if !can {
            eprintln!(
                "no flush fails: strace is not installed, or may not look at other processes"
            );
        }
        can
    }

    /// Whether clocks can be set.
    pub fn has_clocks(&self) -> bool {
        if self.clocks.is_none() {
            eprintln!("no clock is set: libfaketime is not installed");
        }
        self.clocks.is_some()
    }

    /// Lets it happen; what is given goes on until it is dropped.
    pub async fn apply(&mut self, fault: &Fault) -> Option<FailingFlushes> {
        match *fault {
            Fault::Kill(Part::WriteDatabase) => self.world.registry.clusters.write.kill9().await,
            Fault::Kill(Part::ReadDatabase) => self.world.registry.clusters.read.kill9().await,
            Fault::Kill(Part::EventStore) => self.server_mut().down().await,
            Fault::Kill(part) => self.program(part).kill9().await,
            Fault::Pause(Part::WriteDatabase) => self.world.registry.clusters.write.pause(),
            Fault::Pause(Part::ReadDatabase) => self.world.registry.clusters.read.pause(),
            Fault::Pause(Part::EventStore) => self.server().pause(),
            Fault::Pause(part) => self.program(part).pause(),
            Fault::Network(link, way) => self.way(link).set(way),
            Fault::Full(disk) => self.fill(disk).await,
            Fault::Flush(which) => return Some(self.fail_flushes(which).await),
            Fault::Clock(which, off_s) => self.set_clock(which, off_s).await,
        }
        None
    }

    /// Mends what can be mended; the rest is for the programs to do.
    pub async fn heal(&mut self, fault: &Fault) {
        match *fault {
            Fault::Kill(Part::WriteDatabase) => {
                self.world.registry.clusters.write.restart().await.unwrap()
            }
            Fault::Kill(Part::ReadDatabase) => {
                self.world.registry.clusters.read.restart().await.unwrap()
            }
            Fault::Kill(Part::EventStore) => self.server_mut().up().await,
            Fault::Kill(part) => self.start(part).await,
            Fault::Pause(Part::WriteDatabase) => self.world.registry.clusters.write.resume(),
            Fault::Pause(Part::ReadDatabase) => self.world.registry.clusters.read.resume(),
            Fault::Pause(Part::EventStore) => self.server().resume(),
            Fault::Pause(part) => self.program(part).resume(),
            Fault::Network(link, _) => self.way(link).set(Way::Open),
            Fault::Full(disk) => {
                self.disk(disk).free();
                let clusters = &mut self.world.registry.clusters;
                revive(&mut clusters.write).await;
                revive(&mut clusters.read).await;
            }
            Fault::Flush(which) => self.start(Part::Registry(which)).await,
            Fault::Clock(which, _) => self.set_clock(which, 0).await,
        }
    }

    /// Waits until everybody has got through, lets them rest, and audits all of it.
    /// Refusals may be missing in the audit trail if it could not be written meanwhile.
    pub async fn audited(&mut self, has_whole_trail: bool) {
        let crowd = self.crowd();
        let resting = tokio::select! {
            resting = crowd.rest() => resting,
            Some(failed) = self.working.join_next() => panic!("somebody gave up: {failed:?}"),
            () = tokio::time::sleep(OVER) => panic!("not everybody gets through within {OVER:?}"),
        };
        for program in self.registries.iter_mut().chain(&mut self.projectors) {
            assert_eq!(
                program.ended(),
                None,
                "a process has ended by itself; see above"
            );
        }
        self.world.registry.audit().await;
        self.nothing_is_missing_or_twice(has_whole_trail).await;
        // What a server has written since the last time is kept small, as its disk is.
        for connection in [
            &self.world.registry.config.database.write,
            &self.world.registry.config.database.read,
        ] {
            connect(connection)
                .await
                .unwrap()
                .batch_execute("CHECKPOINT")
                .await
                .unwrap();
        }
        drop(resting);
    }

    /// Stops the work, and says how much was done.
    pub async fn end(mut self) -> String {
        self.crowd.stop();
        while let Some(ended) = self.working.join_next().await {
            ended.unwrap();
        }
        self.audited(true).await;
        let readings = self
            .done
            .readings
            .each_ref()
            .map(|count| count.load(Ordering::Acquire));
        let moved = self.done.moved.load(Ordering::Acquire);
        format!(
            "{} readings and {moved} moved Wh acknowledged",
            readings.iter().sum::<i64>()
        )
    }

    async fn nothing_is_missing_or_twice(&self, has_whole_trail: bool) {
        for (readings, device) in self.done.readings.iter().zip(self.materials.devices) {
            let count = readings.load(Ordering::Acquire);
            let metered = "SELECT count(*), coalesce(sum(wh), 0)::bigint FROM measurement \
                           WHERE device_id = $1 AND NOT is_deleted";
            let issued = "SELECT count(*), coalesce(sum(range_end - range_start + 1), 0)::bigint FROM bundle \
                          WHERE device_id = $1";
            for question in [metered, issued] {
                let found = self.asked(question, &[&device]).await;
                assert_eq!(
                    found,
                    (count, quantities(count)),
                    "of device {device}: {question}"
                );
            }
        }
        let held = "SELECT count(*), coalesce(sum(range_end - range_start + 1), 0)::bigint FROM bundle \
                    WHERE account_id = $1 AND status <> 'Bundle Split'";
        let moved = self.done.moved.load(Ordering::Acquire);
        assert_eq!(
            self.asked(held, &[&self.world.t]).await,
            (moved, moved),
            "certificates moved one by one"
        );
        let mistakes = std::mem::take(&mut *self.done.mistakes.lock().unwrap());
        let recorded = "SELECT count(*), count(DISTINCT request_id) FROM audit_entry \
                        WHERE code = 'bundle_not_found' AND request_id = ANY($1)";
        let count = i64::try_from(mistakes.len()).unwrap();
        if !has_whole_trail {
            let (entries, requests) = self.asked(recorded, &[&mistakes]).await;
            assert_eq!(
                entries, requests,
                "I8: no refusal is in the audit trail twice"
            );
            return;
        }
        let what = "I8: each refusal that was answered is in the audit trail once";
        eventually(what, || async {
            (self.asked(recorded, &[&mistakes]).await == (count, count)).then_some(())
        })
        .await;
    }

    async fn asked(&self, question: &str, about: &[&(dyn ToSql + Sync)]) -> (i64, i64) {
        let client = connect(&self.world.registry.config.database.read)
            .await
            .unwrap();
        let row = client.query_one(question, about).await.unwrap();
        (row.get(0), row.get(1))
    }

    fn program(&mut self, part: Part) -> &mut Program {
        match part {
            Part::Registry(which) => &mut self.registries[which],
            Part::WriteProjector => &mut self.projectors[0],
            Part::ReadProjector => &mut self.projectors[1],
            Part::WriteDatabase | Part::ReadDatabase | Part::EventStore => {
                panic!("a server is no program of ours")
            }
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect(SERVER)
    }

    fn server_mut(&mut self) -> &mut Server {
        self.server.as_mut().expect(SERVER)
    }

    /// Starts what has ended.
    async fn start(&mut self, part: Part) {
        let started = match part {
            Part::Registry(which) => start(&self.told, self.clocks.as_ref(), which).await,
            Part::WriteProjector => self.projector(Role::WriteProjector).await,
            _ => self.projector(Role::ReadProjector).await,
        };
        if let Part::Registry(which) = part {
            self.doors[which].lead_to(started.address());
        }
        *self.program(part) = started;
    }

    async fn projector(&self, role: Role) -> Program {
        let events = self.told.events_of_projector.as_slice();
        Program::start(role, &self.told.projector, ENTRY, events).await
    }

    fn way(&self, link: Link) -> &Proxy {
        match link {
            Link::PeopleRegistry(which) => &self.doors[which],
            Link::RegistryWrite => &self.links.registry_write,
            Link::RegistryRead => &self.links.registry_read,
            Link::ProjectorWrite => &self.links.projector_write,
            Link::ProjectorRead => &self.links.projector_read,
            Link::RegistryStore => &self.server().registries,
            Link::ProjectorStore => &self.server().projectors,
        }
    }

    fn disk(&self, disk: Disk) -> &SmallDisk {
        self.disks
            .as_ref()
            .expect("it is drawn where there are disks")
            .of(disk)
    }

    /// Returns when what is on the disk has used up the room that it had within its own files.
    async fn fill(&self, disk: Disk) {
        let config = &self.world.registry.config;
        let database = match disk {
            Disk::EventStore => {
                use_no_spare_room(config);
                return self.disk(disk).fill();
            }
            Disk::Write => &config.database.write,
            Disk::Read => &config.database.read,
        };
        self.disk(disk).fill();
        eventually("a database without room stands still", || async {
            let before = checkpoint(database).await;
            tokio::time::sleep(STANDSTILL).await;
            let after = checkpoint(database).await;
            (before.is_none() || before == after).then_some(())
        })
        .await;
    }

    /// Returns when the process has ended by itself.
    async fn fail_flushes(&mut self, which: usize) -> FailingFlushes {
        let failing = FailingFlushes::of(self.registries[which].id());
        let deadline = tokio::time::Instant::now() + OVER;
        let ended = loop {
            if let Some(ended) = self.registries[which].ended() {
                break ended;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "it goes on though its flushes fail"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(!ended.success(), "it says that something is wrong");
        failing
    }

    /// Returns when the registry goes by it.
    async fn set_clock(&self, which: usize, off_s: i64) {
        let clocks = self
            .clocks
            .as_ref()
            .expect("it is drawn where there are clocks");
        clocks[which].set(off_s);
        let somebody = self.world.auditor.alone().through(&self.doors[which]);
        eventually(
            "the registry goes by the time that it is set to",
            || async {
                let answer = somebody.get("/healthz").await;
                let date = chrono::DateTime::parse_from_rfc2822(answer.header("date")).unwrap();
                let off = (date.to_utc() - chrono::Utc::now()).num_seconds();
                ((off - off_s).abs() < 30).then_some(())
            },
        )
        .await;
    }
}

fn clocks(folder: &Path) -> Option<[SetClock; 2]> {
    Some([
        SetClock::in_the(folder, "clock-0")?,
        SetClock::in_the(folder, "clock-1")?,
    ])
}

/// Has the log of the event store be as short as it can be: what it has to itself is room on a full disk.
fn use_no_spare_room(config: &Config) {
    let location = config.event_store_location().unwrap();
    let events = rusqlite::Connection::open(location.file().unwrap()).unwrap();
    events.busy_timeout(OVER).unwrap();
    let moved: i64 = events
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(moved, 0, "nobody keeps the log from being moved");
}

/// How far a database shows the ledger, if it answers.
async fn checkpoint(database: &Connection) -> Option<i64> {
    let client = connect(database).await.ok()?;
    let sql = "SELECT position FROM checkpoint WHERE stream = 'ledger'";
    let row = client.query_one(sql, &[]).await.ok()?;
    row.try_get(0).ok()
}

/// A server that ended for want of room is started again.
async fn revive(cluster: &mut Cluster) {
    if cluster.has_ended() {
        cluster.restart().await.unwrap();
    }
}
