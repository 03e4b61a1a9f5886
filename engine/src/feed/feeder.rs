//! The engine's end of the feed: hands frames to the hub and never waits for it.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};
use rustc_hash::FxHashMap;

use crate::feed::{
    frame::{Change, ChangeFrame, Frame, Move},
    task_record::TaskRecord,
};

#[cfg(test)]
mod tests;

/// Changes kept while the hub is behind; beyond it they are coalesced per task.
const BACKLOG_CHANGES: usize = 1 << 18;

/// The sending end, owned by the engine's thread. The hub drains fast, so the backlog is as a
/// rule empty; where the hub starves, the backlog is coalesced per task, so that it is bounded
/// by the window and the hub's mirror stays true. The gap in the numbers tells what was left out.
#[derive(Debug)]
pub struct Feeder {
    out: Sender<Frame>,
    backlog: VecDeque<Frame>,
    waiting: usize,
    bound: usize,
    is_closed: bool,
}

impl Feeder {
    pub(super) fn new(out: Sender<Frame>) -> Self {
        Self {
            out,
            backlog: VecDeque::new(),
            waiting: 0,
            bound: BACKLOG_CHANGES,
            is_closed: false,
        }
    }

    /// Hands over one frame; a frame without changes is not sent.
    pub fn send(&mut self, frame: Frame) {
        if self.is_closed || matches!(&frame, Frame::Changes(tick) if tick.changes.is_empty()) {
            return;
        }
        if self.flush() {
            match self.out.try_send(frame) {
                Ok(()) => {}
                Err(TrySendError::Full(frame)) => self.keep(frame),
                Err(TrySendError::Disconnected(_)) => self.close(),
            }
        } else {
            self.keep(frame);
        }
    }

    /// Sends what waits, without blocking. False while something still waits: then the run loop
    /// calls again within milliseconds even if nothing else happens.
    pub fn flush(&mut self) -> bool {
        while let Some(frame) = self.backlog.pop_front() {
            let changes = size(&frame);
            match self.out.try_send(frame) {
                Ok(()) => self.waiting -= changes,
                Err(TrySendError::Full(frame)) => {
                    self.backlog.push_front(frame);
                    return false;
                }
                Err(TrySendError::Disconnected(_)) => {
                    self.close();
                    return true;
                }
            }
        }
        true
    }

    fn keep(&mut self, frame: Frame) {
        self.waiting += size(&frame);
        self.backlog.push_back(frame);
        if self.waiting > self.bound {
            self.coalesce();
        }
    }

    /// Merges all waiting changes into one frame and keeps the last snapshot of each session.
    fn coalesce(&mut self) {
        let mut merged = ChangeFrame::default();
        let mut snapshots: Vec<Frame> = Vec::new();
        let mut is_first = true;
        for frame in self.backlog.drain(..) {
            match frame {
                Frame::Changes(tick) => {
                    if is_first {
                        merged.seq = tick.seq;
                        is_first = false;
                    }
                    merged.at_us = tick.at_us;
                    merged.changes.extend(tick.changes);
                }
                Frame::Snapshot(new) => {
                    snapshots.retain(|old| {
                        !matches!(old, Frame::Snapshot(old) if old.session.id == new.session.id)
                    });
                    snapshots.push(Frame::Snapshot(new));
                }
            }
        }
        merged.changes = coalesced(merged.changes);
        self.waiting = merged.changes.len();
        // What remains cannot shrink much further: wait for as much again before the next try.
        self.bound = self.bound.max(self.waiting.saturating_mul(2));
        self.backlog.push_back(Frame::Changes(merged));
        self.backlog.extend(snapshots);
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.backlog.clear();
        self.waiting = 0;
    }
}

impl Drop for Feeder {
    /// The engine has ended: the hub gets the rest, however long it takes to drain.
    fn drop(&mut self) {
        for frame in self.backlog.drain(..) {
            if self.out.send(frame).is_err() {
                return;
            }
        }
    }
}

fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Changes(tick) => tick.changes.len(),
        Frame::Snapshot(_) => 0,
    }
}

/// What a slot's changes come to.
#[derive(Default)]
struct Net {
    left: bool,
    admitted: Option<Box<TaskRecord>>,
    step: Option<Move>,
}

/// The shortest changes that lead to the same mirror: per task its departure, admission
/// and last move; everything else stays. At most three a slot.
fn coalesced(changes: Vec<Change>) -> Vec<Change> {
    let mut at: FxHashMap<u32, usize> = FxHashMap::default();
    let mut nets: Vec<(u32, Net)> = Vec::new();
    let mut kept = Vec::new();
    for change in changes {
        let slot = match &change {
            Change::Admitted(task) => task.slot,
            Change::Moved(step) => step.slot,
            Change::Left { slot } => *slot,
            _ => {
                kept.push(change);
                continue;
            }
        };
        let i = *at.entry(slot).or_insert_with(|| {
            nets.push((slot, Net::default()));
            nets.len() - 1
        });
        nets[i].1.take(change);
    }
    for (slot, net) in nets {
        kept.extend(net.left.then_some(Change::Left { slot }));
        kept.extend(net.admitted.map(Change::Admitted));
        kept.extend(net.step.map(Change::Moved));
    }
    kept
}

impl Net {
    fn take(&mut self, change: Change) {
        match change {
            Change::Admitted(task) => {
                self.admitted = Some(task);
                self.step = None;
            }
            Change::Moved(mut step) => {
                if let Some(earlier) = &self.step {
                    step.from = earlier.from;
                }
                self.step = Some(step);
            }
            _ => {
                self.left |= self.admitted.is_none();
                self.admitted = None;
                self.step = None;
            }
        }
    }
}
