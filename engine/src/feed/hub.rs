//! The hub: a thread that mirrors the feed and passes it on to any number of subscribers.
//!
//! The engine's side never waits (`Feeder`), the hub drains every few milliseconds, and only a
//! subscriber who reads too slowly loses changes: exactly counted, told, and mended by a key frame.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded, never, select};

use crate::feed::{feeder::Feeder, frame::Frame, mirror::Mirror, snapshot::Snapshot};

mod subscriber;
#[cfg(test)]
mod tests;

use subscriber::Outbox;
pub use subscriber::{Item, Subscription};

/// Frames between the engine and the hub.
const INBOX_FRAMES: usize = 1_024;
/// When the hub has passed on what there was, it rests so long: to be woken up for every tick would
/// cost the engine's thread more than to write the tick's frame.
const REST: Duration = Duration::from_millis(3);
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
        .spawn(move || Switch::default().run(&frames, &joining, &woken))?;
    Ok((Feeder::new(out), Hub { joins, wake }, thread))
}

impl Hub {
    /// Joins: a key frame comes first, then everything that follows. The inbox holds `capacity`
    /// items (at least 1); beyond it 65,536 changes wait at the hub before any is lost. After the
    /// end of the feed the subscription is closed at once.
    #[must_use]
    pub fn subscribe(&self, capacity: usize) -> Subscription {
        let (outbox, subscription) = subscriber::pair(capacity, self.wake.clone());
        // A hub that has ended drops the outbox, which the subscription sees as closed.
        drop(self.joins.send(outbox));
        subscription
    }
}

/// What the hub's thread holds.
#[derive(Default)]
struct Switch {
    mirror: Mirror,
    latest: BTreeMap<u32, Arc<Snapshot>>,
    outboxes: Vec<Outbox>,
}

impl Switch {
    fn run(mut self, frames: &Receiver<Frame>, joining: &Receiver<Outbox>, woken: &Receiver<()>) {
        let mut frames = frames.clone();
        let mut joining = joining.clone();
        let mut is_open = true;
        let mut is_busy = false;
        while is_open || !self.outboxes.is_empty() {
            select! {
                recv(frames) -> frame => if let Ok(frame) = frame {
                    self.pass(frame);
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
            self.outboxes
                .retain_mut(|outbox| outbox.flush(mirror, latest) && (is_open || outbox.owes()));
            if is_busy && frames.is_empty() {
                is_busy = false;
                thread::sleep(REST);
            }
        }
    }

    fn pass(&mut self, frame: Frame) {
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
