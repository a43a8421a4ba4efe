//! What settles an offer fits where the offer was made.

use super::*;
use proptest::prelude::*;

/// Bytes of the one event of a decision.
fn size(events: &[Event]) -> usize {
    let [event] = events else {
        panic!("{events:?}");
    };
    event.encode().len()
}

#[test]
fn certificates_of_bundles_that_touch_leave_as_one_range() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100; 6]))).unwrap();
    world.run(export(&[6, 1, 3, 2])).unwrap();
    let confirmed = world.run(confirm(1)).unwrap();
    let [Event::Ledger(LedgerEvent::BundlesActed(action))] = &confirmed.events[..] else {
        panic!("{confirmed:?}");
    };
    let [left] = &action.export.as_ref().unwrap().certificates[..] else {
        panic!("{action:?}");
    };
    let ranges = [(1, 300), (501, 600)].map(|(a, b)| (CertificateId(a), CertificateId(b)));
    assert_eq!(left.ranges, ranges);
    world.audit();
}

fn text() -> impl Strategy<Value = String> {
    let any = prop::collection::vec(any::<char>(), 1..500);
    prop_oneof![
        any.prop_map(|chars| chars.into_iter().collect()),
        Just("\u{1}".repeat(MAX_REFERENCE_CHARS)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_offered_can_be_confirmed_or_taken_back_in_the_room_that_the_offer_was_held_to(
        readings_of in prop::collection::vec((1_i64..=2, 0_i64..200, 1_i64..1_000_000), 1..20),
        imported in prop::collection::vec((1_i64..1_000_000_000_000, 1_i64..1_000), 0..10),
        picked in any::<prop::sample::Index>(),
        share in 1_i64..1_000,
        reference in text(),
        reason in prop::option::of(text()),
        is_confirmed in any::<bool>(),
        without_signature in any::<bool>(),
    ) {
        let mut world = World::with_accounts();
        for (device, hour, wh) in readings_of {
            // One of the second device is somebody else's, and of one hour only the first counts.
            let _ = world.run(readings(device, hours(hour, &[wh])));
        }
        for (start, wh) in imported {
            let _ = world.run(import(vec![row(1, start, start + wh - 1)]));
        }
        let mut held: Vec<i64> = world
            .bundles()
            .into_iter()
            .filter(|(_, bundle)| bundle.account_id == AccountId(1))
            .map(|(id, _)| id.0)
            .collect();
        held.truncate(1 + picked.index(held.len().max(1)));
        let Command::ActOnBundles(mut offer) = export(&held) else { unreachable!() };
        offer.amount = ledger::command::Amount::Quantity(
            WattHours(share), schemas::life_cycle::QuantityMode::PerBundle);
        let Ok(offered) = world.run(Command::ActOnBundles(offer)) else { return Ok(()) };
        let room = size(&offered.reserved);
        let settlement = if is_confirmed {
            Settlement::Confirmed { reference, reason }
        } else {
            Settlement::TakenBack(reference)
        };
        let Command::SettleExport(mut asked) = settle(1, settlement) else { unreachable!() };
        asked.without_signature = without_signature;
        if let Ok(settled) = world.run(Command::SettleExport(asked)) {
            prop_assert!(size(&settled.events) <= room);
        }
    }
}
