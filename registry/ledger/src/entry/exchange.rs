//! What is known of other registries' certificates, and of exports to them.

use schemas::id::{AccountId, BundleId, CertificateId, DeviceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Certificates of one device of another registry that were imported, whatever became of them since: an
/// import never takes one of them again. Ranges that touch are one, so the entry does not grow with the
/// number of imports but with the number of gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The device by which that one is known here.
    pub device_id: DeviceId,
    /// First certificate of each range, and its last, inclusive.
    pub ranges: BTreeMap<CertificateId, CertificateId>,
}

impl Imported {
    /// Nothing of it yet.
    #[must_use]
    pub const fn none(device_id: DeviceId) -> Self {
        Self {
            device_id,
            ranges: BTreeMap::new(),
        }
    }

    /// A range that shares a certificate with `[start, end]`.
    #[must_use]
    pub fn overlapping(
        &self,
        start: CertificateId,
        end: CertificateId,
    ) -> Option<(CertificateId, CertificateId)> {
        self.ranges
            .range(..=end)
            .next_back()
            .map(|(first, last)| (*first, *last))
            .filter(|(_, last)| *last >= start)
    }

    /// Adds `[start, end]`, of which nothing is there.
    pub fn add(&mut self, start: CertificateId, end: CertificateId) {
        let before = self.ranges.range(..start).next_back();
        let first = match before {
            Some((first, last)) if last.plus(1) == start => *first,
            _ => start,
        };
        let last = self.ranges.remove(&end.plus(1)).unwrap_or(end);
        self.ranges.insert(first, last);
    }
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

    fn of(ranges: &[(i64, i64)]) -> Imported {
        let mut imported = Imported::none(DeviceId(1));
        for (start, end) in ranges {
            imported.add(CertificateId(*start), CertificateId(*end));
        }
        imported
    }

    fn ranges(imported: &Imported) -> Vec<(i64, i64)> {
        let ranges = imported.ranges.iter();
        ranges.map(|(first, last)| (first.0, last.0)).collect()
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(ranges(&of(&[(1, 10), (21, 30), (11, 20)])), [(1, 30)]);
        assert_eq!(ranges(&of(&[(11, 20), (1, 9)])), [(1, 9), (11, 20)]);
        assert_eq!(ranges(&of(&[(11, 20), (1, 10)])), [(1, 20)]);
    }

    #[test]
    fn an_overlap_is_found_at_either_end_and_inside() {
        let imported = of(&[(11, 20), (31, 40)]);
        let found = |start, end| {
            let range = imported.overlapping(CertificateId(start), CertificateId(end));
            range.map(|(first, _)| first.0)
        };
        assert_eq!(found(1, 10), None);
        assert_eq!(found(1, 11), Some(11));
        assert_eq!(found(20, 25), Some(11));
        assert_eq!(found(14, 15), Some(11));
        assert_eq!(found(21, 30), None);
        assert_eq!(found(1, 100), Some(31));
    }
}
