//! A crawl as the feed would tell it, from a seed.

use std::sync::Arc;

use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Fault, Move},
        mirror::Mirror,
        task_record::TaskRecord,
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        phase::{Phase, StagePhase},
    },
};

/// Tasks that live, fail and are replaced, the same in every run.
pub(super) struct SyntheticCrawl {
    pub(super) mirror: Mirror,
    dice: u64,
    pub(super) seq: u64,
    admitted: u64,
    at_us: u64,
}

impl SyntheticCrawl {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            mirror: Mirror::default(),
            dice: seed,
            seq: 0,
            admitted: 0,
            at_us: 0,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % n
    }

    fn small(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(n.into())).unwrap()
    }

    fn opening() -> Vec<Change> {
        vec![
            Change::SessionAdmitted {
                session: SessionId(1),
                site: Arc::from("books"),
                source: Some(Arc::from("simulated")),
                stages: vec![Arc::from("list"), Arc::from("detail")],
            },
            Change::HostAdmitted {
                host: HostId(1),
                name: Arc::from("books.test"),
            },
            Change::BatchMoved {
                session: SessionId(1),
                batch: BatchId(0),
                from: StagePhase::Waiting,
                to: StagePhase::Running,
            },
        ]
    }

    fn admission(&mut self, slot: u32) -> Change {
        self.admitted += 1;
        let url = format!("http://books.test/catalogue/item_{}/", self.admitted * 7919);
        let stage = u16::from(self.below(12) != 0);
        let name = ["list", "detail"][usize::from(stage)];
        Change::Admitted(Box::new(TaskRecord {
            key: PageKey::new("books", name, &url),
            stage: StageId(stage),
            batch: BatchId(u32::try_from(self.admitted / 500).unwrap()),
            host: HostId(1 + self.small(3)),
            ..TaskRecord::new(slot, &url)
        }))
    }

    fn change(&mut self, slots: u32) -> Change {
        use Phase::{Backoff, Done, Fetched, Fetching, Parsed, Parsing, Queued, Saving};
        let slot = self.small(slots);
        let Some(task) = self.mirror.task(slot) else {
            return self.admission(slot);
        };
        let (from, attempts) = (task.phase, task.attempts);
        let ms = self.small(900);
        let bytes = self.below(30_000);
        let began = Detail::Began {
            expect_ms: Some((ms, ms / 2, ms * 2)),
        };
        let took = Detail::Took { ms, bytes };
        let (to, detail) = match from {
            Queued => (Fetching, began),
            Fetching if bytes < 900 => (
                Backoff,
                Detail::Error(Box::new(Fault {
                    class: ErrorClass::HttpServer,
                    message: Arc::from("503 Service Unavailable"),
                    retry_at_us: Some(self.at_us + 1_000_000),
                })),
            ),
            Fetching => (Fetched, took),
            Fetched => (Parsing, Detail::None),
            Parsing => (Parsed, took),
            Parsed => (Saving, Detail::None),
            Saving if bytes < 100 => (Phase::Skipped, Detail::Reason(SkipReason::Duplicate)),
            Saving => (Done, took),
            Backoff => (Queued, Detail::None),
            _ => return Change::Left { slot },
        };
        Change::Moved(Move {
            slot,
            from,
            to,
            attempts: attempts + u16::from(to == Backoff),
            detail,
        })
    }

    pub(super) fn tick(&mut self, slots: u32, len: u64, step_us: u64) -> ChangeFrame {
        self.at_us += step_us;
        let mut changes = if self.seq == 0 {
            Self::opening()
        } else {
            Vec::new()
        };
        for change in &changes {
            self.mirror.apply_change(self.at_us, change);
        }
        for _ in 0..len {
            let change = self.change(slots);
            self.mirror.apply_change(self.at_us, &change);
            changes.push(change);
        }
        let seq = self.seq;
        self.seq += changes.len() as u64;
        ChangeFrame {
            seq,
            at_us: self.at_us,
            changes,
        }
    }
}
