//! What holds for the whole engine: paused, the store in trouble, our network down, what limits
//! dispatch.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bevy_ecs::resource::Resource;

use crate::{
    model::{
        class::WaitReason,
        ids::{BatchId, PageKey, SessionId, StageId},
    },
    politeness::{capacity::Gauge, network::Offline},
};

/// Whether a person paused the engine.
#[derive(Resource, Debug, Default)]
pub struct Pause {
    pub is_paused: bool,
    /// Ticks that dispatch although it is paused.
    pub steps: u32,
}

/// The engine's thread shall end.
#[derive(Resource, Debug, Default)]
pub struct Shutdown(pub bool);

/// A session was cancelled at once: what it has in flight is called back in the next tick.
#[derive(Resource, Debug, Default)]
pub struct Recall(pub bool);

/// Whether the store can write.
#[derive(Resource, Debug, Default)]
pub struct StoreHealth {
    /// Its error, while it is asked again.
    pub trouble: Option<String>,
    /// Since when nothing could be written.
    pub since: Option<Duration>,
    /// Why it is given up for good.
    pub lost: Option<String>,
}

impl StoreHealth {
    /// It has carried out a verb. One that only reads succeeds on a full disk too.
    pub fn answered(&mut self, wrote: bool) {
        self.trouble = None;
        if wrote {
            self.since = None;
        }
    }

    #[must_use]
    pub const fn is_well(&self) -> bool {
        self.trouble.is_none() && self.lost.is_none()
    }
}

/// A stage of a batch of a session.
pub type BatchStage = (SessionId, BatchId, StageId);

/// Failures remembered that may turn out to be our own network's.
const FAILURES: usize = 4_096;

/// Our own network: whether it is down, and whom it wronged.
#[derive(Resource, Debug, Default)]
pub struct NetworkWatch {
    pub offline: Offline,
    /// Attempts charged for what may have been our network: when, where, which page.
    failures: VecDeque<(Duration, BatchStage, PageKey)>,
    /// Stages with pages that used up their attempts on our own network.
    pub excused: BTreeSet<BatchStage>,
    /// The time for the next probe has come.
    pub probe_due: bool,
}

impl NetworkWatch {
    /// An attempt was charged that may turn out to be our network's fault.
    pub fn remember(&mut self, at: Duration, stage: BatchStage, page: PageKey) {
        if self.failures.len() >= FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back((at, stage, page));
    }

    /// The attempts charged since then; all are forgotten.
    pub fn take_since(&mut self, since: Duration) -> Vec<(BatchStage, PageKey)> {
        let all = std::mem::take(&mut self.failures).into_iter();
        let charged = all.filter(|(at, ..)| *at >= since);
        charged.map(|(_, stage, page)| (stage, page)).collect()
    }
}

/// Whether pages may be sent in this tick: `decide_dispatch` fills it, `pick_queued` uses it up.
#[derive(Resource, Debug, Default)]
pub struct DispatchLimit {
    /// Why nothing, or nothing more, was sent in the last tick, whichever the host.
    pub limited: Option<WaitReason>,
    /// Queues or memory are full: whoever may send next finds this.
    pub lacking: Option<WaitReason>,
    /// Order slots that pages may take.
    pub slots: usize,
    /// A single step of a paused engine: paused sessions send too.
    pub is_step: bool,
}

/// What was measured of the steps and of memory, which permits and queues follow.
#[derive(Resource, Debug, Default)]
pub struct CapacityGauge(pub Gauge);
