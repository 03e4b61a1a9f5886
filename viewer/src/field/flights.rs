//! Tasks on their way between two cells: few, short, and the first thing to be dropped. Who flies is
//! not drawn in its cell until it has landed.

use bytemuck::{Pod, Zeroable};

use crate::{
    field::{layout::Placed, texel::Texel},
    numbers::{float, floor_u32, index, number},
};

/// Flights that start in one frame, at most.
const STARTS_MAX: usize = 200;
/// Flights in the air, at most.
const FLIGHTS_MAX: usize = 800;
/// How long one takes when nothing presses.
const DURATION_MS: u32 = 420;
/// A flier's edge in points, at least and at most.
const SPAN: (f32, f32) = (10.0, 44.0);

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

impl Flight {
    fn has_landed(&self, now_ms: u32) -> bool {
        now_ms.wrapping_sub(self.times[0]) >= self.times[1]
    }

    /// Where it is, as the shader says.
    fn at(&self, now_ms: u32) -> (f32, f32) {
        let way = float(now_ms.wrapping_sub(self.times[0])) / float(self.times[1].max(1));
        let way = way.clamp(0.0, 1.0);
        let eased = way * way * (3.0 - 2.0 * way);
        let lift = self.spans[2] * (way * core::f32::consts::PI).sin();
        let [x0, y0, x1, y1] = self.path;
        (x0 + (x1 - x0) * eased, y0 + (y1 - y0) * eased - lift)
    }
}

/// A cell of a block.
type Cell = (u32, u32);

/// A task that left one cell for another.
#[derive(Debug, Clone, Copy)]
struct Departure {
    slot: u32,
    from: Cell,
    to: Cell,
    texel: Texel,
}

/// The air: its clock, how fast things go, whether they move at all, and where blocks stand.
#[derive(Debug, Clone, Copy)]
pub struct Air<'a> {
    /// The source's clock.
    pub now_ms: u32,
    /// Animations run so many times faster.
    pub hurry: f32,
    /// Anything flies.
    pub is_moving: bool,
    /// Pixels a point.
    pub scale: f32,
    /// Blocks by number.
    pub placed: &'a [Placed],
}

/// All flights.
#[derive(Debug, Default)]
pub struct Flights {
    waiting: Vec<Departure>,
    /// In the air.
    pub aloft: Vec<Flight>,
    /// Who, in the order of `aloft`.
    slots: Vec<u32>,
}

impl Flights {
    /// A task left one cell for another.
    pub fn take_off(&mut self, slot: u32, from: Cell, to: Cell, texel: Texel) {
        if self.waiting.len() < STARTS_MAX {
            self.waiting.push(Departure {
                slot,
                from,
                to,
                texel,
            });
        }
    }

    /// A task that flies has changed, or has left the window.
    pub fn change(&mut self, slot: u32, texel: Option<Texel>) {
        let Some(at) = self.slots.iter().position(|other| *other == slot) else {
            return;
        };
        match texel {
            Some(texel) => self.aloft[at].texel = texel,
            None => self.drop_at(at),
        }
    }

    fn drop_at(&mut self, at: usize) {
        self.slots.remove(at);
        self.aloft.remove(at);
    }

    /// Starts what waits, forgets what has landed; tells `turn` who is in the air now, and who no
    /// more.
    pub fn steer(&mut self, air: Air<'_>, mut turn: impl FnMut(u32, bool)) {
        let mut kept = 0;
        for at in 0..self.aloft.len() {
            if air.is_moving && !self.aloft[at].has_landed(air.now_ms) {
                self.aloft.swap(kept, at);
                self.slots.swap(kept, at);
                kept += 1;
            } else {
                turn(self.slots[at], false);
            }
        }
        self.aloft.truncate(kept);
        self.slots.truncate(kept);
        let duration = floor_u32(float(DURATION_MS) / air.hurry.max(1.0));
        for departure in core::mem::take(&mut self.waiting) {
            if !air.is_moving || duration == 0 {
                continue;
            }
            if let Some(flight) = self.start(departure, air, duration) {
                self.aloft.push(flight);
                self.slots.push(departure.slot);
                turn(departure.slot, true);
            }
        }
    }

    /// Who is in the air already goes on from where it is.
    fn start(&mut self, departure: Departure, air: Air<'_>, duration: u32) -> Option<Flight> {
        let a = air.placed.get(index(departure.from.0))?;
        let b = air.placed.get(index(departure.to.0))?;
        let earlier = self.slots.iter().position(|slot| *slot == departure.slot);
        if earlier.is_none() && self.aloft.len() >= FLIGHTS_MAX {
            return None;
        }
        let (ra, rb) = (a.cell_rect(departure.from.1), b.cell_rect(departure.to.1));
        let mut from = (
            f32::midpoint(ra.left, ra.right),
            f32::midpoint(ra.top, ra.bottom),
        );
        if let Some(at) = earlier {
            from = self.aloft[at].at(air.now_ms);
            self.drop_at(at);
        }
        let to = (
            f32::midpoint(rb.left, rb.right),
            f32::midpoint(rb.top, rb.bottom),
        );
        let reach = (to.0 - from.0).hypot(to.1 - from.1);
        // A swarm flies in smaller shapes: it stays legible, and as cheap as a few.
        let crowd = float(number(self.aloft.len()));
        let most = SPAN.1 * air.scale / (1.0 + crowd / 100.0);
        let span = |cell: f32| cell.min(most).max(SPAN.0 * air.scale);
        Some(Flight {
            path: [from.0, from.1, to.0, to.1],
            spans: [
                span(a.cell),
                span(b.cell),
                (reach * 0.16).min(60.0 * air.scale),
                0.0,
            ],
            texel: departure.texel,
            times: [air.now_ms, duration],
        })
    }
}
