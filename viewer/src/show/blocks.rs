//! What a block is called, what holds it, and what stands on its foot.

use crawlfield_engine::{
    feed::{
        mirror::{PhaseCounts, SessionRow},
        snapshot::HostInfo,
    },
    model::phase::{BreakerPhase, SessionPhase},
};

use super::{FLAG_FADED, FLAG_HALF_OPEN, FLAG_HELD, FLAG_OPEN, Show};
use crate::{
    field::{
        board::{Arrangement, LANES, lane_of},
        heaps::Heap,
    },
    numbers::index,
};

impl Show {
    /// Whether every session is paused.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let sessions = self.mirror.tables().sessions();
        let is_paused = |session: &SessionRow| session.phase == SessionPhase::Paused;
        !sessions.is_empty() && sessions.iter().all(is_paused)
    }

    /// Flags of a block for the shader.
    #[must_use]
    pub fn block_flags(&self, block: u32) -> u32 {
        let held = u32::from(self.is_held()) * FLAG_HELD;
        if self.board.arrangement() == Arrangement::Flow {
            return held;
        }
        match self
            .mirror
            .tables()
            .hosts()
            .get(index(block))
            .map(|host| host.breaker)
        {
            Some(BreakerPhase::Open) => held | FLAG_OPEN | FLAG_FADED,
            Some(BreakerPhase::HalfOpen) => held | FLAG_HALF_OPEN,
            _ => held,
        }
    }

    /// What a block is called.
    #[must_use]
    pub fn block_name(&self, block: u32) -> &str {
        match self.board.arrangement() {
            Arrangement::Flow => LANES[index(block)],
            Arrangement::Territory => self
                .mirror
                .tables()
                .hosts()
                .get(index(block))
                .map_or("", |host| &host.name),
        }
    }

    /// A host's line of the snapshots, by its place in the mirror's tables.
    #[must_use]
    pub fn host_info(&self, block: u32) -> Option<&HostInfo> {
        let id = self.mirror.tables().hosts().get(index(block))?.id;
        self.news
            .snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.hosts)
            .find(|info| info.id == id.0)
    }

    /// What stands outside the window on a block's foot.
    #[must_use]
    pub fn heap(&self, block: u32) -> Heap {
        let tables = self.mirror.tables();
        let host = || tables.hosts().get(index(block)).map(|host| &host.counts);
        match self.board.arrangement() {
            Arrangement::Territory => {
                let none = PhaseCounts::default();
                self.heaps.now(block, host().unwrap_or(&none))
            }
            Arrangement::Flow => {
                let drawn = self.mirror.counts();
                self.heaps
                    .now(block, &drawn.only(|phase| lane_of(phase) == block))
            }
        }
    }
}
