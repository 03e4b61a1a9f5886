use std::{thread, time::Duration};

use super::*;
use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        task_record::TaskRecord,
    },
    model::phase::Phase,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn admitted(slot: u32) -> Change {
    let task = TaskRecord::new(slot, &format!("http://a.test/{slot}"));
    Change::Admitted(Box::new(task))
}

fn step(slot: u32, from: Phase, to: Phase) -> Change {
    Change::Moved(Move {
        slot,
        from,
        to,
        attempts: 0,
        detail: Detail::None,
    })
}

/// Sends frames with gapless numbers.
struct Engine {
    feeder: Feeder,
    seq: u64,
}

impl Engine {
    fn tick(&mut self, changes: Vec<Change>) {
        let seq = self.seq;
        self.seq += changes.len() as u64;
        self.feeder.send(Frame::Changes(ChangeFrame {
            seq,
            at_us: seq * 1_000,
            changes,
        }));
        // The run loop does not wait for the hub either, but it has not half a million moves a tick.
        while !self.feeder.flush() {
            thread::yield_now();
        }
    }

    /// Task 0 goes to and fro, `times` times in ticks of 64 moves.
    fn shuttle(&mut self, times: usize) {
        for _ in 0..times / 64 {
            let pair = [
                step(0, Phase::Queued, Phase::Fetching),
                step(0, Phase::Fetching, Phase::Queued),
            ];
            self.tick(pair.iter().cycle().take(64).cloned().collect());
        }
    }
}

fn started() -> (Engine, Hub, JoinHandle<()>) {
    let (feeder, hub, thread) = start_joinable().unwrap();
    (Engine { feeder, seq: 0 }, hub, thread)
}

/// Reads until the end: the mirror it led to, changes received, loss told last, key frames seen.
fn drain(subscription: &Subscription) -> (Mirror, u64, u64, u32) {
    let (mut mirror, mut received, mut lost_told, mut keys) = (Mirror::default(), 0, 0, 0);
    loop {
        match subscription.recv_timeout(PATIENCE).expect("not silent") {
            Item::Key { frame, lost } => {
                keys += u32::from(frame.part == 0);
                lost_told = lost;
                mirror.apply_key(&frame);
            }
            Item::Changes(tick) => {
                received += tick.changes.len() as u64;
                mirror.apply(&tick);
            }
            Item::Snapshot(snapshot) => lost_told = snapshot.lost,
            Item::Closed => return (mirror, received, lost_told, keys),
        }
    }
}

#[test]
fn a_subscriber_gets_a_key_frame_then_every_change() {
    let (mut engine, hub, thread) = started();
    let subscription = hub.subscribe(16);
    assert!(matches!(
        subscription.recv_timeout(PATIENCE),
        Some(Item::Key { lost: 0, .. })
    ));
    engine.tick(vec![admitted(0), admitted(1)]);
    engine.shuttle(6_400);
    drop(engine);
    let (mirror, received, lost, _) = drain(&subscription);
    assert_eq!((received, lost), (6_402, 0));
    assert_eq!((mirror.len(), mirror.nonsense()), (2, 0));
    thread.join().unwrap();
}

#[test]
fn who_joins_late_sees_what_is_there() {
    let (mut engine, hub, thread) = started();
    engine.tick((0..20_000).map(admitted).collect());
    let early = hub.subscribe(1_000);
    // The early one has the admissions, so the hub has them too.
    let mut seen = Mirror::default();
    while seen.len() < 20_000 {
        match early.recv_timeout(PATIENCE).expect("not silent") {
            Item::Key { frame, .. } => seen.apply_key(&frame),
            Item::Changes(tick) => seen.apply(&tick),
            other => panic!("unexpected {other:?}"),
        }
    }
    let late = hub.subscribe(2);
    drop(engine);
    let (mirror, received, lost, keys) = drain(&late);
    assert_eq!(
        (mirror.len(), received, lost, keys),
        (20_000, 0, 0, 1),
        "three parts through an inbox of two"
    );
    thread.join().unwrap();
}

#[test]
fn a_slow_reader_loses_an_exact_number_and_is_resynchronised() {
    let (mut engine, hub, thread) = started();
    let fast = hub.subscribe(1 << 20);
    let slow = hub.subscribe(1);
    assert!(matches!(
        slow.recv_timeout(PATIENCE),
        Some(Item::Key { .. })
    ));
    engine.tick(vec![admitted(0), admitted(1)]);
    engine.shuttle(640_000);
    engine.tick(vec![step(1, Phase::Queued, Phase::Fetching)]);
    let sent = engine.seq;
    drop(engine);
    let (whole, all, none, _) = drain(&fast);
    assert_eq!((all, none), (sent, 0));
    let (mirror, received, lost, keys) = drain(&slow);
    assert!(lost > 500_000, "{lost} lost");
    assert_eq!(received + lost, sent);
    assert!(keys >= 1);
    assert_eq!(mirror.counts(), whole.counts());
    assert_eq!(mirror.phase_at(1), Some(Phase::Fetching));
    thread.join().unwrap();
}

#[test]
fn a_snapshot_tells_the_loss_of_its_reader() {
    let (mut engine, hub, thread) = started();
    let slow = hub.subscribe(1);
    engine.tick(vec![admitted(0)]);
    engine.shuttle(640_000);
    engine.feeder.send(Frame::Snapshot(Box::default()));
    drop(engine);
    let mut last = None;
    loop {
        match slow.recv_timeout(PATIENCE).expect("not silent") {
            Item::Snapshot(snapshot) => last = Some(snapshot.lost),
            Item::Closed => break,
            Item::Key { .. } | Item::Changes(_) => {}
        }
    }
    assert!(last.is_some_and(|lost| lost > 500_000), "{last:?}");
    thread.join().unwrap();
}

#[test]
fn a_dead_subscriber_is_dropped_and_the_hub_ends() {
    let (mut engine, hub, thread) = started();
    let dead = hub.subscribe(1);
    engine.tick(vec![admitted(0)]);
    engine.shuttle(6_400);
    drop(engine);
    assert!(!thread.is_finished() || dead.try_recv().is_some());
    drop(dead);
    thread.join().unwrap();
    let too_late = hub.subscribe(1);
    assert!(matches!(
        too_late.recv_timeout(PATIENCE),
        Some(Item::Closed)
    ));
}

#[test]
fn a_reader_in_another_thread_sees_every_change_through_a_tiny_inbox() {
    let (mut engine, hub, thread) = started();
    let subscription = hub.subscribe(2);
    let reader = thread::spawn(move || drain(&subscription));
    engine.tick(vec![admitted(0)]);
    engine.shuttle(64_000);
    let sent = engine.seq;
    drop(engine);
    let (mirror, received, lost, _) = reader.join().unwrap();
    // What was told before it joined is in its first key frame.
    assert!(received + lost <= sent);
    assert_eq!(mirror.phase_at(0), Some(Phase::Queued));
    thread.join().unwrap();
}
