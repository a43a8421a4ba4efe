//! From which charges a discharge is taken: pure arithmetic over what is left.

use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::event::storage::{ChargeAllocated, RecordRef};
use schemas::storage::{AllocationMethod, Efficiency};
use std::collections::VecDeque;

/// A charge with something left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// The record.
    pub scr: RecordRef,
    /// What of it nothing is allocated to.
    pub left: WattHours,
}

impl Open {
    /// Takes what produces `wanted`, or as much as it can give; `None` if that is nothing. What is left
    /// after that and would give less than one Wh stays unallocated: it is part of the loss.
    fn take(&mut self, wanted: WattHours, efficiency: Efficiency) -> Option<ChargeAllocated> {
        let produced = wanted.min(efficiency.produced_by(self.left));
        let consumed = efficiency.consumed_for(produced)?;
        if produced <= WattHours::ZERO {
            return None;
        }
        self.left -= consumed;
        Some(ChargeAllocated {
            scr: self.scr,
            consumed,
            produced,
        })
    }
}

/// Charges that a device can still discharge, in time order.
#[derive(Debug, Clone, Default)]
pub struct Charges {
    /// Ended before the discharge at hand.
    ended: VecDeque<Open>,
    /// The others.
    later: VecDeque<Open>,
}

impl Charges {
    /// Those of a device, in time order.
    #[must_use]
    pub fn of(charges: impl IntoIterator<Item = Open>) -> Self {
        Self {
            ended: VecDeque::new(),
            later: charges.into_iter().collect(),
        }
    }

    /// Covers as much of `wanted` as can be, for a discharge that starts at `start`. Discharges come in
    /// time order. Σ produced is at most `wanted`, and less only where nothing that could give a Wh is
    /// left.
    pub fn cover(
        &mut self,
        method: AllocationMethod,
        start: DateTime<Utc>,
        wanted: WattHours,
        efficiency: Efficiency,
    ) -> Vec<ChargeAllocated> {
        while let Some(next) = self
            .later
            .pop_front_if(|next| next.scr.interval.end() <= start)
        {
            self.ended.push_back(next);
        }
        match method {
            AllocationMethod::Fifo => self.take_from_one_end(
                wanted,
                efficiency,
                VecDeque::pop_front,
                VecDeque::push_front,
            ),
            AllocationMethod::Lifo => {
                self.take_from_one_end(wanted, efficiency, VecDeque::pop_back, VecDeque::push_back)
            }
            AllocationMethod::WeightedAverage => self.take_from_all(wanted, efficiency),
            AllocationMethod::OperatorDiscretion => Vec::new(),
        }
    }

    fn take_from_one_end(
        &mut self,
        wanted: WattHours,
        efficiency: Efficiency,
        pop: fn(&mut VecDeque<Open>) -> Option<Open>,
        push: fn(&mut VecDeque<Open>, Open),
    ) -> Vec<ChargeAllocated> {
        let mut taken = Vec::new();
        let mut left = wanted;
        while left > WattHours::ZERO
            && let Some(mut open) = pop(&mut self.ended)
        {
            if let Some(charge) = open.take(left, efficiency) {
                left -= charge.produced;
                taken.push(charge);
            }
            if efficiency.produced_by(open.left) > WattHours::ZERO {
                push(&mut self.ended, open);
            }
        }
        taken
    }

    /// From each in proportion to what it can give, by largest remainder so that the sum is exact.
    fn take_from_all(&mut self, wanted: WattHours, efficiency: Efficiency) -> Vec<ChargeAllocated> {
        let gives: Vec<_> = self
            .ended
            .iter()
            .map(|open| efficiency.produced_by(open.left))
            .collect();
        let shares = shares(wanted, &gives);
        let taken = self
            .ended
            .iter_mut()
            .zip(shares)
            .filter_map(|(open, share)| open.take(share, efficiency))
            .collect();
        self.ended
            .retain(|open| efficiency.produced_by(open.left) > WattHours::ZERO);
        taken
    }

    /// Start of the first charge with something left; `None` if there is none.
    #[must_use]
    pub fn first_start(&self) -> Option<DateTime<Utc>> {
        let mut open = self.ended.iter().chain(&self.later);
        open.next().map(|open| open.scr.interval.start())
    }
}

/// `total`, or all there is where that is less, in parts proportional to `weights` and none above its
/// weight: each is rounded down, and what remains goes to those with the largest remainders, the first
/// of equals first. The sum is exact.
#[must_use]
pub fn shares(total: WattHours, weights: &[WattHours]) -> Vec<WattHours> {
    let sum: i128 = weights.iter().map(|weight| i128::from(weight.0)).sum();
    if i128::from(total.0) >= sum {
        return weights.to_vec();
    }
    let scaled = |weight: &WattHours| i128::from(total.0) * i128::from(weight.0);
    let mut shares: Vec<_> = weights
        .iter()
        .map(|weight| {
            WattHours(i64::try_from(scaled(weight) / sum).expect("a share is below its weight"))
        })
        .collect();
    let given: WattHours = shares.iter().copied().sum();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(scaled(&weights[*index]) % sum));
    // As many as there are Wh left, which is fewer than there are remainders above zero.
    let left = usize::try_from(total.0 - given.0).unwrap_or(0);
    for index in by_remainder.into_iter().take(left) {
        shares[index] += WattHours(1);
    }
    shares
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use schemas::Interval;
    use schemas::id::StorageRecordId;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn charges(amounts: &[i64]) -> Charges {
        Charges::of((0..).zip(amounts).map(|(hour, wh)| Open {
            scr: RecordRef {
                record_id: StorageRecordId(hour + 1),
                interval: Interval::new(at(hour), at(hour + 1)).unwrap(),
            },
            left: WattHours(*wh),
        }))
    }

    fn taken(charges: &[ChargeAllocated]) -> Vec<(i64, i64, i64)> {
        let row = |one: &ChargeAllocated| (one.scr.record_id.0, one.consumed.0, one.produced.0);
        charges.iter().map(row).collect()
    }

    fn half() -> Efficiency {
        Efficiency::new(1, 2).unwrap()
    }

    #[test]
    fn the_first_charge_is_discharged_first_and_the_last_last() {
        let mut fifo = charges(&[100, 100, 100]);
        let first = fifo.cover(AllocationMethod::Fifo, at(2), WattHours(60), half());
        assert_eq!(taken(&first), [(1, 100, 50), (2, 20, 10)]);
        assert_eq!(fifo.first_start(), Some(at(1)));
        let mut lifo = charges(&[100, 100, 100]);
        let last = lifo.cover(AllocationMethod::Lifo, at(3), WattHours(60), half());
        assert_eq!(taken(&last), [(3, 100, 50), (2, 20, 10)]);
        assert_eq!(lifo.first_start(), Some(at(0)));
    }

    #[test]
    fn a_charge_that_has_not_ended_gives_nothing() {
        for method in AllocationMethod::ALL {
            let covered = charges(&[0, 100]).cover(*method, at(1), WattHours(5), half());
            assert!(covered.is_empty(), "{method}");
        }
    }

    #[test]
    fn all_charges_give_in_proportion_to_what_they_can() {
        let mut open = charges(&[200, 100, 1]);
        let covered = open.cover(
            AllocationMethod::WeightedAverage,
            at(3),
            WattHours(100),
            half(),
        );
        assert_eq!(taken(&covered), [(1, 134, 67), (2, 66, 33)]);
        let rest = open.cover(
            AllocationMethod::WeightedAverage,
            at(4),
            WattHours(100),
            half(),
        );
        assert_eq!(taken(&rest), [(1, 66, 33), (2, 34, 17)]);
        assert_eq!(open.first_start(), None);
    }

    #[test]
    fn a_rest_that_gives_no_watt_hour_is_left_behind() {
        let mut open = charges(&[5, 9]);
        let covered = open.cover(AllocationMethod::Fifo, at(2), WattHours(100), half());
        assert_eq!(taken(&covered), [(1, 4, 2), (2, 8, 4)]);
        assert_eq!(open.first_start(), None);
    }

    proptest! {
        #[test]
        fn shares_are_exact_and_within_their_weights(
            total in 0_i64..5_000,
            weights in prop::collection::vec(0_i64..1_000, 0..20),
        ) {
            let weights: Vec<_> = weights.into_iter().map(WattHours).collect();
            let all: WattHours = weights.iter().copied().sum();
            let parts = shares(WattHours(total), &weights);
            prop_assert_eq!(parts.iter().copied().sum::<WattHours>(), all.min(WattHours(total)));
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((WattHours::ZERO..=*weight).contains(part));
            }
        }

        #[test]
        fn every_method_covers_what_can_be_covered_and_no_more(
            amounts in prop::collection::vec(0_i64..500, 1..12),
            wanted in prop::collection::vec(1_i64..600, 1..6),
            numerator in 1_i64..=100,
            method in 0_usize..3,
        ) {
            let efficiency = Efficiency::new(numerator, 100).unwrap();
            let method = AllocationMethod::ALL[method];
            let mut open = charges(&amounts);
            let mut left: Vec<i64> = amounts.clone();
            for (hour, wanted) in (i64::try_from(amounts.len()).unwrap()..).zip(wanted) {
                let covered = open.cover(method, at(hour), WattHours(wanted), efficiency);
                let mut produced = 0;
                for charge in covered {
                    prop_assert_eq!(efficiency.produced_by(charge.consumed), charge.produced);
                    let of = &mut left[usize::try_from(charge.scr.record_id.0 - 1).unwrap()];
                    *of -= charge.consumed.0;
                    prop_assert!(*of >= 0);
                    produced += charge.produced.0;
                }
                prop_assert!(produced <= wanted);
                let could = left.iter().any(|left| efficiency.produced_by(WattHours(*left)).0 > 0);
                prop_assert!(produced == wanted || !could);
            }
        }
    }
}
