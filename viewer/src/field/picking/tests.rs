use super::{Heap, for_each_cell, heap_at};
use crate::field::{
    layout::{Placed, Rect},
    outside::Outside,
    view::View,
};

fn cells(polygon: &[(f32, f32)], used: u32) -> Vec<u32> {
    let place = Placed {
        rect: Rect::new(0.0, 0.0, 100.0, 100.0),
        x: 10.0,
        y: 20.0,
        cell: 10.0,
        columns: 5,
        ..Placed::default()
    };
    let mut found = Vec::new();
    for_each_cell(polygon, &place, used, |cell| found.push(cell));
    found
}

#[test]
fn a_box_takes_the_cells_whose_centres_it_covers() {
    let square = [(12.0, 22.0), (38.0, 22.0), (38.0, 38.0), (12.0, 38.0)];
    assert_eq!(cells(&square, 25), [0, 1, 2, 5, 6, 7]);
}

#[test]
fn cells_that_were_never_used_are_not_taken() {
    let all = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)];
    assert_eq!(cells(&all, 7), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_hollow_shape_leaves_its_hollow_out() {
    let hook = [
        (10.0, 20.0),
        (60.0, 20.0),
        (60.0, 30.0),
        (20.0, 30.0),
        (20.0, 40.0),
        (60.0, 40.0),
        (60.0, 50.0),
        (10.0, 50.0),
    ];
    assert_eq!(cells(&hook, 25), [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14]);
}

#[test]
fn a_line_or_a_shape_elsewhere_takes_nothing() {
    assert!(cells(&[(0.0, 0.0), (90.0, 90.0)], 25).is_empty());
    assert!(cells(&[(0.0, 0.0), (90.0, 0.0), (50.0, 10.0)], 25).is_empty());
    assert!(cells(&[(70.0, 20.0), (90.0, 20.0), (90.0, 60.0)], 25).is_empty());
}

#[test]
fn a_heap_is_under_its_half_of_the_foot_where_there_is_one() {
    let view = View::new(Rect::new(0.0, 0.0, 200.0, 100.0), 1.0);
    let place = Placed {
        rect: Rect::new(0.0, 0.0, 200.0, 100.0),
        columns: 4,
        cell: 10.0,
        foot: 20.0,
        ..Placed::default()
    };
    let outside = |finished, failed, waiting| {
        let mut outside = Outside::default();
        (outside.finished, outside.failed, outside.waiting) = (finished, failed, waiting);
        outside
    };
    let at = |outside: &Outside, x, y| heap_at(&view, &place, outside, x, y);
    let both = outside(7, 0, 9);
    assert_eq!(at(&both, 30.0, 90.0), Some(Heap::Ended));
    assert_eq!(at(&both, 170.0, 90.0), Some(Heap::Waiting));
    assert_eq!(at(&both, 30.0, 70.0), None, "above the foot");
    assert_eq!(at(&outside(0, 3, 0), 30.0, 90.0), Some(Heap::Ended));
    assert_eq!(at(&outside(0, 3, 0), 170.0, 90.0), None);
    assert_eq!(at(&outside(0, 0, 9), 30.0, 90.0), None);
}
