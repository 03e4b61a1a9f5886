//! Tasks outside the window, counted by block: what has ended and left, and what waits in the store.
//! With the tasks in the cells they add up to all that was discovered. They are drawn as mounds on a
//! block's foot.

use crawlfield_engine::{
    feed::{
        mirror::{Mirror, PhaseCounts},
        snapshot::Snapshot,
    },
    model::{ids::HostId, phase::Phase},
};

use crate::{
    field::{
        Arrangement,
        lanes::{LANES, Lanes},
    },
    numbers::{float, index, number},
};

/// Phases that end well: who is in one leaves the window after a while.
const WELL: [Phase; 2] = [Phase::Done, Phase::Skipped];
/// Phases that end badly.
const BADLY: [Phase; 2] = [Phase::Dead, Phase::Failed];

/// Tasks of one block that are outside the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outside {
    /// Ended well and left.
    pub finished: u64,
    /// Dead letters and failed tasks that have left.
    pub failed: u64,
    /// Dropped by a person, and left.
    pub dropped: u64,
    /// Waiting in the store.
    pub waiting: u64,
    /// Ended well, badly, and dropped, by the last snapshot, in the window or not: who leaves the
    /// window before the next one is still counted.
    ended: [u64; 3],
    /// The last snapshots tell of it.
    is_told: bool,
}

impl Outside {
    /// All that have ended one way or another.
    #[must_use]
    pub const fn over(&self) -> u64 {
        self.finished + self.failed + self.dropped
    }

    /// What the mound at the left stands for: what ended well, else what ended badly.
    #[must_use]
    pub const fn mound(&self) -> u64 {
        if self.finished > 0 {
            self.finished
        } else {
            self.failed
        }
    }
}

/// The same for all blocks, by number; new with each snapshot.
#[derive(Debug, Clone, Default)]
pub struct OutsideCounts(Vec<Outside>);

impl OutsideCounts {
    /// Takes the latest snapshots, for the blocks of this arrangement. A snapshot tells of the busiest
    /// hosts only: what was told of the others earlier stays.
    pub fn update<'a>(
        &mut self,
        lanes: Lanes,
        arrangement: Arrangement,
        mirror: &Mirror,
        snapshots: impl Iterator<Item = &'a Snapshot>,
    ) {
        match arrangement {
            Arrangement::Territory => self.take_hosts(mirror, snapshots),
            Arrangement::Flow => *self = by_lane(lanes, mirror, snapshots),
        }
    }

    /// A host's tasks outside now. Where no snapshot tells of it, at least those that were seen to
    /// leave (well, badly) are there.
    #[must_use]
    pub fn of_host(&self, block: u32, drawn: &PhaseCounts, left: [u32; 2]) -> Outside {
        let mut outside = self.now(block, drawn);
        if !outside.is_told {
            let [well, badly] = left.map(u64::from);
            outside.finished = outside.finished.max(well);
            outside.failed = outside.failed.max(badly);
        }
        outside
    }

    /// A block's tasks outside now, when `drawn` tasks of its phases stand in the window.
    #[must_use]
    pub fn now(&self, block: u32, drawn: &PhaseCounts) -> Outside {
        let mut outside = self.0.get(index(block)).copied().unwrap_or_default();
        let [well, badly, dropped] = ended(drawn);
        let [all_well, all_badly, all_dropped] = outside.ended;
        outside.finished = outside.finished.max(all_well.saturating_sub(well));
        outside.failed = outside.failed.max(all_badly.saturating_sub(badly));
        outside.dropped = outside.dropped.max(all_dropped.saturating_sub(dropped));
        outside
    }

    /// A snapshot counts a host's tasks of its own session.
    fn take_hosts<'a>(&mut self, mirror: &Mirror, snapshots: impl Iterator<Item = &'a Snapshot>) {
        let number = |id| mirror.tables().host_number(HostId(id));
        let infos: Vec<_> = snapshots
            .flat_map(|snapshot| &snapshot.hosts)
            .filter_map(|info| Some((number(info.id)?, info)))
            .collect();
        // Others have less to do than any that is told of.
        let least = infos.iter().map(|(_, info)| info.waiting).min();
        for outside in &mut self.0 {
            outside.is_told = false;
            outside.waiting = outside.waiting.min(least.unwrap_or_default());
        }
        for (block, _) in &infos {
            *self.at(*block) = Outside {
                is_told: true,
                ..Outside::default()
            };
        }
        for (block, info) in &infos {
            let outside = self.at(*block);
            outside.finished += info.finished;
            outside.failed += info.dead + info.failed;
            outside.dropped += info.cancelled;
            outside.waiting += info.outside;
        }
        for (block, _) in infos {
            let [well, badly, dropped] = ended(&mirror.tables().hosts()[index(block)].counts);
            let outside = self.at(block);
            outside.ended = [
                outside.finished + well,
                outside.failed + badly,
                outside.dropped + dropped,
            ];
        }
    }

    fn at(&mut self, block: u32) -> &mut Outside {
        if self.0.len() <= index(block) {
            self.0.resize(index(block) + 1, Outside::default());
        }
        &mut self.0[index(block)]
    }
}

/// Drawn tasks that have ended well, badly, and were dropped.
fn ended(drawn: &PhaseCounts) -> [u64; 3] {
    let sum = |phases: &[Phase]| phases.iter().map(|phase| drawn.of(*phase)).sum();
    [sum(&WELL), sum(&BADLY), drawn.of(Phase::Cancelled)]
}

/// What the snapshots count beyond what is drawn, lane by lane.
fn by_lane<'a>(
    lanes: Lanes,
    mirror: &Mirror,
    snapshots: impl Iterator<Item = &'a Snapshot>,
) -> OutsideCounts {
    let mut counts = OutsideCounts::default();
    counts.at(number(LANES.len()) - 1);
    let mut all = [0; Phase::ALL.len()];
    for snapshot in snapshots {
        for (total, phase) in all.iter_mut().zip(Phase::ALL) {
            *total += snapshot.progress.by_state.get(phase.name()).unwrap_or(&0);
        }
    }
    for (total, phase) in all.into_iter().zip(Phase::ALL) {
        let lane = counts.at(lanes.lane_of(phase));
        let outside = u64::saturating_sub(total, mirror.counts().of(phase));
        if WELL.contains(&phase) {
            lane.finished += outside;
            lane.ended[0] += total;
        } else if BADLY.contains(&phase) {
            lane.failed += outside;
            lane.ended[1] += total;
        } else if phase == Phase::Cancelled {
            lane.dropped += outside;
            lane.ended[2] += total;
        } else if phase == Phase::Queued {
            lane.waiting += outside;
        }
    }
    counts
}

/// Half the width of a mound, in points: it grows with each doubling.
#[must_use]
pub fn half_width(count: u64) -> f32 {
    match count {
        0 => 0.0,
        1.. => 5.0 + 1.6 * float(count.ilog2()),
    }
}
