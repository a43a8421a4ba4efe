//! What is known of other registries' certificates, and of exports to them.

use schemas::event::import::ExportContent;
use schemas::id::{AccountId, BundleId, CertificateId, DeviceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known here of the certificates of a device that is at home in another registry, or of this registry's own
/// device that left with exports. A certificate is in at most one of `ranges` and `elsewhere`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The device by which that one is known here; none before anything of it was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// Imported, and held or ended here: no import takes one of them again.
    pub ranges: Ranges,
    /// Left with a confirmed export, or refused here: another registry answers for them, and only a signed export
    /// brings them in.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub elsewhere: Ranges,
    /// Came by rows, wherever they are by now. A signed file that offered them before may still be about, and looks
    /// like one that brings them home: so none ever brings them in, and none of them is refused.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub by_rows: Ranges,
}

impl Imported {
    /// They enter circulation here.
    pub fn arrive(&mut self, start: CertificateId, end: CertificateId, by_rows: bool) {
        self.elsewhere.remove(start, end);
        self.ranges.add(start, end);
        if by_rows {
            self.by_rows.add(start, end);
        }
    }

    /// They left with a confirmed export.
    pub fn leave(&mut self, start: CertificateId, end: CertificateId) {
        self.ranges.remove(start, end);
        self.elsewhere.add(start, end);
    }
}

/// A set of certificates of one device: the first of each range and its last, inclusive. Ranges that touch are one,
/// so it does not grow with the number of bundles but with the number of gaps between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(BTreeMap<CertificateId, CertificateId>);

impl Ranges {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each range, in order.
    pub fn iter(&self) -> impl Iterator<Item = (CertificateId, CertificateId)> {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    /// A range that shares a certificate with `[start, end]`.
    #[must_use]
    pub fn overlapping(
        &self,
        start: CertificateId,
        end: CertificateId,
    ) -> Option<(CertificateId, CertificateId)> {
        let below = self.0.range(..=end).next_back();
        below
            .map(|(first, last)| (*first, *last))
            .filter(|(_, last)| *last >= start)
    }

    /// Whether all of `[start, end]` is in it.
    #[must_use]
    pub fn cover(&self, start: CertificateId, end: CertificateId) -> bool {
        let found = self.overlapping(start, end);
        found.is_some_and(|(first, last)| first <= start && end <= last)
    }

    /// Adds `[start, end]`.
    pub fn add(&mut self, start: CertificateId, end: CertificateId) {
        let (mut first, mut last) = (start, end);
        while let Some((from, to)) = self.overlapping(first.plus(-1), last.plus(1)) {
            self.0.remove(&from);
            (first, last) = (first.min(from), last.max(to));
        }
        self.0.insert(first, last);
    }

    /// Takes `[start, end]` out.
    pub fn remove(&mut self, start: CertificateId, end: CertificateId) {
        while let Some((first, last)) = self.overlapping(start, end) {
            self.0.remove(&first);
            if first < start {
                self.0.insert(first, start.plus(-1));
            }
            if last > end {
                self.0.insert(end.plus(1), last);
            }
        }
    }
}

/// What became here of the exports that another registry made under one id, by what they offered: one, unless its log
/// was restored and the id used again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Received(pub BTreeMap<ExportContent, Outcome>);

/// What became of an export of another registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was imported.
    Imported,
    /// It is never imported.
    Refused,
}

/// Bundles offered to another registry. They move together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The account that holds them.
    pub source_id: AccountId,
    /// Name of the registry they are offered to.
    pub receiving_registry: String,
    /// The bundles.
    pub bundle_ids: Vec<BundleId>,
    /// What became of the offer.
    pub state: ExportState,
    /// Whether the event that confirmed it is from before events said what left: those certificates are still taken to
    /// be here, so none of them comes back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left_untold: bool,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It stands.
    Offered,
    /// The receiving registry holds the bundles.
    Confirmed,
    /// The bundles are in circulation here again.
    TakenBack,
}

impl ExportState {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Confirmed => "confirmed",
            Self::TakenBack => "taken_back",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn of(ranges: &[(i64, i64)]) -> Ranges {
        let mut set = Ranges::default();
        for (start, end) in ranges {
            set.add(CertificateId(*start), CertificateId(*end));
        }
        set
    }

    fn pairs(set: &Ranges) -> Vec<(i64, i64)> {
        set.iter().map(|(first, last)| (first.0, last.0)).collect()
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(pairs(&of(&[(1, 10), (21, 30), (11, 20)])), [(1, 30)]);
        assert_eq!(pairs(&of(&[(11, 20), (1, 9)])), [(1, 9), (11, 20)]);
        assert_eq!(pairs(&of(&[(11, 20), (1, 10)])), [(1, 20)]);
    }

    proptest! {
        #[test]
        fn a_set_of_ranges_is_the_set_of_its_certificates(
            steps in prop::collection::vec((any::<bool>(), 1_i64..40, 0_i64..12), 1..40),
            (start, length) in (1_i64..40, 0_i64..12),
        ) {
            let (mut set, mut naive) = (Ranges::default(), BTreeSet::new());
            for (adds, start, length) in steps {
                let range = start..=start + length;
                let (start, end) = (CertificateId(start), CertificateId(start + length));
                if adds {
                    set.add(start, end);
                    naive.extend(range);
                } else {
                    set.remove(start, end);
                    naive.retain(|certificate| !range.contains(certificate));
                }
                let listed: Vec<_> = pairs(&set);
                prop_assert!(listed.windows(2).all(|two| two[0].1 + 1 < two[1].0), "{listed:?}");
                let all: BTreeSet<_> = listed.into_iter().flat_map(|(first, last)| first..=last).collect();
                prop_assert_eq!(&all, &naive);
            }
            let (first, last) = (CertificateId(start), CertificateId(start + length));
            let has = |certificate| naive.contains(&certificate);
            prop_assert_eq!(set.overlapping(first, last).is_some(), (start..=start + length).any(has));
            prop_assert_eq!(set.cover(first, last), (start..=start + length).all(has));
        }
    }
}
