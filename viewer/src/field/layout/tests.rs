use super::{Placed, Rect, Trim, filled, side_by_side};
use crate::field::treemap::territory;

const SCREEN: Rect = Rect::new(0.0, 0.0, 812.0, 430.0);

/// What must hold of every layout.
fn check(area: Rect, shown: &[u32], placed: &[Placed]) {
    assert_eq!(placed.len(), shown.len(), "{shown:?}");
    for (at, (place, &cells)) in placed.iter().zip(shown).enumerate() {
        let told = format!("block {at} of {shown:?}: {place:?}");
        let rect = place.rect;
        assert!(
            rect.left >= area.left - 0.5 && rect.right <= area.right + 0.5,
            "{told}"
        );
        assert!(
            rect.top >= area.top - 0.5 && rect.bottom <= area.bottom + 0.5,
            "{told}"
        );
        for cell in [0, cells.saturating_sub(1)] {
            let inside = place.cell_rect(cell);
            assert!(
                inside.left >= rect.left && inside.right <= rect.right,
                "{told} {inside:?}"
            );
            assert!(inside.top >= rect.top + place.header, "{told} {inside:?}");
            assert!(
                inside.bottom <= rect.bottom - place.foot,
                "{told} {inside:?}"
            );
            let middle = (
                inside.left + place.cell / 2.0,
                inside.top + place.cell / 2.0,
            );
            assert_eq!(place.cell_at(middle.0, middle.1), Some(cell), "{told}");
        }
        for other in &placed[at + 1..] {
            let apart = rect.right <= other.rect.left
                || other.rect.right <= rect.left
                || rect.bottom <= other.rect.top
                || other.rect.bottom <= rect.top;
            assert!(apart, "{told} lies over {other:?}");
        }
    }
}

/// The share of the blocks' own room that cells take.
fn fill(shown: &[u32], placed: &[Placed]) -> f32 {
    let room: f32 = placed
        .iter()
        .map(|place| {
            let trim = Trim::of(SCREEN, crate::numbers::number(shown.len()), 1.0);
            let (width, height) = trim.inner(place.rect);
            width * height
        })
        .sum();
    let cells: f32 = placed
        .iter()
        .zip(shown)
        .map(|(place, &cells)| crate::numbers::float(cells) * place.cell * place.cell)
        .sum();
    cells / room
}

#[test]
fn blocks_lie_apart_and_hold_their_cells() {
    for shown in [
        vec![1],
        vec![6, 6],
        vec![460, 300, 400, 400, 60, 60],
        vec![5, 100_000, 5, 5, 70, 1, 1, 1],
        vec![1_000_000],
        (1..40).map(|n| n * 31 % 200 + 1).collect(),
        (1..400).map(|n| n * 37 % 900 + 1).collect(),
        (1..3_000).map(|n| n * 37 % 90 + 1).collect(),
    ] {
        for scale in [1.0, 2.0] {
            let area = Rect::new(0.0, 0.0, SCREEN.right * scale, SCREEN.bottom * scale);
            check(area, &shown, &territory(area, &shown, scale));
        }
    }
}

#[test]
fn cells_fill_their_blocks() {
    for (shown, least) in [
        (vec![600], 0.85),
        (vec![460, 300, 400, 400, 60, 60], 0.75),
        (vec![5_000, 20_000, 3_000], 0.85),
        (vec![300; 12], 0.7),
        (vec![1_000_000], 0.97),
    ] {
        let placed = territory(SCREEN, &shown, 1.0);
        let share = fill(&shown, &placed);
        assert!(share >= least, "{shown:?} fill {share} of their blocks");
    }
}

#[test]
fn blocks_of_few_tasks_have_room_for_their_names() {
    let placed = territory(SCREEN, &[900, 3, 700, 2, 800, 1], 1.0);
    for place in &placed {
        assert!(place.rect.width() >= 150.0, "{place:?}");
        assert!(place.header >= 17.0);
    }
}

#[test]
fn a_crowd_of_hosts_gives_up_its_names_for_its_cells() {
    let shown = vec![40; 1_500];
    let placed = territory(SCREEN, &shown, 1.0);
    assert!(
        placed
            .iter()
            .all(|place| place.header == 0.0 && place.cell > 1.0)
    );
}

#[test]
fn a_block_that_grows_leaves_the_others_in_their_order() {
    let order = |shown: &[u32]| {
        let placed = territory(SCREEN, shown, 1.0);
        let mut by_place: Vec<usize> = (0..placed.len()).collect();
        by_place.sort_by(|&a, &b| {
            let key = |at: usize| (placed[at].rect.top, placed[at].rect.left);
            key(a).partial_cmp(&key(b)).expect("numbers")
        });
        by_place
    };
    assert_eq!(order(&[90, 80, 70, 60]), [0, 1, 2, 3]);
    assert_eq!(order(&[90, 8_000, 70, 60]), [0, 1, 2, 3]);
}

#[test]
fn few_tasks_stand_in_the_middle_of_their_block() {
    let trim = Trim::full(1.0);
    let place = filled(SCREEN, &trim, 4);
    assert!(place.cell >= 60.0);
    let (first, last) = (place.cell_rect(0), place.cell_rect(3));
    let middle = f32::midpoint(first.left, last.right);
    assert!(
        (middle - SCREEN.right / 2.0).abs() < place.cell,
        "{place:?}"
    );
}

#[test]
fn lanes_share_the_width_by_their_weights() {
    let trim = Trim::full(1.0);
    let placed = side_by_side(SCREEN, &trim, &[40, 6, 900], &[2.0, 1.0, 1.0]);
    check(SCREEN, &[40, 6, 900], &placed);
    assert!(placed[0].rect.width() > 1.9 * placed[1].rect.width());
}
