//! Tasks on their way between two cells: few, short, and the first thing to be dropped.

use bytemuck::{Pod, Zeroable};

use crate::field::{layout::Placed, texel::Texel};

/// Flights that start in one frame, at most.
const STARTS_MAX: usize = 400;
/// Flights in the air, at most.
const FLIGHTS_MAX: usize = 2_000;
/// How long one takes when nothing presses.
const DURATION_MS: u32 = 420;

/// One flight as the shader reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Flight {
    /// Centres: from x, y, to x, y.
    pub path: [f32; 4],
    /// Cell there, cell here, height of the bow, spare.
    pub spans: [f32; 4],
    /// What flies.
    pub texel: Texel,
    /// Start and duration in milliseconds.
    pub times: [u32; 2],
}

/// A cell of a block.
type Cell = (u32, u32);

/// All flights.
#[derive(Debug, Default)]
pub struct Flights {
    waiting: Vec<(Cell, Cell, Texel)>,
    /// In the air.
    pub aloft: Vec<Flight>,
}

impl Flights {
    /// A task left one cell for another.
    pub fn take_off(&mut self, from: Cell, to: Cell, texel: Texel) {
        if self.waiting.len() < STARTS_MAX {
            self.waiting.push((from, to, texel));
        }
    }

    /// Starts what waits, forgets what has landed.
    pub fn steer(&mut self, now_ms: u32, hurry: f32, is_moving: bool, placed: &[Placed]) {
        self.aloft
            .retain(|flight| now_ms.wrapping_sub(flight.times[0]) < flight.times[1]);
        let duration =
            crate::numbers::floor_u32(crate::numbers::float(DURATION_MS) / hurry.max(1.0));
        for (from, to, texel) in self.waiting.drain(..) {
            let (Some(a), Some(b)) = (
                placed.get(crate::numbers::index(from.0)),
                placed.get(crate::numbers::index(to.0)),
            ) else {
                continue;
            };
            if !is_moving || self.aloft.len() >= FLIGHTS_MAX || duration == 0 {
                continue;
            }
            let (ra, rb) = (a.cell_rect(from.1), b.cell_rect(to.1));
            let path = [
                f32::midpoint(ra.left, ra.right),
                f32::midpoint(ra.top, ra.bottom),
                f32::midpoint(rb.left, rb.right),
                f32::midpoint(rb.top, rb.bottom),
            ];
            let reach = (path[2] - path[0]).hypot(path[3] - path[1]);
            self.aloft.push(Flight {
                path,
                spans: [
                    a.cell.max(10.0),
                    b.cell.max(10.0),
                    (reach * 0.16).min(60.0),
                    0.0,
                ],
                texel,
                times: [now_ms, duration],
            });
        }
    }
}
