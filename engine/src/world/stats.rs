//! Rates and durations: the one aggregator beside the ledger, fed by the systems that end steps.

use std::{collections::BTreeMap, time::Duration};

use bevy_ecs::resource::Resource;
use sketches_ddsketch::{Config, DDSketch};

use crate::{
    model::{
        ids::{SessionId, StageId},
        numbers::number,
    },
    politeness::capacity::Sums,
};

/// A step of a task's life; with its stage it is a work type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// From sending to the body's end.
    Fetch,
    /// From bytes to records and links.
    Parse,
    /// From the order to the commit.
    Save,
}

impl Step {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Parse => "parse",
            Self::Save => "save",
        }
    }
}

/// Statistics of one work type.
pub struct WorkStats {
    pub active: u32,
    pub count: u64,
    /// Sum of their durations.
    pub total: Duration,
    /// Their durations in milliseconds, 1 % relative error.
    pub sketch: DDSketch,
    /// Ended in each of the last sixty seconds.
    pub recent: Seconds,
    /// Median, 10 % and 90 % in milliseconds, as of the last snapshot.
    pub expect: Option<(u32, u32, u32)>,
}

impl std::fmt::Debug for WorkStats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkStats")
            .field("active", &self.active)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Default for WorkStats {
    fn default() -> Self {
        Self {
            active: 0,
            count: 0,
            total: Duration::ZERO,
            sketch: DDSketch::new(Config::defaults()),
            recent: Seconds::default(),
            expect: None,
        }
    }
}

/// A count for each of the last sixty seconds.
#[derive(Debug, Clone)]
pub struct Seconds {
    cells: [u64; 60],
    last: u64,
    began: Option<u64>,
}

impl Default for Seconds {
    fn default() -> Self {
        Self {
            cells: [0; 60],
            last: 0,
            began: None,
        }
    }
}

impl Seconds {
    fn roll(&mut self, now: Duration) {
        let second = now.as_secs();
        if self.began.is_none() {
            self.began = Some(second);
            self.last = second;
        }
        for passed in (self.last + 1)..=second.min(self.last + 60) {
            self.cells[usize::try_from(passed % 60).unwrap_or(0)] = 0;
        }
        self.last = self.last.max(second);
    }

    pub fn add(&mut self, now: Duration, amount: u64) {
        self.roll(now);
        self.cells[usize::try_from(now.as_secs() % 60).unwrap_or(0)] += amount;
    }

    /// The whole seconds behind the present one, oldest first, `span` at most (59).
    pub fn last(&mut self, now: Duration, span: u64) -> Vec<u32> {
        self.roll(now);
        let Some(began) = self.began else {
            return Vec::new();
        };
        let whole = (now.as_secs() - began).min(span.min(59));
        (1..=whole)
            .rev()
            .map(|back| self.cells[usize::try_from((now.as_secs() - back) % 60).unwrap_or(0)])
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
            .collect()
    }

    /// A second's mean over the last `span` seconds (60 at most), the present one left out where
    /// there are whole ones.
    pub fn per_second(&mut self, now: Duration, span: u64) -> f64 {
        self.roll(now);
        let Some(began) = self.began else { return 0.0 };
        let whole = (now.as_secs() - began).min(span.min(59));
        if whole == 0 {
            let elapsed = (now.as_secs_f64() - number(began)).max(0.05);
            return number(self.cells[usize::try_from(now.as_secs() % 60).unwrap_or(0)])
                / elapsed.max(0.5);
        }
        let sum: u64 = (1..=whole)
            .map(|back| self.cells[usize::try_from((now.as_secs() - back) % 60).unwrap_or(0)])
            .sum();
        number(sum) / number(whole)
    }
}

/// Statistics of one session.
#[derive(Debug, Default)]
pub struct SessionStats {
    pub pages: Seconds,
    pub records: Seconds,
    pub bytes: Seconds,
    /// Bytes of saved pages, ever.
    pub saved_bytes: u64,
    pub work: BTreeMap<(Step, StageId), WorkStats>,
}

#[derive(Resource, Debug, Default)]
pub struct Stats {
    sessions: BTreeMap<SessionId, SessionStats>,
}

impl Stats {
    pub fn session(&mut self, session: SessionId) -> &mut SessionStats {
        self.sessions.entry(session).or_default()
    }

    /// Sums over all sessions that capacities follow.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for session in self.sessions.values() {
            for ((step, _), work) in &session.work {
                match step {
                    Step::Fetch => {}
                    Step::Parse => {
                        sums.parsed += work.count;
                        sums.parsing += work.total;
                    }
                    Step::Save => sums.saved += work.count,
                }
            }
            sums.bytes += session.saved_bytes;
        }
        sums
    }

    pub fn work(&mut self, session: SessionId, step: Step, stage: StageId) -> &mut WorkStats {
        self.session(session).work.entry((step, stage)).or_default()
    }

    /// A step began: what it is expected to take.
    pub fn began(
        &mut self,
        session: SessionId,
        step: Step,
        stage: StageId,
    ) -> Option<(u32, u32, u32)> {
        let work = self.work(session, step, stage);
        work.active += 1;
        work.expect
    }

    /// A step ended without success.
    pub fn broke(&mut self, session: SessionId, step: Step, stage: StageId) {
        let work = self.work(session, step, stage);
        work.active = work.active.saturating_sub(1);
    }

    /// A step ended well.
    pub fn ended(
        &mut self,
        session: SessionId,
        step: Step,
        stage: StageId,
        took: Duration,
        now: Duration,
    ) {
        let work = self.work(session, step, stage);
        work.active = work.active.saturating_sub(1);
        work.count += 1;
        work.total += took;
        work.sketch.add(took.as_secs_f64() * 1e3);
        work.recent.add(now, 1);
    }
}
