//! Picking: the block, cell and task under a point of the screen, and the tasks inside a lasso, row
//! by row, at the cost of rows and cells inside.

use crate::{
    field::{cells::Cells, layout::Placed, outside::Outside, slot_set::SlotSet, view::View},
    numbers::{float, floor_u32, index},
};

#[cfg(test)]
mod tests;

/// The block under a point of the screen in pixels, and the cell where its grid is hit.
#[must_use]
pub fn pick(view: &View, placed: &[Placed], x: f32, y: f32) -> Option<(u32, Option<u32>)> {
    if !view.area.contains(x, y) {
        return None;
    }
    let (fx, fy) = view.to_field(x, y);
    (0_u32..)
        .zip(placed)
        .find(|(_, place)| place.rect.contains(fx, fy))
        .map(|(block, place)| (block, place.cell_at(fx, fy)))
}

/// A heap on a block's foot: tasks outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heap {
    /// What has ended and left, at the left.
    Ended,
    /// What waits in the store, at the right.
    Waiting,
}

/// The heap of this block under a point of the screen in pixels, with the words beside it.
#[must_use]
pub fn heap_at(view: &View, place: &Placed, outside: &Outside, x: f32, y: f32) -> Option<Heap> {
    let (fx, fy) = view.to_field(x, y);
    if place.columns == 0 || !place.rect.contains(fx, fy) || fy < place.rect.bottom - place.foot {
        return None;
    }
    let is_left = fx < f32::midpoint(place.rect.left, place.rect.right);
    match (is_left, outside.mound() > 0, outside.waiting > 0) {
        (true, true, _) => Some(Heap::Ended),
        (false, _, true) => Some(Heap::Waiting),
        _ => None,
    }
}

/// Tasks whose cell's centre lies inside the polygon, given in the field's own pixels.
#[must_use]
pub fn tasks_in(polygon: &[(f32, f32)], cells: &Cells, placed: &[Placed]) -> SlotSet {
    let mut slots = SlotSet::default();
    for (block, place) in (0_u32..).zip(placed) {
        let found = &cells.blocks()[index(block)];
        let used = found.used().min(found.capacity);
        for_each_cell(polygon, place, used, |cell| {
            if let Some(slot) = cells.slot_in(block, cell) {
                slots.insert(slot);
            }
        });
    }
    slots
}

/// Cells of a block inside the polygon, up to `used`.
fn for_each_cell(polygon: &[(f32, f32)], place: &Placed, used: u32, mut take: impl FnMut(u32)) {
    if polygon.len() < 3 || used == 0 || place.columns == 0 {
        return;
    }
    let low = polygon.iter().map(|point| point.1).fold(f32::MAX, f32::min);
    let high = polygon.iter().map(|point| point.1).fold(f32::MIN, f32::max);
    let last = (used - 1) / place.columns;
    let row_of = |y: f32| floor_u32(((y - place.y) / place.cell).max(0.0));
    if high < place.y {
        return;
    }
    for row in row_of(low)..=row_of(high).min(last) {
        let y = place.y + (float(row) + 0.5) * place.cell;
        for pair in crossings(polygon, y).chunks_exact(2) {
            // The first and last column whose centre lies between the crossings.
            let from = ((pair[0] - place.x) / place.cell - 0.5).ceil().max(0.0);
            let to = ((pair[1] - place.x) / place.cell - 0.5).floor();
            if to < 0.0 {
                continue;
            }
            for column in floor_u32(from)..=floor_u32(to).min(place.columns - 1) {
                let cell = row * place.columns + column;
                if cell < used {
                    take(cell);
                }
            }
        }
    }
}

/// Where a level line crosses the polygon's edges, from left to right.
fn crossings(polygon: &[(f32, f32)], y: f32) -> Vec<f32> {
    let mut at = Vec::new();
    let edges = polygon.iter().zip(polygon.iter().cycle().skip(1));
    for (a, b) in edges {
        if (a.1 <= y) != (b.1 <= y) {
            at.push(a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0));
        }
    }
    at.sort_by(f32::total_cmp);
    at
}
