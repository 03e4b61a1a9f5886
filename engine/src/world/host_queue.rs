//! Host queues: the waiting tasks of one session at one host, and which queues may send next.

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostQueueId(pub u32);

/// Order within a queue: batch, stage depth, then discovery.
pub type Rank = (BatchId, u16, Seq);

/// How far the store's frontier was read for a batch.
#[derive(Debug, Clone, Copy)]
pub struct Cursor {
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
pub struct HostQueue {
    pub session: SessionId,
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

impl HostQueue {
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

    /// Takes out the tasks that are not to stay, at the cost of all that wait here.
    pub fn retain(&mut self, stays: impl Fn(Entity) -> bool) {
        for tasks in self.fresh.values_mut() {
            tasks.retain(|(_, entity)| stays(*entity));
        }
        self.fresh.retain(|_, tasks| !tasks.is_empty());
        let entities = &mut self.entities;
        entities.retain(|_, entity| stays(*entity));
        self.returned
            .retain(|Reverse((_, number))| entities.contains_key(number));
        self.waiting = self.returned.len() + self.fresh.values().map(VecDeque::len).sum::<usize>();
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

/// Queues that may have run low: whoever takes from one or learns of pages outside the window adds
/// it, `fill_queues` takes them all and asks the store for more.
#[derive(Resource, Debug, Default)]
pub struct LowQueues(pub Vec<HostQueueId>);

/// All queues, and which may send when.
#[derive(Resource, Debug, Default)]
pub struct HostQueues {
    all: Vec<HostQueue>,
    index: FxHashMap<(SessionId, HostId), HostQueueId>,
    ready: BTreeMap<SessionId, BTreeSet<(Duration, u64, HostQueueId)>>,
    by_host: FxHashMap<HostId, SmallVec<[HostQueueId; 1]>>,
    same: FxHashMap<HostId, HostId>,
    turn: u64,
}

impl HostQueues {
    /// The queue of this session at this host, made on first use.
    ///
    /// # Panics
    /// If there are 2^32 queues: the store has no numbers for so many hosts.
    pub fn id(&mut self, session: SessionId, host: HostId) -> HostQueueId {
        *self.index.entry((session, host)).or_insert_with(|| {
            let id = HostQueueId(u32::try_from(self.all.len()).expect("fewer than 2^32 queues"));
            self.all.push(HostQueue::new(session, host));
            let host = self.same.get(&host).copied().unwrap_or(host);
            self.by_host.entry(host).or_default().push(id);
            id
        })
    }

    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is no queue yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A batch has ended: where all of it was read, nothing is left to remember of that.
    pub fn forget_batch(&mut self, session: SessionId, batch: BatchId) {
        for queue in self.all.iter_mut().filter(|queue| queue.session == session) {
            queue
                .cursors
                .retain(|cursor| cursor.batch != batch || cursor.asked || !cursor.exhausted);
        }
    }

    #[must_use]
    pub fn get(&self, id: HostQueueId) -> &HostQueue {
        &self.all[id.0 as usize]
    }

    pub fn get_mut(&mut self, id: HostQueueId) -> &mut HostQueue {
        &mut self.all[id.0 as usize]
    }

    /// A batch was opened: the store may have pages of it for every queue with pages outside.
    pub fn read_on(&mut self, session: SessionId, batch: BatchId) -> Vec<HostQueueId> {
        let meant = |queue: &HostQueue| queue.session == session && queue.outside > 0;
        let all = (0u32..).map(HostQueueId).zip(&mut self.all);
        all.filter(|(_, queue)| meant(queue))
            .map(|(id, queue)| {
                queue.cursor(batch).exhausted = false;
                id
            })
            .collect()
    }

    /// A barrier was lifted: tasks that left the window before it are read again.
    pub fn read_again(&mut self, session: SessionId, batch: BatchId) -> Vec<HostQueueId> {
        let meant = |queue: &HostQueue| queue.session == session && queue.outside > 0;
        let ids: Vec<HostQueueId> = self
            .iter()
            .filter(|(_, queue)| meant(queue))
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

    /// All queues in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (HostQueueId, &HostQueue)> {
        (0u32..).map(HostQueueId).zip(&self.all)
    }

    /// The queues of a host.
    #[must_use]
    pub fn at_host(&self, host: HostId) -> SmallVec<[HostQueueId; 1]> {
        let host = self.same.get(&host).copied().unwrap_or(host);
        self.by_host.get(&host).cloned().unwrap_or_default()
    }

    /// Whether pages wait in the queues of this host, in memory or in the store.
    #[must_use]
    pub fn has_queued(&self, host: HostId) -> bool {
        let mut queues = self.at_host(host).into_iter().map(|id| self.get(id));
        queues.any(|queue| queue.waiting() > 0 || queue.outside > 0)
    }

    /// Two numbers name one host: what wakes it wakes the queues of both.
    pub fn same_host(&mut self, host: HostId, known: HostId) {
        if host != known && self.same.insert(host, known).is_none() {
            let queues = self.by_host.remove(&host).unwrap_or_default();
            self.by_host.entry(known).or_default().extend(queues);
        }
    }

    /// A session is taken up again: nothing of it was read yet.
    pub fn begin_anew(&mut self, session: SessionId) {
        self.ready.remove(&session);
        for queue in &mut self.all {
            if queue.session == session {
                *queue = HostQueue::new(session, queue.host);
            }
        }
    }

    /// Adds a waiting task and lets its queue be looked at.
    pub fn enqueue(&mut self, id: HostQueueId, rank: Rank, entity: Entity, now: Duration) {
        let queue = self.get_mut(id);
        queue.push(rank, entity);
        // A barrier holds the tasks that stood first; this one may go before them.
        let may_go = queue
            .held
            .is_none_or(|why| why == WaitReason::BatchNotBegun);
        if queue.armed.is_none() && may_go {
            self.arm(id, now);
        }
    }

    /// Looks at this queue at `at`.
    pub fn arm(&mut self, id: HostQueueId, at: Duration) {
        self.turn += 1;
        let turn = self.turn;
        let queue = &mut self.all[id.0 as usize];
        let ready = self.ready.entry(queue.session).or_default();
        if let Some((before, turn)) = queue.armed.take() {
            ready.remove(&(before, turn, id));
        }
        queue.armed = Some((at, turn));
        queue.held = None;
        ready.insert((at, turn, id));
    }

    /// Looks at this queue again at once, if tasks wait in it.
    pub fn arm_waiting(&mut self, id: HostQueueId, now: Duration) {
        if self.get(id).waiting() > 0 {
            self.arm(id, now);
        }
    }

    /// Does not look at this queue until something wakes it.
    pub fn hold(&mut self, id: HostQueueId, why: WaitReason) {
        self.disarm(id);
        self.get_mut(id).held = Some(why);
    }

    /// Looks at this queue at `at`; `why` it is not looked at now.
    pub fn hold_until(&mut self, id: HostQueueId, at: Duration, why: WaitReason) {
        self.arm(id, at);
        self.get_mut(id).held = Some(why);
    }

    fn disarm(&mut self, id: HostQueueId) {
        let queue = &mut self.all[id.0 as usize];
        if let (Some((at, turn)), Some(ready)) =
            (queue.armed.take(), self.ready.get_mut(&queue.session))
        {
            ready.remove(&(at, turn, id));
        }
    }

    /// Takes the queue of this session that may be looked at first by now.
    pub fn pop_ready(&mut self, session: SessionId, now: Duration) -> Option<HostQueueId> {
        let ready = self.ready.get_mut(&session)?;
        let first = *ready.first()?;
        if first.0 > now {
            return None;
        }
        ready.remove(&first);
        let queue = &mut self.all[first.2.0 as usize];
        queue.armed = None;
        queue.held = None;
        Some(first.2)
    }

    /// When a queue of this session is to be looked at next.
    #[must_use]
    pub fn next(&self, session: SessionId) -> Option<Duration> {
        Some(self.ready.get(&session)?.first()?.0)
    }

    /// Looks again at every queue of a host.
    pub fn wake_host(&mut self, host: HostId, now: Duration) {
        for id in self.at_host(host) {
            if self.get(id).waiting() > 0 {
                self.arm(id, now);
            }
        }
    }

    /// Looks again at every queue of these sessions.
    pub fn wake_sessions(&mut self, sessions: impl Iterator<Item = SessionId>, now: Duration) {
        for session in sessions {
            self.wake_session(session, now);
        }
    }

    /// Looks again at every queue of a session.
    pub fn wake_session(&mut self, session: SessionId, now: Duration) {
        let ids: Vec<_> = self
            .iter()
            .filter(|(_, queue)| queue.session == session && queue.waiting() > 0)
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.arm(id, now);
        }
    }
}
