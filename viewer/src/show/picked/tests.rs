use std::collections::VecDeque;

use crawlfield_engine::feed::frame::{Birth, Change, ChangeFrame, Frame};

use crate::{
    compose::compose,
    field::{board::Arrangement, layout::Rect, slots::Slots, texel::FLAG_SELECTED},
    render::Scene,
    show::{Choices, Show},
    source::{Frames, Source},
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

fn born(slot: u32, url: &str) -> Change {
    Change::Admitted(Box::new(Birth::new(slot, url)))
}

fn show(changes: impl IntoIterator<Item = Change>) -> Show {
    let script = Script(changes.into_iter().collect(), 0);
    Show::new(Source::Frames(Box::new(script)), Choices::default())
}

fn selected(show: &Show) -> Vec<u32> {
    let marked = show.mirror.slots();
    let marked: Vec<u32> = marked
        .filter(|slot| show.board.flags_of(*slot) & FLAG_SELECTED != 0)
        .collect();
    let picked: Vec<u32> = show.picked.slots.iter().collect();
    assert_eq!(marked, picked, "what is marked is what is selected");
    picked
}

#[test]
fn a_slot_that_another_task_has_got_is_selected_no_more() {
    let mut show = show([
        born(0, "a"),
        born(1, "b"),
        Change::Left { slot: 0 },
        born(0, "c"),
    ]);
    show.advance(1_500_000);
    show.select(vec![0, 1]);
    assert_eq!(selected(&show), [0, 1]);
    // It leaves and another comes within one frame of the picture.
    show.advance(3_500_000);
    assert_eq!(selected(&show), [1]);
    assert!(!show.picked.has_left);
}

#[test]
fn the_only_selected_task_that_leaves_is_remembered_as_such() {
    let mut show = show([born(0, "a"), Change::Left { slot: 0 }]);
    show.advance(500_000);
    show.select(vec![0]);
    show.advance(1_500_000);
    assert!(selected(&show).is_empty() && show.picked.has_left);
}

#[test]
fn another_arrangement_is_laid_out_before_anybody_draws() {
    let mut show = show([born(0, "a")]);
    show.advance(500_000);
    show.set_area(Rect::new(0.0, 0.0, 800.0, 600.0), 1.0);
    for arrangement in [Arrangement::Flow, Arrangement::Territory] {
        show.arrange(arrangement);
        assert_eq!(show.placed.len(), show.board.blocks().len());
        compose(&mut show, &mut Scene::default(), [800.0, 600.0]);
    }
}

#[test]
fn a_selection_outlives_another_arrangement_and_a_change_of_selection_unmarks_the_old() {
    let mut show = show((0..70).map(|slot| born(slot, &slot.to_string())));
    show.advance(80_000_000);
    show.select((0..70).collect::<Slots>());
    show.arrange(Arrangement::Flow);
    assert_eq!(selected(&show).len(), 70);
    show.select(vec![3]);
    assert_eq!(selected(&show), [3]);
}
