//! Three ledgers that exchange certificates, by signed files, receipts, refusals, rows and words, in any order.
//!
//! A document counts as signed if a ledger decided for it; whose it is and what it is about is compared as at the
//! edge. Files, receipts and refusals are lost (nobody picks them) and replayed (somebody picks them again). A ledger
//! may lose its last offers with a restored log; their files stay about, and their ids are used again.

mod history;

use super::*;
use ledger::Decision;
use ledger::command::Amount;
use schemas::id::DeviceId;
use schemas::life_cycle::{QuantityMode, Settle};
use std::collections::{BTreeMap, BTreeSet};

/// The newest of the active bundles.
const NEWEST: usize = usize::MAX;
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
            rows.push(ImportRow {
                device: index,
                ..row(number, *start, *end)
            });
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
