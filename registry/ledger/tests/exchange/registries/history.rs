//! Histories, random and chosen.

use super::*;
use proptest::prelude::*;

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

impl Registries {
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
