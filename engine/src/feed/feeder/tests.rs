use crossbeam_channel::bounded;

use super::*;
use crate::{
    feed::{frame::Detail, mirror::Mirror},
    model::{ids::PageKey, phase::Phase},
};

/// A small linear congruential generator: the same story in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A random change that makes sense to `mirror`.
fn change(dice: &mut Dice, mirror: &Mirror, n: u64) -> Change {
    let slot = u32::try_from(dice.below(20)).unwrap();
    let Some(from) = mirror.phase_at(slot) else {
        let task = TaskRecord::new(slot, &format!("http://a.test/{n}"));
        return Change::Admitted(Box::new(task));
    };
    if dice.below(5) == 0 {
        return Change::Left { slot };
    }
    let to = Phase::ALL[usize::try_from(dice.below(12)).unwrap()];
    Change::Moved(Move {
        slot,
        from,
        to,
        attempts: u16::try_from(dice.below(9)).unwrap(),
        detail: Detail::None,
    })
}

fn tasks(mirror: &Mirror) -> Vec<(u32, PageKey, Phase, u16)> {
    let tasks = mirror.slots().filter_map(|slot| mirror.task(slot));
    tasks
        .map(|task| (task.slot, task.key, task.phase, task.attempts))
        .collect()
}

#[test]
fn coalesced_changes_lead_to_the_same_mirror() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut whole = Mirror::default();
        let mut split = Mirror::default();
        for round in 0..5 {
            let mut changes = Vec::new();
            for n in 0..100 {
                let next = change(&mut dice, &whole, round * 100 + n);
                whole.apply_change(0, &next);
                changes.push(next);
            }
            let short = coalesced(changes);
            assert!(short.len() <= 60, "three a slot");
            for next in &short {
                split.apply_change(0, next);
            }
            assert_eq!(tasks(&split), tasks(&whole), "seed {seed}");
            assert_eq!(split.nonsense(), 0, "seed {seed}");
        }
    }
}

#[test]
fn a_stalled_hub_costs_a_bounded_backlog_and_a_gap_in_the_numbers() {
    let (out, frames) = bounded(1);
    let mut feeder = Feeder::new(out);
    feeder.bound = 100;
    let mut dice = Dice(7);
    let mut whole = Mirror::default();
    for n in 0..10_000 {
        let next = change(&mut dice, &whole, n);
        whole.apply_change(n, &next);
        feeder.send(Frame::Changes(ChangeFrame {
            seq: n,
            at_us: n,
            changes: vec![next],
        }));
        assert!(feeder.waiting <= 130, "{} wait", feeder.waiting);
    }
    let mut copy = Mirror::default();
    loop {
        let is_empty = feeder.flush();
        while let Ok(frame) = frames.try_recv() {
            if let Frame::Changes(tick) = frame {
                copy.apply(&tick);
            }
        }
        if is_empty {
            break;
        }
    }
    assert_eq!(tasks(&copy), tasks(&whole));
    assert_eq!(copy.nonsense(), 0);
    // The next tick shows the whole gap.
    copy.apply(&ChangeFrame {
        seq: 10_000,
        ..ChangeFrame::default()
    });
    assert!(copy.missed() > 9_000, "{} are missed", copy.missed());
}

#[test]
fn a_feeder_without_a_hub_forgets_what_it_is_given() {
    let (out, frames) = bounded(1);
    drop(frames);
    let mut feeder = Feeder::new(out);
    for _ in 0..3 {
        feeder.send(Frame::Snapshot(Box::default()));
    }
    assert!(feeder.flush());
    assert!(feeder.backlog.is_empty());
}
