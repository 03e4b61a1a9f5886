//! The hub: a thread that mirrors the feed and passes it on to any number of subscribers.
//!
//! The engine's side never waits (`Feeder`), the hub drains every few milliseconds, and only a
//! subscriber who reads too slowly loses changes: exactly counted, told, and mended by a key frame.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded, never, select,
};

use crate::feed::{
    feeder::Feeder,
    frame::{ChangeFrame, Frame},
    key_frame::KeyFrame,
    mirror::Mirror,
    snapshot::Snapshot,
};

#[cfg(test)]
mod tests;

/// Frames between the engine and the hub.
const INBOX_FRAMES: usize = 1_024;
/// When the hub has passed on what there was, it rests so long: to be woken up for every tick would
/// cost the engine's thread more than to write the tick's frame.
const REST: Duration = Duration::from_millis(3);
/// Changes that wait at the hub for one subscriber before they are given up.
const PENDING_CHANGES: usize = 1 << 16;
/// Joins that may wait while the hub is busy.
const JOINS: usize = 64;

/// Where subscribers join. Cheap to clone; the hub ends by itself when the engine's `Feeder` is
/// dropped and every subscriber has what it is owed or is gone.
#[derive(Debug, Clone)]
pub struct Hub {
    joins: Sender<Outbox>,
    wake: Sender<()>,
}

/// Starts the hub's thread: the engine's end, and the end where subscribers join.
///
/// # Errors
/// Where the system gives no thread.
pub fn start() -> io::Result<(Feeder, Hub)> {
    let (feeder, hub, _) = start_joinable()?;
    Ok((feeder, hub))
}

fn start_joinable() -> io::Result<(Feeder, Hub, JoinHandle<()>)> {
    let (out, frames) = bounded(INBOX_FRAMES);
    let (joins, joining) = bounded(JOINS);
    let (wake, woken) = bounded(1);
    let thread = thread::Builder::new()
        .name("feed-hub".to_owned())
        .spawn(move || HubThread::default().run(&frames, &joining, &woken))?;
    Ok((Feeder::new(out), Hub { joins, wake }, thread))
}

impl Hub {
    /// Joins: a key frame comes first, then everything that follows. The inbox holds `capacity`
    /// items (at least 1); beyond it 65,536 changes wait at the hub before any is lost. After the
    /// end of the feed the subscription is closed at once.
    #[must_use]
    pub fn subscribe(&self, capacity: usize) -> Subscription {
        let (outbox, subscription) = pair(capacity, self.wake.clone());
        // A hub that has ended drops the outbox, which the subscription sees as closed.
        drop(self.joins.send(outbox));
        subscription
    }
}

/// What the hub's thread holds.
#[derive(Default)]
struct HubThread {
    mirror: Mirror,
    latest: BTreeMap<u32, Arc<Snapshot>>,
    outboxes: Vec<Outbox>,
}

impl HubThread {
    fn run(mut self, frames: &Receiver<Frame>, joining: &Receiver<Outbox>, woken: &Receiver<()>) {
        let mut frames = frames.clone();
        let mut joining = joining.clone();
        let mut is_open = true;
        let mut is_busy = false;
        while is_open || !self.outboxes.is_empty() {
            select! {
                recv(frames) -> frame => if let Ok(frame) = frame {
                    self.forward(frame);
                    is_busy = true;
                } else {
                    is_open = false;
                    frames = never();
                },
                recv(joining) -> outbox => match outbox {
                    Ok(outbox) => self.join(outbox),
                    Err(_) => joining = never(),
                },
                // Some subscriber has room again, or is gone.
                recv(woken) -> _ => {}
            }
            if !is_open {
                // Those who asked to join before the end still get the last picture.
                while let Ok(outbox) = joining.try_recv() {
                    self.join(outbox);
                }
            }
            let (mirror, latest) = (&self.mirror, &self.latest);
            self.outboxes.retain_mut(|outbox| {
                outbox.flush(mirror, latest) && (is_open || outbox.has_unsent())
            });
            if is_busy && frames.is_empty() {
                is_busy = false;
                thread::sleep(REST);
            }
        }
    }

    fn forward(&mut self, frame: Frame) {
        match frame {
            Frame::Changes(tick) => {
                let skipped = tick.seq.saturating_sub(self.mirror.next_seq());
                self.mirror.apply(&tick);
                let tick = Arc::new(tick);
                for outbox in &mut self.outboxes {
                    outbox.take_changes(&tick, skipped);
                }
            }
            Frame::Snapshot(snapshot) => {
                let snapshot: Arc<Snapshot> = Arc::from(snapshot);
                for outbox in &mut self.outboxes {
                    outbox.take_snapshot(&snapshot);
                }
                self.latest.insert(snapshot.session.id, snapshot);
            }
        }
    }

    fn join(&mut self, outbox: Outbox) {
        self.outboxes.push(outbox);
    }
}

/// What a subscriber gets, in order.
#[derive(Debug, Clone)]
pub enum Item {
    /// A part of the whole picture: at the start, and after a loss. Part 0 replaces all before it.
    Key {
        /// One part; all come in order.
        frame: Arc<KeyFrame>,
        /// Changes lost by this subscriber so far.
        lost: u64,
    },
    /// All changes of a tick.
    Changes(Arc<ChangeFrame>),
    /// The latest aggregates of one session; `lost` is this subscriber's.
    Snapshot(Arc<Snapshot>),
    /// The feed has ended; nothing follows.
    Closed,
}

/// A subscriber's end. Dropping it leaves the hub.
#[derive(Debug)]
pub struct Subscription {
    inbox: Receiver<Item>,
    wake_up: WakeUp,
}

impl Subscription {
    /// The next item, if one is here.
    #[must_use]
    pub fn try_recv(&self) -> Option<Item> {
        let item = match self.inbox.try_recv() {
            Ok(item) => item,
            Err(TryRecvError::Disconnected) => Item::Closed,
            Err(TryRecvError::Empty) => return None,
        };
        self.wake_up.send_if_asked();
        Some(item)
    }

    /// The next item; `None` where none came within `timeout`.
    #[must_use]
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Item> {
        let item = match self.inbox.recv_timeout(timeout) {
            Ok(item) => item,
            Err(RecvTimeoutError::Disconnected) => Item::Closed,
            Err(RecvTimeoutError::Timeout) => return None,
        };
        self.wake_up.send_if_asked();
        Some(item)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // The hub sees the closed inbox when it next looks; this makes it look now.
        self.inbox = crossbeam_channel::never();
        self.wake_up.send();
    }
}

/// How a subscriber tells the hub that its inbox has room again.
#[derive(Debug, Clone)]
struct WakeUp {
    asked: Arc<AtomicBool>,
    wake: Sender<()>,
}

impl WakeUp {
    fn send_if_asked(&self) {
        if self.asked.load(Ordering::SeqCst) && self.asked.swap(false, Ordering::SeqCst) {
            self.send();
        }
    }

    fn send(&self) {
        // A full channel means that the hub is about to look anyway.
        let _ = self.wake.try_send(());
    }
}

/// The hub's end of one subscriber.
#[derive(Debug)]
struct Outbox {
    inbox: Sender<Item>,
    wake_up: WakeUp,
    pending: VecDeque<Item>,
    pending_changes: usize,
    lost: u64,
    /// A key frame is owed: at the start, and after a loss.
    wants_key: bool,
}

/// Both ends of a new subscription.
fn pair(capacity: usize, wake: Sender<()>) -> (Outbox, Subscription) {
    let (sender, inbox) = bounded(capacity.max(1));
    let wake_up = WakeUp {
        asked: Arc::new(AtomicBool::new(false)),
        wake,
    };
    let outbox = Outbox {
        inbox: sender,
        wake_up: wake_up.clone(),
        pending: VecDeque::new(),
        pending_changes: 0,
        lost: 0,
        wants_key: true,
    };
    (outbox, Subscription { inbox, wake_up })
}

impl Outbox {
    /// Takes a tick's changes; `skipped` changes before it were left out by the engine's side.
    fn take_changes(&mut self, tick: &Arc<ChangeFrame>, skipped: u64) {
        self.lost += skipped;
        if self.wants_key {
            self.lost += tick.changes.len() as u64;
            return;
        }
        let is_behind = self.pending_changes > 0;
        self.pending_changes += tick.changes.len();
        self.pending.push_back(Item::Changes(Arc::clone(tick)));
        if is_behind && self.pending_changes > PENDING_CHANGES {
            self.give_up();
        }
    }

    /// Takes a snapshot; one of the same session that still waits is replaced.
    fn take_snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        let waiting = self.pending.iter_mut().find_map(|item| match item {
            Item::Snapshot(old) if old.session.id == snapshot.session.id => Some(old),
            _ => None,
        });
        match waiting {
            Some(old) => *old = Arc::clone(snapshot),
            None => self.pending.push_back(Item::Snapshot(Arc::clone(snapshot))),
        }
    }

    /// Sends what fits, a key frame where one is owed. False: the subscriber is gone.
    fn flush(&mut self, mirror: &Mirror, latest: &BTreeMap<u32, Arc<Snapshot>>) -> bool {
        if !self.send_pending() {
            return false;
        }
        if !self.wants_key || !self.pending.is_empty() {
            return true;
        }
        // An owed key frame is cut only when there is room for it, so that it is fresh; the wake-up
        // is asked for first, so that a reader in between is not missed.
        self.wake_up.asked.store(true, Ordering::SeqCst);
        if self.inbox.is_full() {
            return true;
        }
        self.wants_key = false;
        let lost = self.lost;
        let parts = mirror.key_frames().into_iter().map(Arc::new);
        self.pending
            .extend(parts.map(|frame| Item::Key { frame, lost }));
        self.pending
            .extend(latest.values().map(|last| Item::Snapshot(Arc::clone(last))));
        self.send_pending()
    }

    /// Whether it has not had everything yet.
    fn has_unsent(&self) -> bool {
        self.wants_key || !self.pending.is_empty()
    }

    fn send_pending(&mut self) -> bool {
        let mut has_asked = false;
        while let Some(item) = self.pending.pop_front() {
            let size = size(&item);
            match self.inbox.try_send(self.with_loss(item)) {
                Ok(()) => self.pending_changes -= size,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(item)) => {
                    self.pending.push_front(item);
                    if has_asked {
                        return true;
                    }
                    // Asked first, tried again after: a reader in between is not missed.
                    self.wake_up.asked.store(true, Ordering::SeqCst);
                    has_asked = true;
                }
            }
        }
        true
    }

    /// A snapshot tells this subscriber's own loss.
    fn with_loss(&self, item: Item) -> Item {
        match item {
            Item::Snapshot(snapshot) if snapshot.lost != self.lost => {
                let mut own = (*snapshot).clone();
                own.lost = self.lost;
                Item::Snapshot(Arc::new(own))
            }
            item => item,
        }
    }

    /// Too slow: the waiting changes are lost, and a key frame is owed.
    fn give_up(&mut self) {
        self.pending
            .retain(|item| !matches!(item, Item::Changes(_)));
        self.lost += self.pending_changes as u64;
        self.pending_changes = 0;
        self.wants_key = true;
    }
}

fn size(item: &Item) -> usize {
    match item {
        Item::Changes(tick) => tick.changes.len(),
        _ => 0,
    }
}
