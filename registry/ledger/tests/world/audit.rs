//! The audit of a world's invariants.

use super::*;

impl World {
    /// I2, I3 and I4 of the targets, recomputed from the entries and the events.
    pub fn audit(&self) {
        let leaves: BTreeMap<_, _> = self
            .bundles()
            .into_iter()
            .filter(|(_, bundle)| bundle.status != CertificateStatus::BundleSplit)
            .collect();
        // I3: the leaves of each device, in order, partition what was issued, without gap or overlap.
        let mut issued: BTreeMap<DeviceId, Vec<(i64, i64)>> = BTreeMap::new();
        let mut imported = BTreeSet::new();
        for event in &self.events {
            if let Event::Ledger(LedgerEvent::BundlesIssued(event)) = event {
                let ranges = event.bundles().map(|bundle| (bundle.start.0, bundle.end.0));
                issued.entry(event.device_id).or_default().extend(ranges);
            }
            if let Event::Ledger(LedgerEvent::StorageCertificatesIssued(event)) = event {
                let bundles = event.sources().filter_map(|(.., bundle)| bundle);
                let ranges = bundles.map(|bundle| (bundle.start.0, bundle.end.0));
                issued.entry(event.device_id).or_default().extend(ranges);
            }
            if let Event::Ledger(LedgerEvent::BundlesImported(event)) = event {
                for (_, lot, bundle) in event.bundles() {
                    imported.insert(lot.device_id);
                    let ranges = issued.entry(lot.device_id).or_default();
                    ranges.push((bundle.start.0, bundle.end.0));
                    ranges.sort_unstable();
                }
            }
        }
        for (device, ranges) in &issued {
            if imported.contains(device) {
                self.audit_imported(*device, ranges, &leaves);
                continue;
            }
            let mut held: Vec<_> = leaves
                .values()
                .filter(|bundle| bundle.device_id == *device)
                .map(|bundle| (bundle.start.0, bundle.end.0))
                .collect();
            held.sort_unstable();
            let mut next = held.iter();
            for (start, end) in ranges {
                let mut expected = *start;
                while expected <= *end {
                    let (from, to) = next.next().expect("a leaf for every certificate issued");
                    assert_eq!(
                        *from, expected,
                        "device {device}: a certificate is missing or held twice"
                    );
                    expected = to + 1;
                }
                assert_eq!(
                    expected,
                    end + 1,
                    "device {device}: a leaf reaches beyond its issuance"
                );
            }
            assert!(
                next.next().is_none(),
                "device {device}: a leaf was never issued"
            );
        }
        // I2: what is issued and not withdrawn is what the reading says, and together with what it paid
        // at most what was metered and what was too much when it was corrected.
        type Reading = (DeviceId, Option<MeterId>, DateTime<Utc>);
        let mut outstanding: BTreeMap<Reading, i64> = BTreeMap::new();
        for bundle in leaves
            .values()
            // What was imported is metered elsewhere.
            .filter(|bundle| !imported.contains(&bundle.device_id))
            .filter(|bundle| bundle.status != CertificateStatus::Withdrawn)
            // What storage released was issued for an allocation, not for a reading.
            .filter(|bundle| bundle.trail().issued_for.is_none())
        {
            let reading = (bundle.device_id, bundle.meter_id, bundle.interval.start());
            *outstanding.entry(reading).or_default() += bundle.quantity().0;
        }
        // The amounts as the events say them, followed naively.
        let (metered, paid, debts) = self.amounts();
        let readings = self.readings();
        let mut owed: BTreeMap<DeviceId, i64> = BTreeMap::new();
        for (key, reading) in &readings {
            let issued = outstanding.remove(key).unwrap_or_default();
            assert_eq!(issued, reading.issued.0, "{key:?}");
            assert_eq!(metered.get(key), Some(&reading.wh.0), "{key:?}");
            assert_eq!(
                paid.get(key).copied().unwrap_or_default(),
                reading.paid().0,
                "{key:?}"
            );
            assert!(
                issued + reading.paid().0 <= reading.wh.0 + reading.excess().0,
                "{key:?} issued more than was metered: {reading:?}"
            );
            for amount in [
                reading.wh,
                reading.issued,
                reading.withdrawn(),
                reading.excess(),
                reading.paid(),
            ] {
                assert!(amount.0 >= 0, "{key:?}: {reading:?}");
            }
            *owed.entry(key.0).or_default() += reading.excess().0 - reading.paid().0;
        }
        assert_eq!(metered.len(), readings.len(), "a reading is missing");
        assert!(
            outstanding.is_empty(),
            "issued without a reading: {outstanding:?}"
        );
        for device in 1..=2 {
            let known = self.entries.contains_key(&Key::Device(DeviceId(device)));
            let debt = if known { self.device(device).debt.0 } else { 0 };
            let of = |amounts: &BTreeMap<DeviceId, i64>| {
                amounts.get(&DeviceId(device)).copied().unwrap_or_default()
            };
            assert_eq!((debt, debt), (of(&owed), of(&debts)), "device {device}");
            assert!(debt >= 0, "device {device}");
        }
        // I4: what accounts hold is what their bundles say.
        for account in 1..=3 {
            let held: i64 = leaves
                .values()
                .filter(|bundle| bundle.account_id == AccountId(account) && bundle.status.is_live())
                .map(|bundle| bundle.quantity().0)
                .sum();
            let known = self.entries.contains_key(&Key::Account(AccountId(account)));
            assert_eq!(
                if known { self.live_wh(account) } else { 0 },
                held,
                "account {account}"
            );
        }
    }

    /// I3 of a device of another registry: its leaves hold each certificate as often as it came, and what is known of
    /// it says once which of them are here.
    fn audit_imported(
        &self,
        device: DeviceId,
        came: &[(i64, i64)],
        leaves: &BTreeMap<BundleId, &Bundle>,
    ) {
        let steps = |ranges: &mut dyn Iterator<Item = (i64, i64)>| {
            let mut steps: BTreeMap<i64, i64> = BTreeMap::new();
            for (start, end) in ranges {
                *steps.entry(start).or_default() += 1;
                *steps.entry(end + 1).or_default() -= 1;
            }
            steps.retain(|_, step| *step != 0);
            steps
        };
        let of_it = || {
            let leaves = leaves.values().filter(|leaf| leaf.device_id == device);
            leaves.map(|leaf| (leaf.status, (leaf.start.0, leaf.end.0)))
        };
        let held = steps(&mut of_it().map(|(_, range)| range));
        assert_eq!(held, steps(&mut came.iter().copied()), "device {device}");
        let here = of_it().filter(|(status, _)| *status != CertificateStatus::Exported);
        let here = steps(&mut here.map(|(_, range)| range));
        let origin = self.device(device.0).origin.as_ref().unwrap();
        let Some(Some(Entry::Origin(known))) = self
            .entries
            .get(&Key::Origin(ledger::key::origin_digest(origin)))
            .map(|slot| &slot.entry)
        else {
            panic!("nothing is known of {origin:?}");
        };
        let said = steps(&mut known.ranges.iter().map(|(start, end)| (start.0, end.0)));
        assert_eq!(
            here, said,
            "device {device}: what is known is not what is held"
        );
        for (start, end) in known.ranges.iter() {
            let both = known.elsewhere.overlapping(start, end);
            assert_eq!(both, None, "device {device}: here and elsewhere");
        }
    }

    /// Metered and paid Wh by reading and debts by device, as the events alone say.
    #[allow(clippy::type_complexity, reason = "three sums over one walk")]
    fn amounts(
        &self,
    ) -> (
        BTreeMap<(DeviceId, Option<MeterId>, DateTime<Utc>), i64>,
        BTreeMap<(DeviceId, Option<MeterId>, DateTime<Utc>), i64>,
        BTreeMap<DeviceId, i64>,
    ) {
        let (mut metered, mut paid, mut debts) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for event in &self.events {
            let Event::Ledger(event) = event else {
                continue;
            };
            match event {
                LedgerEvent::ReadingsAccepted(event) => {
                    for (_, interval, wh) in event.readings() {
                        let key = (event.device_id, event.meter_id, interval.start());
                        assert_eq!(metered.insert(key, wh.0), None, "accepted twice: {key:?}");
                    }
                }
                LedgerEvent::MeasurementWithdrawn(event) => {
                    let key = (event.device_id, event.meter_id, event.interval.start());
                    assert_eq!(metered.remove(&key), Some(event.wh.0));
                }
                LedgerEvent::ReadingCorrected(event) => {
                    let key = (event.device_id, event.meter_id, event.interval.start());
                    assert_eq!(
                        metered.insert(key, event.wh.0),
                        Some(event.previous_wh.0),
                        "{key:?}"
                    );
                    *debts.entry(event.device_id).or_default() += event.debt.0;
                }
                LedgerEvent::DebtPaid(event) => {
                    for part in &event.parts {
                        let key = (event.device_id, part.meter_id, part.interval_start);
                        *paid.entry(key).or_default() += part.wh.0;
                    }
                    *debts.entry(event.device_id).or_default() -= event.total().0;
                }
                _ => {}
            }
        }
        (metered, paid, debts)
    }
}
