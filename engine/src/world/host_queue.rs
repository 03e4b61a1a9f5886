//! Lines: the waiting tasks of one session at one host, and which lines may send next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
    time::Duration,
};

use bevy_ecs::{entity::Entity, resource::Resource};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::{
    message::receipts::OverCounts,
    model::{
        class::WaitReason,
        ids::{BatchId, HostId, Seq, SessionId},
    },
};

/// A line's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u32);

/// Order within a line: batch, stage depth, then discovery.
pub type Rank = (BatchId, u16, Seq);

/// How far the store's frontier was read for a batch.
#[derive(Debug, Clone, Copy)]
pub struct Cursor {
    /// Which batch.
    pub batch: BatchId,
    /// Everything up to here was read.
    pub after: Seq,
    /// Nothing is known to be left beyond.
    pub exhausted: bool,
    /// A read is out.
    pub asked: bool,
    /// Tasks of it left the window again: it is read from its beginning.
    pub again: bool,
    /// The highest number that was passed over while a read was out.
    pub passed: Seq,
}

/// The waiting tasks of one session at one host.
#[derive(Debug)]
pub struct Line {
    /// Whose.
    pub session: SessionId,
    /// Which host.
    pub host: HostId,
    returned: BinaryHeap<Reverse<(Rank, u64)>>,
    entities: FxHashMap<u64, Entity>,
    returns: u64,
    fresh: BTreeMap<(BatchId, u16), VecDeque<(Seq, Entity)>>,
    waiting: usize,
    /// Resident tasks whose home is here, in any state.
    pub resident: u32,
    /// Waiting pages that stand in the store only.
    pub outside: u64,
    /// Pages that are over and have left the window.
    pub gone: OverCounts,
    /// One for each batch that was ever open here and is not read up.
    pub cursors: SmallVec<[Cursor; 2]>,
    armed: Option<(Duration, u64)>,
    /// Why its first task is not sent.
    pub held: Option<WaitReason>,
}

impl Line {
    fn new(session: SessionId, host: HostId) -> Self {
        Self {
            session,
            host,
            returned: BinaryHeap::new(),
            entities: FxHashMap::default(),
            returns: 0,
            fresh: BTreeMap::new(),
            waiting: 0,
            resident: 0,
            outside: 0,
            gone: OverCounts::default(),
            cursors: SmallVec::new(),
            armed: None,
            held: None,
        }
    }

    /// Resident tasks that wait here to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Adds a task in the order of discovery.
    pub fn push(&mut self, rank: Rank, entity: Entity) {
        self.waiting += 1;
        let fresh = self.fresh.entry((rank.0, rank.1)).or_default();
        if fresh.back().is_none_or(|(last, _)| *last < rank.2) {
            fresh.push_back((rank.2, entity));
        } else {
            self.returns += 1;
            self.entities.insert(self.returns, entity);
            self.returned.push(Reverse((rank, self.returns)));
        }
    }

    /// The rank of the first task.
    #[must_use]
    pub fn peek(&self) -> Option<Rank> {
        let fresh = self
            .fresh
            .iter()
            .find_map(|(key, tasks)| Some((key.0, key.1, tasks.front()?.0)));
        let returned = self.returned.peek().map(|Reverse((rank, _))| *rank);
        match (fresh, returned) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Takes the first task.
    pub fn pop(&mut self) -> Option<(Rank, Entity)> {
        let rank = self.peek()?;
        self.waiting -= 1;
        if self
            .returned
            .peek()
            .is_some_and(|Reverse((first, _))| *first == rank)
        {
            let Reverse((_, number)) = self.returned.pop()?;
            let entity = self.entities.remove(&number)?;
            return Some((rank, entity));
        }
        let key = (rank.0, rank.1);
        let tasks = self.fresh.get_mut(&key)?;
        let (_, entity) = tasks.pop_front()?;
        if tasks.is_empty() {
            self.fresh.remove(&key);
        }
        Some((rank, entity))
    }

    /// Takes every waiting task, in order.
    pub fn drain(&mut self) -> Vec<Entity> {
        let mut all = Vec::with_capacity(self.waiting);
        while let Some((_, entity)) = self.pop() {
            all.push(entity);
        }
        all
    }

    /// The cursor of a batch, made on first use.
    ///
    /// # Panics
    /// Never: the cursor was just made.
    pub fn cursor(&mut self, batch: BatchId) -> &mut Cursor {
        let at = self
            .cursors
            .iter()
            .position(|cursor| cursor.batch == batch)
            .unwrap_or_else(|| {
                self.cursors.push(Cursor {
                    batch,
                    after: Seq(0),
                    exhausted: true,
                    asked: false,
                    again: false,
                    passed: Seq(0),
                });
                self.cursors.len() - 1
            });
        &mut self.cursors[at]
    }
}

/// All lines, and which may send when.
#[derive(Resource, Debug, Default)]
pub struct Lines {
    all: Vec<Line>,
    index: FxHashMap<(SessionId, HostId), LineId>,
    ready: BTreeMap<SessionId, BTreeSet<(Duration, u64, LineId)>>,
    by_host: FxHashMap<HostId, SmallVec<[LineId; 1]>>,
    same: FxHashMap<HostId, HostId>,
    turn: u64,
}

impl Lines {
    /// The line of this session at this host, made on first use.
    ///
    /// # Panics
    /// If there are 2^32 lines: the store has no numbers for so many hosts.
    pub fn id(&mut self, session: SessionId, host: HostId) -> LineId {
        *self.index.entry((session, host)).or_insert_with(|| {
            let id = LineId(u32::try_from(self.all.len()).expect("fewer than 2^32 lines"));
            self.all.push(Line::new(session, host));
            let host = self.same.get(&host).copied().unwrap_or(host);
            self.by_host.entry(host).or_default().push(id);
            id
        })
    }

    /// Lines so far.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is no line yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A batch has ended: where all of it was read, nothing is left to remember of that.
    pub fn forget_batch(&mut self, session: SessionId, batch: BatchId) {
        for line in self.all.iter_mut().filter(|line| line.session == session) {
            line.cursors
                .retain(|cursor| cursor.batch != batch || cursor.asked || !cursor.exhausted);
        }
    }

    /// A line.
    #[must_use]
    pub fn get(&self, id: LineId) -> &Line {
        &self.all[id.0 as usize]
    }

    /// A line.
    pub fn get_mut(&mut self, id: LineId) -> &mut Line {
        &mut self.all[id.0 as usize]
    }

    /// A barrier was lifted: tasks that left the window before it are read again.
    pub fn read_again(&mut self, session: SessionId, batch: BatchId) -> Vec<LineId> {
        let meant = |line: &Line| line.session == session && line.outside > 0;
        let ids: Vec<LineId> = self
            .iter()
            .filter(|(_, line)| meant(line))
            .map(|(id, _)| id)
            .collect();
        for id in &ids {
            let cursor = self.get_mut(*id).cursor(batch);
            cursor.exhausted = false;
            if cursor.asked {
                cursor.again = true;
            } else {
                cursor.after = Seq(0);
            }
        }
        ids
    }

    /// All lines in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (LineId, &Line)> {
        (0u32..).map(LineId).zip(&self.all)
    }

    /// The lines of a host.
    #[must_use]
    pub fn at_host(&self, host: HostId) -> SmallVec<[LineId; 1]> {
        let host = self.same.get(&host).copied().unwrap_or(host);
        self.by_host.get(&host).cloned().unwrap_or_default()
    }

    /// Two numbers name one host: what wakes it wakes the lines of both.
    pub fn same_host(&mut self, host: HostId, known: HostId) {
        if host != known && self.same.insert(host, known).is_none() {
            let lines = self.by_host.remove(&host).unwrap_or_default();
            self.by_host.entry(known).or_default().extend(lines);
        }
    }

    /// A session is taken up again: nothing of it was read yet.
    pub fn begin_anew(&mut self, session: SessionId) {
        self.ready.remove(&session);
        for line in &mut self.all {
            if line.session == session {
                *line = Line::new(session, line.host);
            }
        }
    }

    /// Adds a waiting task and lets its line be looked at.
    pub fn enqueue(&mut self, id: LineId, rank: Rank, entity: Entity, now: Duration) {
        let line = self.get_mut(id);
        line.push(rank, entity);
        // A barrier holds the tasks that stood first; this one may go before them.
        let may_go = line.held.is_none_or(|why| why == WaitReason::BatchNotBegun);
        if line.armed.is_none() && may_go {
            self.arm(id, now);
        }
    }

    /// Looks at this line at `at`.
    pub fn arm(&mut self, id: LineId, at: Duration) {
        self.turn += 1;
        let turn = self.turn;
        let line = &mut self.all[id.0 as usize];
        let ready = self.ready.entry(line.session).or_default();
        if let Some((before, turn)) = line.armed.take() {
            ready.remove(&(before, turn, id));
        }
        line.armed = Some((at, turn));
        line.held = None;
        ready.insert((at, turn, id));
    }

    /// Does not look at this line until something wakes it.
    pub fn hold(&mut self, id: LineId, why: WaitReason) {
        self.disarm(id);
        self.get_mut(id).held = Some(why);
    }

    /// Looks at this line at `at`; `why` it is not looked at now.
    pub fn hold_until(&mut self, id: LineId, at: Duration, why: WaitReason) {
        self.arm(id, at);
        self.get_mut(id).held = Some(why);
    }

    fn disarm(&mut self, id: LineId) {
        let line = &mut self.all[id.0 as usize];
        if let (Some((at, turn)), Some(ready)) =
            (line.armed.take(), self.ready.get_mut(&line.session))
        {
            ready.remove(&(at, turn, id));
        }
    }

    /// Takes the line of this session that may be looked at first by now.
    pub fn pop_ready(&mut self, session: SessionId, now: Duration) -> Option<LineId> {
        let ready = self.ready.get_mut(&session)?;
        let first = *ready.first()?;
        if first.0 > now {
            return None;
        }
        ready.remove(&first);
        let line = &mut self.all[first.2.0 as usize];
        line.armed = None;
        line.held = None;
        Some(first.2)
    }

    /// When a line of this session is to be looked at next.
    #[must_use]
    pub fn next(&self, session: SessionId) -> Option<Duration> {
        Some(self.ready.get(&session)?.first()?.0)
    }

    /// Looks again at every line of a host.
    pub fn wake_host(&mut self, host: HostId, now: Duration) {
        for id in self.at_host(host) {
            if self.get(id).waiting() > 0 {
                self.arm(id, now);
            }
        }
    }

    /// Looks again at every line of a session.
    pub fn wake_session(&mut self, session: SessionId, now: Duration) {
        let ids: Vec<_> = self
            .iter()
            .filter(|(_, line)| line.session == session && line.waiting() > 0)
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.arm(id, now);
        }
    }
}
