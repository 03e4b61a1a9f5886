//! Flights of tasks from one cell to another: few, short, and the first thing to be dropped. Who
//! flies is not drawn in its cell until it has landed.

use bytemuck::{Pod, Zeroable};

use crate::{
    field::{layout::Placed, texel::Texel},
    numbers::{float, floor_u32, index, number},
};

/// Flights that start in one frame, at most.
const STARTS_MAX: usize = 200;
/// Flights under way at once, at most.
const FLIGHTS_MAX: usize = 800;
/// How long one takes when nothing presses.
const DURATION_MS: u32 = 420;
/// Edge of a flying task in points, at least and at most.
const SPAN: (f32, f32) = (10.0, 44.0);

/// One flight as the shader reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Flight {
    /// Centres of the cells in field pixels: from x, y, to x, y.
    pub path: [f32; 4],
    /// Edges of the cell left and the cell reached, height of the arc, spare; in field pixels.
    pub spans: [f32; 4],
    /// The task as it is drawn.
    pub texel: Texel,
    /// Start by the source's clock, and duration, in milliseconds.
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
        let arc = self.spans[2] * (way * core::f32::consts::PI).sin();
        let [x0, y0, x1, y1] = self.path;
        (x0 + (x1 - x0) * eased, y0 + (y1 - y0) * eased - arc)
    }
}

/// A block and a cell in it.
type Cell = (u32, u32);

/// A task that left one cell for another since the last update.
#[derive(Debug, Clone, Copy)]
struct Departure {
    slot: u32,
    from: Cell,
    to: Cell,
    texel: Texel,
}

/// What flights depend on in one frame.
#[derive(Debug, Clone, Copy)]
pub struct FlightFrame<'a> {
    /// The source's clock in milliseconds.
    pub now_ms: u32,
    /// Animations run so many times faster.
    pub speed: f32,
    /// Nothing flies where motion is reduced.
    pub is_moving: bool,
    /// Pixels a point of the screen.
    pub scale: f32,
    /// Where blocks stand, by number.
    pub placed: &'a [Placed],
}

/// Flights under way, and those that wait for the next update.
#[derive(Debug, Default)]
pub struct Flights {
    waiting: Vec<Departure>,
    /// Flights that are under way.
    pub flying: Vec<Flight>,
    /// The slots of those tasks, in the order of `flying`.
    slots: Vec<u32>,
}

impl Flights {
    /// A task left one cell for another; beyond `STARTS_MAX` an update it does not fly.
    pub fn depart(&mut self, slot: u32, from: Cell, to: Cell, texel: Texel) {
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
            Some(texel) => self.flying[at].texel = texel,
            None => self.drop_at(at),
        }
    }

    fn drop_at(&mut self, at: usize) {
        self.slots.remove(at);
        self.flying.remove(at);
    }

    /// Starts what waits, forgets what has landed; calls `turn` with each slot that flies from now
    /// on (true) or no more (false).
    pub fn update(&mut self, frame: FlightFrame<'_>, mut turn: impl FnMut(u32, bool)) {
        let mut kept = 0;
        for at in 0..self.flying.len() {
            if frame.is_moving && !self.flying[at].has_landed(frame.now_ms) {
                self.flying.swap(kept, at);
                self.slots.swap(kept, at);
                kept += 1;
            } else {
                turn(self.slots[at], false);
            }
        }
        self.flying.truncate(kept);
        self.slots.truncate(kept);
        let duration = floor_u32(float(DURATION_MS) / frame.speed.max(1.0));
        for departure in core::mem::take(&mut self.waiting) {
            if !frame.is_moving || duration == 0 {
                continue;
            }
            if let Some(flight) = self.start(departure, frame, duration) {
                self.flying.push(flight);
                self.slots.push(departure.slot);
                turn(departure.slot, true);
            }
        }
    }

    /// A task that flies already goes on from where it is.
    fn start(
        &mut self,
        departure: Departure,
        frame: FlightFrame<'_>,
        duration: u32,
    ) -> Option<Flight> {
        let a = frame.placed.get(index(departure.from.0))?;
        let b = frame.placed.get(index(departure.to.0))?;
        let earlier = self.slots.iter().position(|slot| *slot == departure.slot);
        if earlier.is_none() && self.flying.len() >= FLIGHTS_MAX {
            return None;
        }
        let (ra, rb) = (a.cell_rect(departure.from.1), b.cell_rect(departure.to.1));
        let mut from = (
            f32::midpoint(ra.left, ra.right),
            f32::midpoint(ra.top, ra.bottom),
        );
        if let Some(at) = earlier {
            from = self.flying[at].at(frame.now_ms);
            self.drop_at(at);
        }
        let to = (
            f32::midpoint(rb.left, rb.right),
            f32::midpoint(rb.top, rb.bottom),
        );
        let reach = (to.0 - from.0).hypot(to.1 - from.1);
        // A swarm flies in smaller shapes: it stays legible, and as cheap as a few.
        let crowd = float(number(self.flying.len()));
        let most = SPAN.1 * frame.scale / (1.0 + crowd / 100.0);
        let span = |cell: f32| cell.min(most).max(SPAN.0 * frame.scale);
        Some(Flight {
            path: [from.0, from.1, to.0, to.1],
            spans: [
                span(a.cell),
                span(b.cell),
                (reach * 0.16).min(60.0 * frame.scale),
                0.0,
            ],
            texel: departure.texel,
            times: [frame.now_ms, duration],
        })
    }
}
