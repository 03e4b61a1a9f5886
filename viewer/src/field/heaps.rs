//! Tasks outside the window, counted by block: what is over and gone, and what waits in the store.
//! With the tasks in the cells they add up to all that was discovered.

use crawlfield_engine::{
    feed::{
        mirror::{Mirror, PhaseCounts},
        snapshot::Snapshot,
    },
    model::phase::Phase,
};

use crate::{
    field::board::{Arrangement, LANES, lane_of},
    numbers::{float, index, number},
};

/// Phases that end well: who is in one leaves the window after a while.
const OVER: [Phase; 3] = [Phase::Done, Phase::Skipped, Phase::Cancelled];
/// Phases that end badly.
const LOST: [Phase; 2] = [Phase::Dead, Phase::Failed];

/// What stands on one block's foot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heap {
    /// Over and gone.
    pub gone: u64,
    /// Dead letters and failed tasks that are gone.
    pub lost: u64,
    /// Waiting in the store.
    pub waiting: u64,
    /// Over, and lost, by the last snapshot, in the window and gone: who leaves the window moves
    /// over.
    ended: (u64, u64),
}

impl Heap {
    /// What the mound at the left stands for: what is over, else what is lost.
    #[must_use]
    pub const fn mound(&self) -> u64 {
        if self.gone > 0 { self.gone } else { self.lost }
    }
}

/// The heaps of all blocks.
#[derive(Debug, Clone, Default)]
pub struct Heaps(Vec<Heap>);

impl Heaps {
    /// By the latest snapshots, for the blocks of this arrangement.
    #[must_use]
    pub fn of<'a>(
        arrangement: Arrangement,
        mirror: &Mirror,
        snapshots: impl Iterator<Item = &'a Snapshot>,
    ) -> Self {
        match arrangement {
            Arrangement::Territory => by_host(mirror, snapshots),
            Arrangement::Flow => by_lane(mirror, snapshots),
        }
    }

    /// A block's heap now, when `drawn` tasks of its phases stand in the window.
    #[must_use]
    pub fn now(&self, block: u32, drawn: &PhaseCounts) -> Heap {
        let mut heap = self.0.get(index(block)).copied().unwrap_or_default();
        let (over, lost) = ended(drawn);
        heap.gone = heap.gone.max(heap.ended.0.saturating_sub(over));
        heap.lost = heap.lost.max(heap.ended.1.saturating_sub(lost));
        heap
    }

    fn at(&mut self, block: u32) -> &mut Heap {
        if self.0.len() <= index(block) {
            self.0.resize(index(block) + 1, Heap::default());
        }
        &mut self.0[index(block)]
    }
}

/// Drawn tasks that are over, and those that are lost.
fn ended(drawn: &PhaseCounts) -> (u64, u64) {
    let sum = |phases: &[Phase]| phases.iter().map(|phase| drawn.of(*phase)).sum();
    (sum(&OVER), sum(&LOST))
}

/// A snapshot's line of a host speaks of that session's tasks.
fn by_host<'a>(mirror: &Mirror, snapshots: impl Iterator<Item = &'a Snapshot>) -> Heaps {
    let mut heaps = Heaps::default();
    for info in snapshots.flat_map(|snapshot| &snapshot.hosts) {
        let id = crawlfield_engine::model::ids::HostId(info.id);
        if let Some(block) = mirror.tables().host_number(id) {
            let heap = heaps.at(block);
            heap.gone += info.finished;
            heap.lost += info.dead + info.failed;
            heap.waiting += info.outside;
        }
    }
    for (host, heap) in mirror.tables().hosts().iter().zip(&mut heaps.0) {
        let (over, lost) = ended(&host.counts);
        heap.ended = (heap.gone + over, heap.lost + lost);
    }
    heaps
}

/// What the snapshots count beyond what is drawn, lane by lane.
fn by_lane<'a>(mirror: &Mirror, snapshots: impl Iterator<Item = &'a Snapshot>) -> Heaps {
    let mut heaps = Heaps::default();
    heaps.at(number(LANES.len()) - 1);
    let mut all = [0; Phase::ALL.len()];
    for snapshot in snapshots {
        for (total, phase) in all.iter_mut().zip(Phase::ALL) {
            *total += snapshot.progress.by_state.get(phase.name()).unwrap_or(&0);
        }
    }
    for (total, phase) in all.into_iter().zip(Phase::ALL) {
        let heap = heaps.at(lane_of(phase));
        let outside = u64::saturating_sub(total, mirror.counts().of(phase));
        if OVER.contains(&phase) {
            heap.gone += outside;
            heap.ended.0 += total;
        } else if LOST.contains(&phase) {
            heap.lost += outside;
            heap.ended.1 += total;
        } else if phase == Phase::Queued {
            heap.waiting += outside;
        }
    }
    heaps
}

/// Half the width of a heap's mound, in points: it grows with each doubling.
#[must_use]
pub fn half_width(count: u64) -> f32 {
    match count {
        0 => 0.0,
        1.. => 5.0 + 1.6 * float(count.ilog2()),
    }
}
