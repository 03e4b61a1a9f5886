use std::collections::VecDeque;

use crawlfield_engine::feed::{
    frame::{Change, ChangeFrame, Frame},
    task_record::TaskRecord,
};

use bevy::prelude::{App, ResMut};

use crate::{
    field::{Arrangement, layout::Rect, slot_set::SlotSet, texel::FLAG_SELECTED},
    headless::{self, Viewer},
    selection::Selection,
    source::{Frames, Source},
    theme::Appearance,
};

/// A change a second.
struct Script(VecDeque<Change>, u64);

impl Frames for Script {
    fn next_until(&mut self, at_us: u64) -> Option<Frame> {
        if self.1 * 1_000_000 > at_us {
            return None;
        }
        let frame = ChangeFrame {
            seq: self.1,
            at_us: self.1 * 1_000_000,
            changes: vec![self.0.pop_front()?],
        };
        self.1 += 1;
        Some(Frame::Changes(frame))
    }
}

fn admitted(slot: u32, url: &str) -> Change {
    Change::Admitted(Box::new(TaskRecord::new(slot, url)))
}

fn app(changes: impl IntoIterator<Item = Change>) -> App {
    let script = Script(changes.into_iter().collect(), 0);
    headless::app(Source::Frames(Box::new(script)), Appearance::default())
}

fn selected(viewer: &Viewer<'_>) -> Vec<u32> {
    let flagged = viewer.feed().mirror.slots();
    let flagged: Vec<u32> = flagged
        .filter(|slot| viewer.field().cells.flags_of(*slot) & FLAG_SELECTED != 0)
        .collect();
    let selected: Vec<u32> = viewer.selection().slots.iter().collect();
    assert_eq!(flagged, selected, "what has the flag is what is selected");
    selected
}

#[test]
fn a_slot_that_another_task_has_got_is_selected_no_more() {
    let mut app = app([
        admitted(0, "a"),
        admitted(1, "b"),
        Change::Left { slot: 0 },
        admitted(0, "c"),
    ]);
    let mut viewer = Viewer(app.world_mut());
    viewer.advance(1_500_000);
    viewer.select(vec![0, 1]);
    assert_eq!(selected(&viewer), [0, 1]);
    // It leaves and another comes within one frame of the picture.
    viewer.advance(3_500_000);
    assert_eq!(selected(&viewer), [1]);
    assert!(!viewer.selection().has_left);
}

#[test]
fn the_only_selected_task_that_leaves_is_remembered_as_such() {
    let mut app = app([admitted(0, "a"), Change::Left { slot: 0 }]);
    let mut viewer = Viewer(app.world_mut());
    viewer.advance(500_000);
    viewer.select(vec![0]);
    viewer.advance(1_500_000);
    assert!(selected(&viewer).is_empty() && viewer.selection().has_left);
}

#[test]
fn another_arrangement_is_laid_out_before_anybody_draws() {
    let mut app = app([admitted(0, "a")]);
    let mut viewer = Viewer(app.world_mut());
    viewer.advance(500_000);
    viewer.set_area(Rect::new(0.0, 0.0, 800.0, 600.0), 1.0);
    for arrangement in [Arrangement::Flow, Arrangement::Territory] {
        viewer.arrange(arrangement);
        let blocks = viewer.field().cells.blocks().len();
        assert_eq!(viewer.field().placed.len(), blocks);
        let placed = viewer.field().placed.iter();
        let drawn = placed.filter(|place| place.columns > 0).count();
        assert_eq!(viewer.compose().blocks.len(), drawn);
    }
}

#[test]
fn a_selection_outlives_another_arrangement_and_another_selection_unmarks_it() {
    let mut app = app((0..70).map(|slot| admitted(slot, &slot.to_string())));
    let mut viewer = Viewer(app.world_mut());
    viewer.advance(80_000_000);
    viewer.select((0..70).collect::<SlotSet>());
    viewer.arrange(Arrangement::Flow);
    assert_eq!(selected(&viewer).len(), 70);
    viewer.select(vec![3]);
    assert_eq!(selected(&viewer), [3]);
}

#[test]
fn the_view_follows_a_task_until_it_leaves() {
    let mut app = app([admitted(0, "a"), admitted(1, "b"), Change::Left { slot: 1 }]);
    let mut viewer = Viewer(app.world_mut());
    viewer.set_area(Rect::new(0.0, 0.0, 800.0, 600.0), 1.0);
    viewer.advance(1_500_000);
    let key = viewer.feed().mirror.key_at(1).expect("it was admitted");
    viewer.with::<ResMut<'static, Selection>, _>(|mut selection| {
        selection.followed = Some((1, key));
    });
    app.update();
    let mut viewer = Viewer(app.world_mut());
    let (block, cell) = viewer.field().cells.place_of(1).expect("it has a cell");
    let cell = viewer.field().placed[block as usize].cell_rect(cell);
    let shown = viewer.view().rect_to_screen(cell);
    assert!((shown.left + shown.right - 800.0).abs() < 1.0, "{shown:?}");
    viewer.advance(2_500_000);
    app.update();
    assert_eq!(Viewer(app.world_mut()).selection().followed, None);
}
