//! The board: every task of the window has a cell of a block, and every change becomes a point.
//!
//! It follows the mirror by the slots that the mirror says were touched, so its cost grows with
//! change. Nothing here knows of pixels.

use crawlfield_engine::{
    feed::mirror::{Mirror, Sight},
    model::phase::Phase,
};

use crate::{
    field::{
        block::Block,
        flights::Flights,
        ground::{GRAIN, Ground},
        texel::{FLAG_ALOFT, FLAG_BEHIND_BREAKER, Look, Point, Texel},
    },
    numbers::{index, number},
};

mod answers;
mod flags;
#[cfg(test)]
mod tests;

/// No cell, or no task.
pub const NONE: u32 = u32::MAX;

/// How tasks are grouped into blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// A block per host.
    #[default]
    Territory,
    /// A lane per step of a task's life.
    Flow,
}

/// Lanes of the flow, in the order of their blocks.
pub const LANES: [&str; 7] = [
    "Frontier",
    "Fetch",
    "Parse",
    "Save",
    "Done",
    "Backoff",
    "Dead letters",
];

/// The lane of a phase.
#[must_use]
pub const fn lane_of(phase: Phase) -> u32 {
    match phase {
        Phase::Queued => 0,
        Phase::Fetching | Phase::Fetched => 1,
        Phase::Parsing | Phase::Parsed => 2,
        Phase::Saving => 3,
        Phase::Done | Phase::Skipped | Phase::Cancelled => 4,
        Phase::Backoff | Phase::Failed => 5,
        Phase::Dead => 6,
    }
}

/// Cells of the smallest board: a state texture has at least 16 rows.
const LEAST_CELLS: u32 = 16 * ROW;
/// Cells of a row of the state texture.
pub const ROW: u32 = 2_048;
/// So few changes are always sent one by one.
const FEW_POINTS: usize = 4_096;

/// The board. It holds nine bytes a task and what the blocks keep free; how a task looks is read from
/// the mirror when it is written.
#[derive(Debug, Default)]
pub struct Board {
    arrangement: Arrangement,
    ground: Ground,
    blocks: Vec<Block>,
    /// A task's address, by slot.
    stands: Vec<u32>,
    /// By slot.
    looks: Vec<Look>,
    /// The task at an address.
    slots: Vec<u32>,
    /// The block at an address, by grain of the ground.
    owners: Vec<u32>,
    points: Vec<Point>,
    /// So much has changed that all is written anew.
    is_stale: bool,
    shape: u64,
    /// Tasks on their way between two lanes.
    pub flights: Flights,
    done: u64,
    /// Hosts whose breaker is open, by number; the flow's only.
    walled: Vec<bool>,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(arrangement: Arrangement) -> Self {
        let mut board = Self {
            arrangement,
            is_stale: true,
            ..Self::default()
        };
        board.survey(LEAST_CELLS);
        if arrangement == Arrangement::Flow {
            board.open_block(number(LANES.len()) - 1);
        }
        board
    }

    /// Lays the mirror's tasks out anew; nothing flies.
    #[must_use]
    pub fn of(arrangement: Arrangement, mirror: &Mirror) -> Self {
        let mut board = Self::new(arrangement);
        for slot in mirror.slots() {
            if let Some(sight) = mirror.sight(slot) {
                board.put(mirror, slot, &sight);
            }
        }
        board.flights = Flights::default();
        board
    }

    /// Follows the mirror where it was touched.
    pub fn follow(&mut self, mirror: &Mirror, touched: &[u32]) {
        for &slot in touched {
            match mirror.sight(slot) {
                Some(sight) => self.put(mirror, slot, &sight),
                None => self.remove(slot),
            }
        }
    }

    fn put(&mut self, mirror: &Mirror, slot: u32, sight: &Sight) {
        let block = match self.arrangement {
            Arrangement::Territory => sight.host_number,
            Arrangement::Flow => lane_of(sight.phase),
        };
        match self.place_of(slot) {
            None => {
                let mut look = Look::born(sight.phase);
                look.set_flag(FLAG_BEHIND_BREAKER, self.is_walled(sight.host_number));
                self.stand(mirror, slot, (block, look), sight);
            }
            Some((at, _)) if at == block => {
                let look = &mut self.looks[index(slot)];
                look.settle(sight.phase);
                let texel = Texel::of(sight, *look);
                if look.flags() & FLAG_ALOFT != 0 {
                    self.flights.change(slot, Some(texel));
                }
                self.write(self.stands[index(slot)], texel);
            }
            Some(from) => {
                let mut look = self.looks[index(slot)];
                look.settle(sight.phase);
                self.vacate(slot);
                let cell = self.stand(mirror, slot, (block, look), sight);
                let texel = Texel::of(sight, look);
                self.flights.take_off(slot, from, (block, cell), texel);
            }
        }
        self.done += u64::from(sight.phase == Phase::Done);
    }

    /// Gives a task a cell in a block.
    fn stand(
        &mut self,
        mirror: &Mirror,
        slot: u32,
        (block, look): (u32, Look),
        sight: &Sight,
    ) -> u32 {
        let cell = self.take_cell(mirror, block);
        if index(slot) >= self.stands.len() {
            extend(&mut self.stands, index(slot) + 1, NONE);
            extend(&mut self.looks, index(slot) + 1, Look::default());
        }
        let address = self.blocks[index(block)].base + cell;
        self.stands[index(slot)] = address;
        self.looks[index(slot)] = look;
        self.slots[index(address)] = slot;
        self.write(address, Texel::of(sight, look));
        cell
    }

    fn remove(&mut self, slot: u32) {
        let look = self.looks.get(index(slot)).copied().unwrap_or_default();
        if look.flags() & FLAG_ALOFT != 0 {
            self.flights.change(slot, None);
        }
        self.vacate(slot);
    }

    fn vacate(&mut self, slot: u32) {
        let Some((block, cell)) = self.place_of(slot) else {
            return;
        };
        let address = core::mem::replace(&mut self.stands[index(slot)], NONE);
        self.looks[index(slot)] = Look::default();
        self.slots[index(address)] = NONE;
        let slots = &self.slots;
        let block = &mut self.blocks[index(block)];
        let base = block.base;
        block.give(cell, |cell| slots[index(base + cell)] == NONE);
        self.write(address, Texel::default());
    }

    fn take_cell(&mut self, mirror: &Mirror, block: u32) -> u32 {
        self.open_block(block);
        if let Some(cell) = self.blocks[index(block)].take() {
            return cell;
        }
        self.move_house(mirror, block);
        self.blocks[index(block)]
            .take()
            .expect("the new stretch is longer")
    }

    fn open_block(&mut self, block: u32) {
        while self.blocks.len() <= index(block) {
            let stretch = self.ground.take(GRAIN).unwrap_or_else(|| {
                self.resettle(NONE);
                self.ground.take(GRAIN).expect("resettling leaves room")
            });
            self.own(stretch, number(self.blocks.len()));
            self.blocks.push(Block::new(stretch));
            self.shape += 1;
        }
    }

    /// Moves a full block to a longer stretch; its tasks keep their cells.
    fn move_house(&mut self, mirror: &Mirror, block: u32) {
        let (old, length) = {
            let block = &self.blocks[index(block)];
            (block.base, block.capacity)
        };
        let Some((base, capacity)) = self.ground.take(length + length / 4 + 1) else {
            self.resettle(block);
            return;
        };
        self.own((base, capacity), block);
        for cell in 0..length {
            self.carry(mirror, old + cell, base + cell);
        }
        self.ground.give(old, length);
        let block = &mut self.blocks[index(block)];
        block.base = base;
        block.capacity = capacity;
    }

    /// The old place is not drawn any more, so its texel may stay.
    fn carry(&mut self, mirror: &Mirror, from: u32, to: u32) {
        let slot = core::mem::replace(&mut self.slots[index(from)], NONE);
        self.slots[index(to)] = slot;
        if slot != NONE {
            self.stands[index(slot)] = to;
        }
        if !self.is_stale {
            let texel = self.texel_of(mirror, slot).unwrap_or_default();
            self.write(to, texel);
        }
    }

    /// Gives all blocks stretches anew, one behind the other with some room, the growing one more.
    fn resettle(&mut self, growing: u32) {
        let old: Vec<(u32, u32)> = self
            .blocks
            .iter()
            .map(|block| (block.base, block.used()))
            .collect();
        let wanted = |block: usize, used: u32| {
            let more = if number(block) == growing { 4 } else { 12 };
            (used + used / more + 1).next_multiple_of(GRAIN)
        };
        let lengths = old
            .iter()
            .enumerate()
            .map(|(at, &(_, used))| wanted(at, used));
        let total: u32 = lengths.sum();
        let slots = core::mem::take(&mut self.slots);
        self.survey(total + total / 12 + LEAST_CELLS / 8);
        for (at, &(base, used)) in old.iter().enumerate() {
            let stretch = self
                .ground
                .take(wanted(at, used))
                .expect("the survey counted it");
            self.own(stretch, number(at));
            (self.blocks[at].base, self.blocks[at].capacity) = stretch;
            for cell in 0..used {
                let slot = slots[index(base + cell)];
                self.slots[index(stretch.0 + cell)] = slot;
                if slot != NONE {
                    self.stands[index(slot)] = stretch.0 + cell;
                }
            }
        }
        self.is_stale = true;
    }

    /// New ground for at least so many cells.
    fn survey(&mut self, cells: u32) {
        let limit = cells.max(LEAST_CELLS).next_multiple_of(ROW);
        self.ground = Ground::new(limit);
        self.slots = vec![NONE; index(limit)];
        self.owners = vec![NONE; index(limit / GRAIN)];
    }

    fn own(&mut self, (base, length): (u32, u32), block: u32) {
        self.owners[index(base / GRAIN)..index((base + length) / GRAIN)].fill(block);
    }

    fn write(&mut self, address: u32, texel: Texel) {
        self.expect_changes(1);
        if !self.is_stale {
            self.points.push(Point { texel, address });
        }
    }

    /// So many changes are to come: from a certain number on it is cheaper to write all anew.
    pub fn expect_changes(&mut self, more: usize) {
        if self.points.len() + more > FEW_POINTS + self.slots.len() / 8 {
            self.is_stale = true;
            self.points.clear();
        }
    }

    /// Whether all is to be written anew.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Lets the layout's room follow the blocks; says whether anything must be laid out anew.
    pub fn widen(&mut self) -> bool {
        let mut changed = false;
        for block in &mut self.blocks {
            changed |= block.widen();
        }
        self.shape += u64::from(changed);
        changed
    }
}

/// Grows by an eighth at a time: doubling would leave half the memory empty.
fn extend<T: Clone>(column: &mut Vec<T>, length: usize, value: T) {
    if length > column.capacity() {
        column.reserve_exact((length - column.len()).max(column.len() / 8).max(64));
    }
    column.resize(length, value);
}
