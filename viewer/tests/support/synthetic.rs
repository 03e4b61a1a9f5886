//! A made-up crawl as frames: seeded, any size, for tests and benches only.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Fault, Frame, Move},
        snapshot::{HostInfo, Pool, Prediction, Rates, SessionInfo, Snapshot, StageInfo},
        task_record::TaskRecord,
    },
    model::{
        class::ErrorClass,
        ids::{HostId, PageKey, SessionId, StageId},
        phase::{BreakerPhase, Phase, SessionPhase},
    },
};
use crawlfield_viewer::source::Frames;

/// How big and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Tasks in the window.
    pub tasks: u32,
    /// Hosts.
    pub hosts: u32,
    /// Moves a second, about.
    pub moves_per_second: f64,
    /// Share of fetches that fail.
    pub failing: f64,
    /// A host whose breaker opens after four seconds.
    pub broken: Option<u32>,
    /// Chance.
    pub seed: u64,
}

struct Task {
    phase: Phase,
    attempts: u16,
    host: u32,
    stage: u16,
}

/// The crawl.
pub struct Synthetic {
    plan: Plan,
    chance: u64,
    tasks: Vec<Task>,
    due: BinaryHeap<Reverse<(u64, u32)>>,
    seq: u64,
    at_us: u64,
    next_snapshot_us: u64,
    admitted: u64,
    finished: Vec<u64>,
    dead: u64,
    is_broken: bool,
}

const TICK_US: u64 = 16_000;

impl Synthetic {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            chance: plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            tasks: Vec::new(),
            due: BinaryHeap::new(),
            seq: 0,
            at_us: 0,
            next_snapshot_us: 200_000,
            admitted: 0,
            finished: vec![0; plan.hosts as usize],
            dead: 0,
            is_broken: false,
        }
    }

    fn roll(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn wait(&mut self, mean_us: f64) -> u64 {
        (mean_us * (0.3 + 1.4 * self.roll())) as u64 + 1
    }

    /// How long a task stays queued so that the wanted number of moves happens.
    fn rest(&mut self) -> u64 {
        let moves = 8.0;
        let cycle = f64::from(self.plan.tasks) * moves / self.plan.moves_per_second * 1e6;
        let busy = 2.9e6;
        let mean = (cycle - busy).max(2e5);
        (mean * 2.0 * self.roll()) as u64
    }

    fn admit(&mut self, slot: u32, host: u32) -> Change {
        self.admitted += 1;
        let stage = u16::from(self.roll() > 0.08);
        let kind = if stage == 0 { "page" } else { "product" };
        let url = format!("https://host-{host:02}.example/{kind}/{}", self.admitted);
        let task = Task {
            phase: Phase::Queued,
            attempts: 0,
            host,
            stage,
        };
        if (slot as usize) < self.tasks.len() {
            self.tasks[slot as usize] = task;
        } else {
            self.tasks.push(task);
        }
        let rest = self.rest();
        self.due.push(Reverse((self.at_us + rest, slot)));
        Change::Admitted(Box::new(TaskRecord {
            key: PageKey::new("synthetic", kind, &url),
            stage: StageId(stage),
            host: HostId(host + 1),
            ..TaskRecord::new(slot, &url)
        }))
    }

    fn opening(&mut self) -> Vec<Change> {
        let session = SessionId(1);
        let mut changes = vec![Change::SessionAdmitted {
            session,
            site: Arc::from("catalogue"),
            source: Some(Arc::from("synthetic")),
            stages: vec![Arc::from("list"), Arc::from("detail")],
        }];
        changes.push(Change::SessionMoved {
            session,
            from: SessionPhase::Analysing,
            to: SessionPhase::Running,
        });
        for host in 0..self.plan.hosts {
            changes.push(Change::HostAdmitted {
                host: HostId(host + 1),
                name: Arc::from(format!("host-{host:02}.example")),
            });
        }
        for slot in 0..self.plan.tasks {
            let draw = self.roll();
            let host = (draw * draw * f64::from(self.plan.hosts)) as u32;
            let change = self.admit(slot, host.min(self.plan.hosts - 1));
            changes.push(change);
        }
        changes
    }

    fn turn(&mut self, slot: u32, out: &mut Vec<Change>) {
        let from = self.tasks[slot as usize].phase;
        let failing = self.plan.failing;
        let broken = self.plan.broken == Some(self.tasks[slot as usize].host);
        let (to, detail, wait) = match from {
            Phase::Queued if broken && self.is_broken => {
                let rest = self.wait(4e6);
                self.due.push(Reverse((self.at_us + rest, slot)));
                return;
            }
            Phase::Queued => (Phase::Fetching, began(900), self.wait(9e5)),
            Phase::Fetching if self.roll() < if broken { 0.8 } else { failing } => {
                self.tasks[slot as usize].attempts += 1;
                let attempts = self.tasks[slot as usize].attempts;
                let end = if attempts > 3 {
                    Phase::Dead
                } else {
                    Phase::Backoff
                };
                let wait = self.wait(2.5e6 * f64::from(attempts));
                let fault = Fault {
                    class: ErrorClass::HttpServer,
                    message: Arc::from("502 Bad Gateway"),
                    retry_at_us: (end == Phase::Backoff).then_some(self.at_us + wait),
                };
                (end, Detail::Error(Box::new(fault)), wait)
            }
            Phase::Fetching => (
                Phase::Fetched,
                Detail::Took {
                    ms: 900,
                    bytes: 20_000,
                },
                self.wait(1e5),
            ),
            Phase::Fetched => (Phase::Parsing, began(300), self.wait(3e5)),
            Phase::Parsing => (
                Phase::Parsed,
                Detail::Took { ms: 300, bytes: 0 },
                self.wait(1e5),
            ),
            Phase::Parsed => (Phase::Saving, began(200), self.wait(2e5)),
            Phase::Saving => (Phase::Done, Detail::Took { ms: 200, bytes: 0 }, 2_000_000),
            Phase::Backoff => (Phase::Queued, Detail::None, self.wait(3e5)),
            Phase::Done | Phase::Failed | Phase::Dead | Phase::Skipped | Phase::Cancelled => {
                let host = self.tasks[slot as usize].host;
                self.finished[host as usize] += u64::from(from == Phase::Done);
                self.dead += u64::from(from == Phase::Dead);
                out.push(Change::Left { slot });
                let admitted = self.admit(slot, host);
                out.push(admitted);
                return;
            }
        };
        let task = &mut self.tasks[slot as usize];
        task.phase = to;
        out.push(Change::Moved(Move {
            slot,
            from,
            to,
            attempts: task.attempts,
            detail,
        }));
        self.due.push(Reverse((self.at_us + wait, slot)));
    }

    fn tick(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.seq == 0 {
            changes = self.opening();
        }
        if let Some(host) = self.plan.broken
            && !self.is_broken
            && self.at_us > 4_000_000
        {
            self.is_broken = true;
            changes.push(Change::BreakerMoved {
                host: HostId(host + 1),
                to: BreakerPhase::Open,
            });
        }
        while let Some(Reverse((at, slot))) = self.due.peek().copied()
            && at <= self.at_us
        {
            self.due.pop();
            self.turn(slot, &mut changes);
        }
        changes
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            seq: self.seq,
            at: self.at_us as f64 / 1e6,
            session: SessionInfo {
                id: 1,
                site: "catalogue".to_owned(),
                state: "running".to_owned(),
                mode: "new".to_owned(),
                profile: "balanced".to_owned(),
                source: Some("synthetic".to_owned()),
            },
            rates: Rates {
                pages_per_minute: self.plan.moves_per_second * 60.0 / 8.0,
                records_per_minute: self.plan.moves_per_second * 55.0 / 8.0,
                bytes_per_second: 2.4e6,
            },
            pools: pools(),
            hosts: self.host_infos(),
            ..Snapshot::default()
        };
        self.count(&mut snapshot);
        snapshot.prediction = Some(Prediction {
            eta_median: 760.0 - snapshot.at,
            eta80: [655.0 - snapshot.at, 910.0 - snapshot.at],
            eta95: [600.0 - snapshot.at, 1_050.0 - snapshot.at],
            coverage80: Some(0.79),
            coverage95: None,
        });
        for (reason, count) in [("rate", 400), ("permits (http)", 120), ("backoff", 31)] {
            snapshot.waiting.insert(reason.to_owned(), count);
        }
        for (class, count) in [
            ("http_server", 41),
            ("timeout_first_byte", 12),
            ("short_page", 5),
        ] {
            snapshot.errors.insert(class.to_owned(), count);
        }
        snapshot
    }

    /// Tasks that wait outside the window.
    fn outside(&self) -> u64 {
        u64::from(self.plan.tasks) * 3
    }

    /// Tasks by state and stage.
    fn count(&self, snapshot: &mut Snapshot) {
        let progress = &mut snapshot.progress;
        let mut add = |state: &str, count: u64| {
            *progress.by_state.entry(state.to_owned()).or_default() += count;
        };
        for task in &self.tasks {
            add(task.phase.name(), 1);
        }
        add("done", self.finished.iter().sum());
        add("dead", self.dead);
        add("queued", self.outside());
        progress.discovered = progress.by_state.values().sum();
        progress.done = progress.by_state["done"];
        progress.dead = progress.by_state["dead"];
        progress.stages = ["list", "detail"]
            .map(|name| StageInfo {
                name: name.to_owned(),
                state: "running".to_owned(),
                discovered: progress.discovered / 2,
                done: progress.done / 2,
                eta: Some(75.0),
                ..StageInfo::default()
            })
            .to_vec();
    }

    fn host_infos(&self) -> Vec<HostInfo> {
        let breaker = |host| {
            if self.is_broken && self.plan.broken == Some(host) {
                "open"
            } else {
                "closed"
            }
        };
        (0..self.plan.hosts.min(64))
            .map(|host| HostInfo {
                id: host + 1,
                host: format!("host-{host:02}.example"),
                rate: 3.5,
                limit: 4,
                pace: 0.25,
                p50_ms: Some(80.0 + 35.0 * f64::from(host)),
                p95_ms: Some(240.0 + 90.0 * f64::from(host)),
                errors: Some(0.004 * f64::from(host)),
                eta: Some(75.0 + 20.0 * f64::from(host)),
                why: "in-flight ceiling of 4 reached".to_owned(),
                breaker: breaker(host).to_owned(),
                outside: self.outside() / u64::from(self.plan.hosts),
                waiting: 400,
                in_flight: 3,
                finished: self.finished[host as usize],
                cancelled: 0,
                ..HostInfo::default()
            })
            .collect()
    }
}

fn pools() -> Vec<Pool> {
    ["fetch:list", "fetch:detail", "parse:detail", "save"]
        .map(|name| Pool {
            work_type: name.to_owned(),
            active: 6,
            max: 16,
            utilisation: 0.4,
            queue_depth: 120,
            count: 4_000,
            per_minute: 420.0,
            mean_ms: 420.0,
            p50_ms: 360.0,
            p95_ms: 1_250.0,
            p99_ms: 2_100.0,
            ..Pool::default()
        })
        .to_vec()
}

fn began(ms: u32) -> Detail {
    Detail::Began {
        expect_ms: Some((ms, ms * 6 / 10, ms * 16 / 10)),
    }
}

impl Frames for Synthetic {
    fn next_until(&mut self, at_us: u64) -> Option<Frame> {
        if self.at_us >= self.next_snapshot_us {
            self.next_snapshot_us += 1_000_000;
            return Some(Frame::Snapshot(Box::new(self.snapshot())));
        }
        if self.at_us + TICK_US > at_us {
            return None;
        }
        self.at_us += TICK_US;
        let changes = self.tick();
        let frame = ChangeFrame {
            seq: self.seq,
            at_us: self.at_us,
            changes,
        };
        self.seq += frame.changes.len() as u64;
        Some(Frame::Changes(frame))
    }
}
