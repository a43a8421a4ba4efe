//! Three ledgers that exchange certificates, by signed files, receipts, refusals, rows and words, in any order.
//!
//! A document counts as signed if a ledger decided for it; whose it is and what it is about is compared as at the
//! edge. Files, receipts and refusals are lost (nobody picks them) and replayed (somebody picks them again). A ledger
//! may lose its last offers with a restored log; their files stay about, and their ids are used again.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{
    Amount, ImportBundles, ImportDevice, ImportRow, RefuseExport, SettleExport, Settlement,
};
use ledger::{Code, Command, Decision, Event};
use proptest::prelude::*;
use schemas::WattHours;
use schemas::energy::EnergyCarrier;
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::{Certificates, ExportContent, ExportRef};
use schemas::event::issuance::IssuanceTerms;
use schemas::id::{AccountId, ActionId, CertificateId, DeviceId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode, Settle};
use std::collections::{BTreeMap, BTreeSet};
use world::{World, act, at, attributes, hours, metadata, readings};

const NAMES: [&str; 3] = ["gb", "fr", "de"];
/// Wh that each of them issues at first.
const ISSUED: [i64; 2] = [12, 7];

type Range = (DeviceOrigin, i64, i64);

/// A signed file.
#[derive(Debug, Clone)]
struct File {
    from: usize,
    to: usize,
    id: ActionId,
    content: ExportContent,
    ranges: Vec<Range>,
}

/// What a receipt or a refusal is about: who signed, whose export, its id and what it offers.
type About = (usize, usize, ActionId, ExportContent);

impl File {
    fn about(&self) -> About {
        (self.to, self.from, self.id, self.content)
    }

    fn export(&self) -> ExportRef {
        ExportRef {
            registry: NAMES[self.from].into(),
            export_id: self.id,
            content: self.content,
        }
    }
}

struct Registries {
    worlds: Vec<World>,
    files: Vec<File>,
    /// Files of offers that a restored log has lost.
    ghosts: Vec<File>,
    /// Of each world, as it was before each of the offers that it made last.
    before: Vec<Vec<World>>,
    receipts: BTreeSet<About>,
    refusals: BTreeSet<About>,
    /// Files of which the receiving registry's issuing body imported rows instead.
    rows: BTreeSet<About>,
    settled: BTreeSet<(usize, ActionId)>,
}

fn row(number: u32, device: usize, start: i64, end: i64) -> ImportRow {
    ImportRow {
        row: number,
        device,
        metadata: 0,
        start: CertificateId(start),
        end: CertificateId(end),
        quantity: WattHours(end - start + 1),
        production_start: at("2025-05-01T10:00:00Z"),
        production_end: at("2025-05-01T11:00:00Z"),
        status: CertificateStatus::Active,
        terms: IssuanceTerms {
            energy_source: attributes().energy_source,
            energy_carrier: EnergyCarrier::Electricity,
            registry_configuration: 1,
            issuance_post_energy_carrier_conversion: false,
            expiry: at("2027-05-01T12:00:00Z"),
            emissions_factor_production_device: None,
            emissions_factor_source: None,
        },
        issued_at: at("2025-05-01T12:00:00Z"),
        is_storage: false,
        bundle_id: "1".into(),
        issuance_id: "1".into(),
        hash: None,
    }
}

impl Registries {
    fn new() -> Self {
        let worlds = NAMES.map(|_| {
            let mut world = World::with_accounts();
            world.run(readings(1, hours(0, &ISSUED))).unwrap();
            world
        });
        Self {
            worlds: worlds.into(),
            files: Vec::new(),
            ghosts: Vec::new(),
            before: vec![Vec::new(); NAMES.len()],
            receipts: BTreeSet::new(),
            refusals: BTreeSet::new(),
            rows: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// Where the device is at home, under the number it has in the world.
    fn origin(&self, world: usize, device: DeviceId) -> DeviceOrigin {
        let origin = self.worlds[world].device(device.0).origin.clone();
        origin.unwrap_or_else(|| DeviceOrigin {
            registry: NAMES[world].into(),
            device: device.to_string(),
        })
    }

    fn active(&self, world: usize, pick: usize) -> Option<i64> {
        let bundles = self.worlds[world].bundles();
        let active: Vec<_> = bundles
            .iter()
            .filter(|(_, bundle)| bundle.status == CertificateStatus::Active)
            .map(|(id, _)| id.0)
            .collect();
        match pick {
            NEWEST => active.last().copied(),
            pick => active.get(pick % active.len().max(1)).copied(),
        }
    }

    /// Runs a command that no restored log loses.
    fn run(&mut self, world: usize, command: Command) -> Result<Decision, Code> {
        let done = self.worlds[world].run(command);
        if done.as_ref().is_ok_and(|done| !done.events.is_empty()) {
            self.before[world].clear();
        }
        done.map_err(|refusal| refusal.code)
    }

    fn offer(&mut self, from: usize, to: usize, picks: &[usize], wh: i64) {
        let picked: BTreeSet<_> = picks
            .iter()
            .filter_map(|pick| self.active(from, *pick))
            .collect();
        if picked.is_empty() || from == to {
            return;
        }
        let bundles: Vec<_> = picked.into_iter().collect();
        let mut asked = act(ActionType::Export, 1, &bundles);
        asked.receiving_registry = Some(NAMES[to].into());
        asked.amount = Amount::Quantity(WattHours(wh), QuantityMode::PerBundle);
        self.before[from].push(self.worlds[from].clone());
        let decided = self.worlds[from].run(Command::ActOnBundles(asked)).unwrap();
        let Some(Event::Ledger(LedgerEvent::BundlesActed(action))) = decided.events.first() else {
            panic!("an export is an action");
        };
        let range = |part: &schemas::event::action::Part| {
            let bundle = self.worlds[from].bundle(part.acted_on().0);
            (
                self.origin(from, bundle.device_id),
                bundle.start.0,
                bundle.end.0,
            )
        };
        let mut ranges: Vec<_> = action.parts.iter().map(range).collect();
        ranges.sort_by_key(|(origin, start, _)| (origin.registry.clone(), *start));
        let digest = ledger::key::origin_digest(&DeviceOrigin {
            registry: format!("{ranges:?}"),
            device: String::new(),
        });
        let mut content = [0; 32];
        content[..16].copy_from_slice(digest.as_bytes());
        self.files.push(File {
            from,
            to,
            id: action.action_id,
            content: ExportContent(content),
            ranges,
        });
    }

    /// The world's log is restored to before its last offer, which nobody has decided on.
    fn forget(&mut self, world: usize) {
        let Some(before) = self.before[world].pop() else {
            return;
        };
        let last = self.files.iter().rposition(|file| file.from == world);
        let last = last.expect("a file of the last offer");
        let about = self.files[last].about();
        if self.receipts.contains(&about) || self.rows.contains(&about) {
            // What was imported is in circulation there: no rule mends a log that was restored to before that.
            self.before[world].clear();
            return;
        }
        let lost = self.files.remove(last);
        self.ghosts.push(lost);
        self.worlds[world] = before;
    }

    fn import(&mut self, file: &File, signed: bool) -> Result<Decision, Code> {
        let mut devices: Vec<ImportDevice> = Vec::new();
        let mut rows = Vec::new();
        for (number, (origin, start, end)) in (1..).zip(&file.ranges) {
            let known = devices.iter().position(|device| device.origin == *origin);
            let index = known.unwrap_or(devices.len());
            if known.is_none() {
                devices.push(ImportDevice {
                    origin: origin.clone(),
                    attributes: attributes(),
                });
            }
            rows.push(row(number, index, *start, *end));
        }
        let import = ImportBundles {
            account_id: AccountId(1),
            here: NAMES[file.to].into(),
            export: signed.then_some(file.export()),
            devices,
            metadata: vec![metadata()],
            rows,
            unreadable: Vec::new(),
        };
        let decided = self.run(file.to, Command::ImportBundles(Box::new(import)));
        if decided.is_ok() {
            let taken = if signed {
                &mut self.receipts
            } else {
                &mut self.rows
            };
            taken.insert(file.about());
        }
        decided
    }

    fn refuse(&mut self, file: &File) -> Result<Decision, Code> {
        let certificates = file.ranges.iter().map(|(origin, start, end)| Certificates {
            origin: origin.clone(),
            ranges: vec![(CertificateId(*start), CertificateId(*end))],
        });
        let refuse = RefuseExport {
            export: file.export(),
            here: NAMES[file.to].into(),
            certificates: certificates.collect(),
        };
        let decided = self.run(file.to, Command::RefuseExport(Box::new(refuse)));
        if decided.is_ok() {
            self.refusals.insert(file.about());
        }
        decided
    }

    fn settle(&mut self, file: &File, confirms: bool, without_signature: bool) -> bool {
        let settlement = match confirms {
            true => Settlement::Confirmed {
                reference: "there".into(),
                reason: None,
            },
            false => Settlement::TakenBack("refused there".into()),
        };
        let settle = SettleExport {
            export_id: file.id,
            source_id: AccountId(1),
            here: NAMES[file.from].into(),
            settlement,
            without_signature,
        };
        match self.run(file.from, Command::SettleExport(settle)) {
            Ok(_) => assert!(self.settled.insert((file.from, file.id))),
            Err(code) => assert_eq!(code, Code::ExportSettled),
        }
        self.is_settled(file)
    }

    /// The issuing bodies of both registries look at the export together: it is confirmed if what it offers came by
    /// rows, and taken back if the receiver neither imports nor refuses it because something of it once did.
    fn settle_on_word(&mut self, file: &File) {
        if self.rows.contains(&file.about()) {
            self.settle(file, true, true);
        } else if self.refuse(file).err() == Some(Code::ImportedByRows) {
            self.settle(file, false, true);
        }
    }

    fn is_settled(&self, file: &File) -> bool {
        self.settled.contains(&(file.from, file.id))
    }

    fn step(&mut self, step: &Step) {
        let file = |pick: &usize| self.files.get(pick % self.files.len().max(1)).cloned();
        let ghost = |pick: &usize| self.ghosts.get(pick % self.ghosts.len().max(1)).cloned();
        match step {
            Step::Offer(from, to, picks, wh) => self.offer(*from, *to, picks, *wh),
            Step::Import(pick) => {
                if let Some(file) = file(pick) {
                    let _ = self.import(&file, true);
                }
            }
            Step::Refuse(pick) => {
                if let Some(file) = file(pick) {
                    let _ = self.refuse(&file);
                }
            }
            Step::Confirm(pick) => {
                if let Some(file) = file(pick).filter(|file| self.receipts.contains(&file.about()))
                {
                    self.settle(&file, true, false);
                }
            }
            Step::TakeBack(pick) => {
                if let Some(file) = file(pick).filter(|file| self.refusals.contains(&file.about()))
                {
                    self.settle(&file, false, false);
                }
            }
            // What the issuing body imports by rows was offered to it: it asks, but forgets what it refused.
            Step::Rows(pick) => {
                let wanted = file(pick)
                    .filter(|file| !self.is_settled(file) || self.refusals.contains(&file.about()));
                if let Some(file) = wanted {
                    let _ = self.import(&file, false);
                }
            }
            Step::Word(pick) => {
                if let Some(file) = file(pick).filter(|file| !self.is_settled(file)) {
                    self.settle_on_word(&file);
                }
            }
            Step::Cancel(world, pick) => {
                if let Some(bundle) = self.active(*world, *pick) {
                    let cancel = act(ActionType::Cancel, 1, &[bundle]);
                    self.run(*world, Command::ActOnBundles(cancel)).unwrap();
                }
            }
            Step::Withdraw(world, pick) => {
                let ids: Vec<_> = self.worlds[*world].bundles().into_keys().collect();
                let withdraw = act(ActionType::Withdraw, 1, &[ids[pick % ids.len()].0]);
                let _ = self.run(*world, Command::ActOnBundles(withdraw));
            }
            Step::Correct(world, hour, wh, settle) => {
                let correct = self.worlds[*world].correction(1, *hour, *wh, *settle);
                let _ = self.run(*world, Command::CorrectReading(correct));
            }
            Step::Forget(world) => self.forget(*world),
            Step::RefuseGhost(pick) => {
                if let Some(ghost) = ghost(pick) {
                    let _ = self.refuse(&ghost);
                }
            }
            // A file that nobody decided on before is imported, and then no rule helps whose log has lost it.
            Step::ImportGhost(pick) => {
                let same_id = |about: &&About| {
                    let (.., id, _) = **about;
                    ghost(pick).is_some_and(|ghost| {
                        (ghost.to, ghost.from, ghost.id) == (about.0, about.1, id)
                    })
                };
                let mut decided = self.receipts.iter().chain(&self.refusals);
                if let Some(ghost) = ghost(pick).filter(|_| decided.any(|about| same_id(&about))) {
                    let code = self.import(&ghost, true).unwrap_err();
                    let before = [
                        Code::ExportIdReused,
                        Code::ExportRefused,
                        Code::ImportedBefore,
                    ];
                    assert!(before.contains(&code), "{code:?}");
                }
            }
        }
    }

    /// How often each certificate can be spent or was.
    fn copies(&self) -> BTreeMap<(String, String, i64), i64> {
        self.count(|status| {
            !matches!(
                status,
                CertificateStatus::BundleSplit
                    | CertificateStatus::Exported
                    | CertificateStatus::ExportOffered
            )
        })
    }

    fn count(
        &self,
        counts: impl Fn(CertificateStatus) -> bool,
    ) -> BTreeMap<(String, String, i64), i64> {
        let mut copies = BTreeMap::new();
        for (index, world) in self.worlds.iter().enumerate() {
            let bundles = world.bundles().into_values();
            for bundle in bundles.filter(|bundle| counts(bundle.status)) {
                let DeviceOrigin { registry, device } = self.origin(index, bundle.device_id);
                for certificate in bundle.start.0..=bundle.end.0 {
                    let key = (registry.clone(), device.clone(), certificate);
                    *copies.entry(key).or_default() += 1;
                }
            }
        }
        copies
    }

    /// Brings every export to its end by what holders can do; the issuing body's word is needed for rows alone.
    fn drain(&mut self) {
        for _ in 0..=self.files.len() {
            for file in self.files.clone() {
                if self.is_settled(&file) {
                    continue;
                }
                let about = file.about();
                if self.receipts.contains(&about) {
                    self.settle(&file, true, false);
                } else if self.refusals.contains(&about) {
                    self.settle(&file, false, false);
                } else if self.import(&file, true).is_ok() {
                    self.settle(&file, true, false);
                } else if self.refuse(&file).is_ok() {
                    self.settle(&file, false, false);
                } else {
                    self.settle_on_word(&file);
                }
            }
        }
        for file in &self.files {
            assert!(self.is_settled(file), "there is no way out for {file:?}");
        }
    }

    /// Certificates that were issued, by all.
    fn issued(&self) -> usize {
        let issued = |world: &World| world.device(1).next_certificate_id.0 - 1;
        let issued = self.worlds.iter().map(issued).sum::<i64>();
        usize::try_from(issued).unwrap()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Offer(usize, usize, Vec<usize>, i64),
    Import(usize),
    Refuse(usize),
    Confirm(usize),
    TakeBack(usize),
    Rows(usize),
    Word(usize),
    Cancel(usize, usize),
    Withdraw(usize, usize),
    Correct(usize, i64, i64, Settle),
    Forget(usize),
    RefuseGhost(usize),
    ImportGhost(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let picks = prop::collection::vec(0_usize..16, 1..3);
    prop_oneof![
        8 => (0_usize..3, 0_usize..3, picks, 1_i64..14)
            .prop_map(|(from, to, picks, wh)| Step::Offer(from, to, picks, wh)),
        8 => (0_usize..64).prop_map(Step::Import),
        3 => (0_usize..64).prop_map(Step::Refuse),
        8 => (0_usize..64).prop_map(Step::Confirm),
        4 => (0_usize..64).prop_map(Step::TakeBack),
        2 => (0_usize..64).prop_map(Step::Rows),
        2 => (0_usize..64).prop_map(Step::Word),
        1 => (0_usize..3, 0_usize..16).prop_map(|(world, pick)| Step::Cancel(world, pick)),
        1 => (0_usize..3, 0_usize..16).prop_map(|(world, pick)| Step::Withdraw(world, pick)),
        1 => (0_usize..3, 0_i64..2, 0_i64..16, prop_oneof![Just(Settle::Now), Just(Settle::Later)])
            .prop_map(|(world, hour, wh, settle)| Step::Correct(world, hour, wh, settle)),
        2 => (0_usize..3).prop_map(Step::Forget),
        1 => (0_usize..64).prop_map(Step::RefuseGhost),
        1 => (0_usize..64).prop_map(Step::ImportGhost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// No certificate is in circulation or spent twice, at any time; every export can be brought to an end, and then
    /// none is lost.
    #[test]
    fn a_certificate_is_in_one_registry_and_every_export_has_a_way_out(
        steps in prop::collection::vec(step(), 1..90),
    ) {
        let mut registries = Registries::new();
        for step in &steps {
            registries.step(step);
            let twice: Vec<_> = registries.copies().into_iter().filter(|(_, copies)| *copies > 1).collect();
            prop_assert!(twice.is_empty(), "{step:?} left {twice:?}");
        }
        registries.drain();
        let copies = registries.copies();
        prop_assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
        prop_assert_eq!(copies.len(), registries.issued(), "a certificate was lost");
        for world in &registries.worlds {
            world.audit();
        }
    }
}

/// All of a bundle that is active in `from` moves to `to`.
fn moved(registries: &mut Registries, from: usize, to: usize, pick: usize) -> File {
    let file = offered(registries, from, to, pick);
    registries.import(&file, true).unwrap();
    assert!(registries.settle(&file, true, false));
    file
}

fn offered(registries: &mut Registries, from: usize, to: usize, pick: usize) -> File {
    registries.offer(from, to, &[pick], i64::MAX);
    registries.files.last().unwrap().clone()
}

/// The newest of the active bundles.
const NEWEST: usize = usize::MAX;

#[test]
fn what_went_round_is_imported_again_or_refused_as_its_receiver_likes() {
    let mut registries = Registries::new();
    for _ in 0..3 {
        moved(&mut registries, 0, 1, 0);
        moved(&mut registries, 1, 2, NEWEST);
        let again = offered(&mut registries, 2, 1, NEWEST);
        registries.refuse(&again).unwrap();
        assert!(registries.settle(&again, false, false));
        moved(&mut registries, 2, 1, NEWEST);
        // And home.
        moved(&mut registries, 1, 0, NEWEST);
        assert!(registries.copies().values().all(|copies| *copies == 1));
        assert_eq!(registries.copies().len(), registries.issued());
    }
}

#[test]
fn no_signed_file_brings_in_what_came_by_rows_once_and_the_issuing_bodies_settle_it() {
    let mut registries = Registries::new();
    let old = offered(&mut registries, 2, 1, 0);
    registries.import(&old, false).unwrap();
    let neither = |registries: &mut Registries, file: &File| {
        for refused in [registries.import(file, true), registries.refuse(file)] {
            assert_eq!(refused.unwrap_err(), Code::ImportedByRows);
        }
    };
    neither(&mut registries, &old);
    moved(&mut registries, 1, 0, NEWEST);
    // It is elsewhere now, but the file is from before it came.
    neither(&mut registries, &old);
    assert_eq!(
        registries.import(&old, false).unwrap_err(),
        Code::ImportElsewhere
    );
    // Nor can that be told from a file that would bring it back.
    let back = offered(&mut registries, 0, 1, NEWEST);
    neither(&mut registries, &back);
    for file in [&old, &back] {
        registries.settle_on_word(file);
        assert!(registries.is_settled(file));
    }
    let mut copies = registries.copies().into_values();
    assert!(copies.all(|copies| copies == 1));
    assert_eq!(registries.copies().len(), registries.issued());
}

#[test]
fn a_file_from_before_a_log_was_restored_settles_nothing_that_is_offered_after() {
    let mut registries = Registries::new();
    let lost = offered(&mut registries, 0, 1, 0);
    registries.forget(0);
    let again = offered(&mut registries, 0, 1, 1);
    assert_eq!((lost.from, lost.id), (again.from, again.id));
    registries.import(&again, true).unwrap();
    assert_eq!(
        registries.import(&lost, true).unwrap_err(),
        Code::ExportIdReused
    );
    registries.refuse(&lost).unwrap();
    // The refusal is of other content: the export it shares the id with is confirmed, not taken back.
    assert!(!registries.refusals.contains(&again.about()));
    assert!(registries.settle(&again, true, false));
    registries.drain();
    assert!(registries.copies().values().all(|copies| *copies == 1));
    assert_eq!(registries.copies().len(), registries.issued());
}
