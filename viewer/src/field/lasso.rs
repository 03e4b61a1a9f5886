//! The lasso: which cells lie inside a polygon, row by row, at the cost of rows and cells inside.

use crate::{
    field::{board::Board, layout::Placed, slots::Slots},
    numbers::{float, floor_u32, index},
};

#[cfg(test)]
mod tests;

/// Tasks whose cell's centre lies inside the polygon, given in the field's own pixels.
#[must_use]
pub fn tasks_in(polygon: &[(f32, f32)], board: &Board, placed: &[Placed]) -> Slots {
    let mut slots = Slots::default();
    for (block, place) in (0_u32..).zip(placed) {
        let Some(cells) = board.blocks().get(index(block)) else {
            continue;
        };
        let used = cells.used().min(cells.capacity);
        for_each_cell(polygon, place, used, |cell| {
            if let Some(slot) = board.slot_in(block, cell) {
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
