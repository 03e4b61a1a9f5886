use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    feed::frame::Fault,
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId},
    },
};

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn small(&mut self, n: u64) -> u32 {
        u32::try_from(self.below(n)).unwrap()
    }

    fn phase(&mut self) -> Phase {
        Phase::ALL[self.small(12) as usize]
    }
}

/// The plainest thing that could be right.
type Model = BTreeMap<u32, TaskRecord>;

fn task(dice: &mut Dice, slot: u32) -> TaskRecord {
    let n = dice.below(1 << 30);
    TaskRecord {
        session: SessionId(dice.small(3)),
        stage: StageId(u16::try_from(dice.below(3)).unwrap()),
        batch: BatchId(dice.small(9)),
        host: HostId(dice.small(7)),
        ..TaskRecord::new(slot, &format!("http://a.test/{n}"))
    }
}

fn change(dice: &mut Dice) -> Change {
    let slot = dice.small(40);
    match dice.below(4) {
        0 => Change::Admitted(Box::new(task(dice, slot))),
        1 => Change::Left { slot },
        _ => Change::Moved(Move {
            slot,
            from: dice.phase(),
            to: dice.phase(),
            attempts: u16::try_from(dice.below(5)).unwrap(),
            detail: match dice.below(4) {
                0 => Detail::None,
                1 => Detail::Began {
                    expect_ms: (dice.below(2) == 0).then_some((5, 3, 9)),
                },
                2 => Detail::Error(Box::new(Fault {
                    class: ErrorClass::ALL[dice.small(29) as usize],
                    message: Arc::from("went wrong"),
                    retry_at_us: (dice.below(2) == 0).then_some(7 << 40),
                })),
                _ => Detail::Reason(SkipReason::ALL[dice.small(7) as usize]),
            },
        }),
    }
}

fn model_apply(model: &mut Model, at_us: u64, change: &Change) {
    match change {
        Change::Admitted(task) => {
            model.insert(
                task.slot,
                TaskRecord {
                    changed_us: at_us,
                    ..(**task).clone()
                },
            );
        }
        Change::Left { slot } => {
            model.remove(slot);
        }
        Change::Moved(step) => {
            let Some(task) = model.get_mut(&step.slot) else {
                return;
            };
            task.phase = step.to;
            task.attempts = step.attempts;
            task.changed_us = at_us;
            task.due_us = None;
            task.expected_ms = None;
            match &step.detail {
                Detail::Began { expect_ms } if step.to.is_in_flight() => {
                    task.expected_ms = *expect_ms;
                }
                Detail::Error(fault) => {
                    task.class = Some(fault.class);
                    if !step.to.is_in_flight() {
                        task.due_us = fault.retry_at_us;
                    }
                }
                Detail::Reason(reason) => task.reason = Some(*reason),
                _ => {}
            }
        }
        _ => {}
    }
}

fn tasks(mirror: &Mirror) -> Vec<TaskRecord> {
    mirror
        .slots()
        .filter_map(|slot| Some(mirror.task(slot)?.owned()))
        .collect()
}

/// Counts as they follow from the tasks.
fn check_counts(mirror: &Mirror, model: &Model) {
    assert_eq!(mirror.len(), model.len() as u64);
    for phase in Phase::ALL {
        let of = |wanted: &dyn Fn(&TaskRecord) -> bool| {
            let tasks = model.values().filter(|task| task.phase == phase);
            tasks.filter(|task| wanted(task)).count() as u64
        };
        assert_eq!(mirror.counts().of(phase), of(&|_| true));
        for host in mirror.tables().hosts() {
            assert_eq!(host.counts.of(phase), of(&|task| task.host == host.id));
        }
        for session in mirror.tables().sessions() {
            for (n, stage) in (0_u16..).zip(&session.stages) {
                let expected = of(&|task| task.session == session.id && task.stage.0 == n);
                assert_eq!(stage.counts.of(phase), expected);
            }
        }
    }
}

#[test]
fn the_mirror_agrees_with_a_model_under_random_frames() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let (mut mirror, mut model) = (Mirror::tracking(), Model::new());
        let mut seq = 0;
        for tick in 0..60 {
            let changes: Vec<Change> = (0..dice.below(12)).map(|_| change(&mut dice)).collect();
            for change in &changes {
                model_apply(&mut model, tick, change);
            }
            let before = tasks(&mirror);
            let frame = ChangeFrame {
                seq,
                at_us: tick,
                changes,
            };
            seq += frame.changes.len() as u64;
            mirror.apply(&frame);
            let after = tasks(&mirror);
            assert_eq!(after, model.values().cloned().collect::<Vec<_>>());
            check_counts(&mirror, &model);
            let dirty = mirror.take_dirty();
            for slot in 0..40 {
                let find = |tasks: &[TaskRecord]| tasks.iter().find(|t| t.slot == slot).cloned();
                assert!(find(&before) == find(&after) || dirty.contains(&slot));
            }
            let mut once = dirty.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), dirty.len(), "each slot once");
        }
        assert_eq!((mirror.missed(), mirror.next_seq()), (0, seq));
    }
}

#[test]
fn a_key_frame_carries_the_whole_mirror() {
    let mut dice = Dice(5);
    let mut mirror = Mirror::default();
    for slot in 0..20_000 {
        let task = task(&mut dice, slot);
        mirror.apply_change(3, &Change::Admitted(Box::new(task)));
    }
    for _ in 0..1_000 {
        mirror.apply_change(9, &change(&mut dice));
    }
    let parts = mirror.key_frames();
    assert_eq!(parts.len(), 3);
    let mut copy = Mirror::tracking();
    copy.apply_change(0, &Change::Admitted(Box::new(task(&mut dice, 30_000))));
    for part in &parts {
        copy.apply_key(part);
    }
    assert_eq!(tasks(&copy), tasks(&mirror));
    assert_eq!(copy.counts(), mirror.counts());
    assert_eq!(copy.tables(), mirror.tables());
    assert!(copy.take_dirty().contains(&30_000), "the slot it cleared");
    assert_eq!(Mirror::default().key_frames().len(), 1, "never nothing");
}

#[test]
fn nonsense_is_counted_and_never_panics() {
    let mut mirror = Mirror::tracking();
    let mut dice = Dice(1);
    let mut far = task(&mut dice, 0);
    far.slot = u32::MAX;
    let mut deep = task(&mut dice, 1);
    deep.stage = StageId(u16::MAX);
    for change in [
        Change::Left { slot: u32::MAX },
        Change::Left { slot: 3 },
        Change::Admitted(Box::new(far)),
        Change::Admitted(Box::new(deep)),
        Change::StageMoved {
            session: SessionId(1),
            stage: StageId(u16::MAX),
            from: crate::model::phase::StagePhase::Waiting,
            to: crate::model::phase::StagePhase::Running,
        },
    ] {
        mirror.apply_change(0, &change);
    }
    assert_eq!((mirror.nonsense(), mirror.len()), (5, 0));
    mirror.apply(&ChangeFrame {
        seq: 12,
        ..ChangeFrame::default()
    });
    assert_eq!(mirror.missed(), 12);
}

#[test]
fn what_is_rare_is_given_back() {
    let mut mirror = Mirror::default();
    let mut dice = Dice(3);
    for round in 0..50 {
        for slot in 0..40 {
            let task = Box::new(task(&mut dice, slot));
            mirror.apply_change(round, &Change::Admitted(task));
            for (from, to, detail) in [
                (
                    Phase::Queued,
                    Phase::Fetching,
                    Detail::Began {
                        expect_ms: Some((2, 1, 3)),
                    },
                ),
                (
                    Phase::Fetching,
                    Phase::Fetched,
                    Detail::Took { ms: 2, bytes: 9 },
                ),
            ] {
                let attempts = 0;
                mirror.apply_change(
                    round,
                    &Change::Moved(Move {
                        slot,
                        from,
                        to,
                        attempts,
                        detail,
                    }),
                );
            }
        }
    }
    assert_eq!(
        mirror.columns.extras_kept(),
        (1, 0),
        "one place, in turn for each"
    );
}

#[test]
fn a_slot_tells_when_its_task_has_gone_or_another_has_come() {
    let mut dice = Dice(5);
    let mut mirror = Mirror::tracking();
    for slot in 0..3 {
        mirror.apply_change(0, &Change::Admitted(Box::new(task(&mut dice, slot))));
    }
    mirror.watch_slots();
    assert!((0..3).all(|slot| !mirror.has_changed(slot)));
    assert!(mirror.has_changed(3), "nobody was there");
    mirror.apply_change(1, &Change::Left { slot: 0 });
    let again = task(&mut dice, 1);
    mirror.apply_change(1, &Change::Left { slot: 1 });
    mirror.apply_change(1, &Change::Admitted(Box::new(again)));
    assert_eq!(
        [0, 1, 2].map(|slot| mirror.has_changed(slot)),
        [true, true, false]
    );
    mirror.watch_slots();
    assert_eq!(
        [0, 1, 2].map(|slot| mirror.has_changed(slot)),
        [true, false, false]
    );
}

#[test]
fn a_key_frame_changes_only_slots_to_which_it_brings_another_task() {
    let mut dice = Dice(9);
    let mut mirror = Mirror::tracking();
    for slot in 0..2 {
        mirror.apply_change(0, &Change::Admitted(Box::new(task(&mut dice, slot))));
    }
    let (mut frames, mut other) = (mirror.key_frames(), mirror.clone());
    mirror.watch_slots();
    for frame in &frames {
        mirror.apply_key(frame);
    }
    assert!((0..2).all(|slot| !mirror.has_changed(slot)));
    other.apply_change(1, &Change::Left { slot: 1 });
    let another = task(&mut dice, 1);
    other.apply_change(1, &Change::Admitted(Box::new(another)));
    frames = other.key_frames();
    for frame in &frames {
        mirror.apply_key(frame);
    }
    assert!(!mirror.has_changed(0) && mirror.has_changed(1));
}
