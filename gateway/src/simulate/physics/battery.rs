//! A battery that takes what is left over and gives what is missing, and loses some of it both ways.

/// Permille of what flows in that is stored.
const KEPT: u64 = 955;
/// Millijoules taken out of the store for each joule that flows out.
const SPENT_MJ: u64 = 1_047;
/// Permille of its capacity that a battery keeps for itself.
const RESERVE: u64 = 50;

/// What a battery can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatterySize {
    /// What it holds, in Wh.
    pub capacity_wh: u64,
    /// Highest power in either direction, in W.
    pub power_w: u64,
}

/// A battery and what is in it, in millijoules: losses are permille, so nothing is rounded.
#[derive(Debug, Clone)]
pub struct Battery {
    size: BatterySize,
    stored_mj: u64,
}

/// What flows for a second, in W; one of them is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    pub charge_w: u64,
    pub discharge_w: u64,
}

impl Battery {
    /// One that is filled to `permille`.
    pub fn new(size: BatterySize, permille: u64) -> Self {
        let stored_mj = capacity_mj(size) / 1_000 * permille;
        Self { size, stored_mj }
    }

    /// Goes on for a second in which `pv_w` is made and `load_w` is used.
    pub fn step(&mut self, pv_w: u64, load_w: u64) -> Flow {
        let flow = if pv_w > load_w {
            let room_mj = capacity_mj(self.size) - self.stored_mj;
            let charge_w = (pv_w - load_w).min(self.size.power_w).min(room_mj / KEPT);
            Flow {
                charge_w,
                discharge_w: 0,
            }
        } else {
            let reserve_mj = capacity_mj(self.size) / 1_000 * RESERVE;
            let there = self.stored_mj.saturating_sub(reserve_mj) / SPENT_MJ;
            let discharge_w = (load_w - pv_w).min(self.size.power_w).min(there);
            Flow {
                charge_w: 0,
                discharge_w,
            }
        };
        self.stored_mj = self.stored_mj + flow.charge_w * KEPT - flow.discharge_w * SPENT_MJ;
        flow
    }

    /// State of charge, in permille.
    pub fn charge_permille(&self) -> u64 {
        self.stored_mj / (capacity_mj(self.size) / 1_000)
    }
}

const fn capacity_mj(size: BatterySize) -> u64 {
    size.capacity_wh * 3_600 * 1_000
}
