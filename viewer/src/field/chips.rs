//! The strip of chips below the map: hosts that have finished and are folded.

use crate::{
    field::layout::Rect,
    numbers::{float, floor_u32, index, number},
};

/// A chip's least and largest width, its height and the room round it, in points.
const WIDTH: f32 = 190.0;
const WIDEST: f32 = 270.0;
const HEIGHT: f32 = 22.0;
const GAP: f32 = 6.0;
/// No more rows than these: what has no chip of its own is counted in the last one.
const ROWS: u32 = 2;

/// A place in the strip, and the hosts that are folded into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    /// Where it stands, in field pixels.
    pub rect: Rect,
    /// The hosts that it stands for, by number; mostly one.
    pub blocks: Vec<u32>,
}

/// Divides an area into that of the map and chips for these blocks; `scale` is pixels a point.
#[must_use]
pub fn strip(area: Rect, folded: &[u32], scale: f32) -> (Rect, Vec<Chip>) {
    let pixels = [WIDTH, WIDEST, HEIGHT, GAP].map(|points| (points * scale).round());
    let [width, widest, height, gap] = pixels;
    let a_row = floor_u32((area.width() + gap) / (width + gap)).max(1);
    let rows = number(folded.len()).div_ceil(a_row).min(ROWS);
    let taken = float(rows) * (height + gap);
    if rows == 0 || taken * 3.0 > area.height() {
        return (area, Vec::new());
    }
    let map = Rect {
        bottom: area.bottom - taken,
        ..area
    };
    let in_row = number(folded.len()).clamp(1, a_row);
    let wide = ((area.width() + gap) / float(in_row)).min(widest + gap);
    let places = a_row * rows;
    let single = if number(folded.len()) > places {
        places - 1
    } else {
        number(folded.len())
    };
    let (alone, rest) = folded.split_at(index(single));
    let groups = alone.iter().map(core::slice::from_ref);
    let groups = groups.chain((!rest.is_empty()).then_some(rest));
    let chips = (0_u32..).zip(groups).map(|(at, blocks)| Chip {
        rect: Rect::new(
            (area.left + float(at % a_row) * wide).round(),
            map.bottom + gap + float(at / a_row) * (height + gap),
            (wide - gap).floor(),
            height,
        ),
        blocks: blocks.to_vec(),
    });
    (map, chips.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect::new(0.0, 0.0, 812.0, 430.0);

    #[test]
    fn every_folded_host_is_in_one_chip_and_chips_lie_apart_below_the_map() {
        for count in [0_u32, 1, 4, 5, 8, 9, 300] {
            let folded: Vec<u32> = (0..count).collect();
            let (map, chips) = strip(AREA, &folded, 1.0);
            let told: Vec<u32> = chips.iter().flat_map(|chip| chip.blocks.clone()).collect();
            assert_eq!(told, folded);
            for (at, chip) in chips.iter().enumerate() {
                assert!(chip.rect.top > map.bottom && chip.rect.bottom <= AREA.bottom);
                assert!(chip.rect.right <= AREA.right && chip.rect.width() >= 150.0);
                let is_apart = |other: &Chip| {
                    other.rect.top >= chip.rect.bottom || other.rect.left >= chip.rect.right
                };
                assert!(chips[at + 1..].iter().all(is_apart), "{count}");
            }
        }
    }
}
