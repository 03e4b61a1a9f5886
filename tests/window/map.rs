//! The map over time, without a picture: it holds still, moves smoothly when it must change, folds what
//! has finished, and shows at the end what was brought.

use std::{collections::VecDeque, sync::Arc};

use bevy::app::App;
use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Frame, Move},
        snapshot::{HostInfo, SessionInfo, Snapshot},
        task_record::TaskRecord,
    },
    model::{
        ids::{HostId, SessionId},
        phase::{Phase, SessionPhase},
    },
};
use crawlfield_viewer::{
    field::{BLOCK_FINISHED, Field, layout::Rect, picking, view::View},
    headless::{self, Viewer},
    numbers::wide,
    source::{Frames, Source},
    theme::{Appearance, Motion},
};

use super::synthetic::{Plan, Synthetic};

const SECOND: u64 = 1_000_000;

fn app(frames: impl Frames + 'static, motion: Motion) -> App {
    let appearance = Appearance {
        motion,
        ..Appearance::default()
    };
    let mut app = headless::app(Source::Frames(Box::new(frames)), appearance);
    Viewer(app.world_mut()).set_area(Rect::new(0.0, 0.0, 812.0, 430.0), 1.0);
    app
}

#[test]
fn a_steady_crawl_changes_its_map_at_most_once_in_twenty_seconds() {
    for hosts in [1, 6, 30, 300] {
        let crawl = Synthetic::new(Plan {
            tasks: 6_000,
            hosts,
            moves_per_second: 2_400.0,
            failing: 0.1,
            broken: None,
            seed: 9,
        });
        let mut app = app(crawl, Motion::Full);
        let mut viewer = Viewer(app.world_mut());
        let (mut layouts, mut last_us) = (0, None);
        let mut places = Vec::new();
        for step in 1..=1_200 {
            let now_us = step * SECOND / 20;
            viewer.advance(now_us);
            let field = viewer.field();
            if field.layouts() != layouts {
                let is_rare = last_us.is_none_or(|last| now_us - last >= 20 * SECOND);
                assert!(is_rare || now_us < 20 * SECOND, "{hosts} hosts at {now_us}");
                (layouts, last_us) = (field.layouts(), Some(now_us));
            }
            if now_us == 20 * SECOND {
                places.clone_from(&field.placed);
            }
        }
        assert!(layouts <= 4, "{hosts} hosts: {layouts} layouts in a minute");
        assert_eq!(places.len(), hosts as usize);
    }
}

/// Frames at their times, µs.
struct Script(VecDeque<(u64, Frame)>);

impl Frames for Script {
    fn next_until(&mut self, at_us: u64) -> Option<Frame> {
        if self.0.front()?.0 > at_us {
            return None;
        }
        self.0.pop_front().map(|(_, frame)| frame)
    }
}

fn moved(slot: u32, from: Phase, to: Phase) -> Change {
    Change::Moved(Move {
        slot,
        from,
        to,
        attempts: 0,
        detail: Detail::None,
    })
}

fn session(from: SessionPhase, to: SessionPhase) -> Change {
    let session = SessionId(1);
    Change::SessionMoved { session, from, to }
}

/// Two hosts of 40 and 60 tasks. The first is through after two seconds, with three dead letters; the
/// second after thirty, or never.
fn two_hosts(ends: bool) -> Script {
    let mut begin = vec![Change::SessionAdmitted {
        session: SessionId(1),
        site: Arc::from("shop"),
        source: None,
        stages: vec![Arc::from("detail")],
    }];
    begin.push(session(SessionPhase::Analysing, SessionPhase::Running));
    for (host, name) in [(1, "one.test"), (2, "two.test")] {
        let (host, name) = (HostId(host), Arc::from(name));
        begin.push(Change::HostAdmitted { host, name });
    }
    for slot in 0..100 {
        let host = HostId(if slot < 40 { 1 } else { 2 });
        let task = TaskRecord {
            host,
            ..TaskRecord::new(slot, &format!("http://shop.test/{slot}"))
        };
        begin.push(Change::Admitted(Box::new(task)));
    }
    let end = |slot| if slot < 3 { Phase::Dead } else { Phase::Done };
    let ended = |slots: core::ops::Range<u32>| {
        let moves = slots.map(|slot| moved(slot, Phase::Queued, end(slot)));
        moves.collect::<Vec<_>>()
    };
    let left = |slots: core::ops::Range<u32>| {
        let left = slots.map(|slot| Change::Left { slot });
        left.collect::<Vec<_>>()
    };
    let counted = |second: u64, one: (u64, u64), two: u64| {
        let host = |id: u32, finished, dead| HostInfo {
            id,
            finished,
            dead,
            ..HostInfo::default()
        };
        let snapshot = Snapshot {
            at: wide(second),
            session: SessionInfo {
                id: 1,
                ..SessionInfo::default()
            },
            hosts: vec![host(1, one.0, one.1), host(2, two, 0)],
            ..Snapshot::default()
        };
        (second * SECOND, Frame::Snapshot(snapshot.into()))
    };
    let mut seq = 0;
    let mut changed = |second: u64, changes: Vec<Change>| {
        let at_us = second * SECOND;
        let frame = ChangeFrame {
            seq,
            at_us,
            changes,
        };
        seq = frame.seq + frame.changes.len() as u64;
        (at_us, Frame::Changes(frame))
    };
    let mut frames = vec![
        changed(0, begin),
        changed(2, ended(0..40)),
        changed(4, left(0..40)),
        counted(4, (37, 3), 0),
    ];
    if ends {
        let mut end = left(40..100);
        end.push(session(SessionPhase::Running, SessionPhase::Draining));
        end.push(session(SessionPhase::Draining, SessionPhase::Completed));
        let before = changed(28, ended(40..100));
        frames.extend([before, changed(30, end), counted(30, (37, 3), 60)]);
    }
    Script(frames.into())
}

fn play(viewer: &mut Viewer<'_>, from: u64, to: u64) {
    for step in from * 30 + 1..=to * 30 {
        viewer.advance(step * SECOND / 30);
    }
}

fn columns(field: &Field) -> Vec<bool> {
    field.placed.iter().map(|place| place.columns > 0).collect()
}

#[test]
fn a_finished_host_is_a_chip_and_opens_and_folds_by_hand() {
    let mut app = app(two_hosts(false), Motion::Full);
    let mut viewer = Viewer(app.world_mut());
    play(&mut viewer, 0, 5);
    assert_eq!(columns(viewer.field()), [true, true]);
    play(&mut viewer, 5, 25);
    assert_eq!(columns(viewer.field()), [false, true]);
    assert!(viewer.field().is_folded(0));
    let chips = &viewer.field().chips;
    assert_eq!(chips.len(), 1);
    let rect = chips[0].rect;
    let (x, y) = (
        f32::midpoint(rect.left, rect.right),
        f32::midpoint(rect.top, rect.bottom),
    );
    let hit = picking::pick(viewer.view(), &viewer.field().placed, x, y);
    assert_eq!(hit, Some((0, None)), "the chip is its host");
    assert_eq!(viewer.compose().blocks.len(), 1);
    viewer.0.resource_mut::<Field>().open(0, true);
    play(&mut viewer, 25, 26);
    assert_eq!(columns(viewer.field()), [true, true]);
    let scene = viewer.compose();
    let [_, count, _, flags] = scene.blocks[0].cells;
    assert_eq!((count, flags & BLOCK_FINISHED), (40, BLOCK_FINISHED));
    assert!((scene.blocks[0].foot[2] - 3.0 / 40.0).abs() < 1e-4, "dead");
    viewer.0.resource_mut::<Field>().open(0, false);
    play(&mut viewer, 26, 27);
    assert_eq!(columns(viewer.field()), [false, true]);
}

#[test]
fn the_end_shows_all_hosts_with_what_they_have_brought() {
    for motion in [Motion::Full, Motion::None] {
        let mut app = app(two_hosts(true), motion);
        let mut viewer = Viewer(app.world_mut());
        play(&mut viewer, 0, 33);
        assert!(viewer.feed().mirror.is_empty());
        assert_eq!(columns(viewer.field()), [true, true], "{motion:?}");
        assert!(viewer.field().chips.is_empty());
        let scene = viewer.compose();
        let counts: Vec<u32> = scene.blocks.iter().map(|block| block.cells[1]).collect();
        assert_eq!(counts, [40, 60], "{motion:?}");
        let is_finished = |flags: u32| flags & BLOCK_FINISHED != 0;
        assert!(scene.blocks.iter().all(|block| is_finished(block.cells[3])));
    }
}

#[test]
fn a_change_of_the_map_takes_many_small_steps_and_none_without_motion() {
    for motion in [Motion::Full, Motion::Reduced] {
        let mut app = app(two_hosts(false), motion);
        let mut viewer = Viewer(app.world_mut());
        let mut largest = 0.0_f32;
        let mut steps = 0;
        let mut before = Vec::new();
        for step in 1..=25 * 60 {
            viewer.advance(step * SECOND / 60);
            let now = viewer.field().placed.clone();
            if step > 60 && now != before {
                steps += 1;
                let widths = now.iter().zip(&before);
                let widths =
                    widths.map(|(now, before)| (now.rect.width() - before.rect.width()).abs());
                largest = widths.fold(largest, f32::max);
            }
            before = now;
        }
        match motion {
            Motion::Full => {
                assert!(steps >= 20, "{steps} steps");
                assert!(largest < 60.0, "the largest is of {largest} pixels");
            }
            _ => assert_eq!(steps, 1, "at once"),
        }
    }
}

#[test]
fn a_host_of_which_no_snapshot_tells_is_folded_with_what_was_seen_to_end() {
    let mut frames = two_hosts(false);
    frames
        .0
        .retain(|(_, frame)| !matches!(frame, Frame::Snapshot(_)));
    let mut app = app(frames, Motion::Full);
    let mut viewer = Viewer(app.world_mut());
    play(&mut viewer, 0, 25);
    assert!(viewer.field().is_folded(0));
    let outside = viewer.field().outside(0, &viewer.feed().mirror);
    assert_eq!((outside.finished, outside.failed), (37, 3));
}

#[test]
fn who_looks_at_a_part_of_the_map_keeps_it_when_the_map_changes() {
    let mut app = app(two_hosts(false), Motion::Full);
    let mut viewer = Viewer(app.world_mut());
    play(&mut viewer, 0, 3);
    let (block, cell) = viewer.field().cells.place_of(70).expect("it has a cell");
    let place = viewer.field().placed[block as usize];
    let mut view = *viewer.view();
    view.look_at(place.cell_rect(cell), 90.0);
    *viewer.0.resource_mut::<View>() = view;
    play(&mut viewer, 3, 25);
    assert!(viewer.field().is_folded(0), "the map has changed");
    assert_ne!(viewer.field().placed[block as usize], place);
    let (x, y) = (406.0, 215.0);
    let hit = picking::pick(viewer.view(), &viewer.field().placed, x, y);
    assert_eq!(hit, Some((block, Some(cell))), "it is in the middle still");
    let edge = viewer.field().placed[block as usize].cell * viewer.view().zoom;
    assert!((edge - 90.0).abs() < 0.5, "{edge}");
}
