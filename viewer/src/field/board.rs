//! The board: every task of the window has a cell of a block, and every change becomes a point.
//!
//! It follows the mirror by the slots that the mirror says were touched, so its cost grows with
//! change. Nothing here knows of pixels.

use crawlfield_engine::{
    feed::mirror::{Mirror, Task},
    model::phase::Phase,
};

use crate::{
    field::{
        block::Block,
        flights::{Air, Flights},
        ground::Ground,
        texel::{FLAG_ALOFT, FLAG_BEHIND_BREAKER, Point, Texel, sign_of},
    },
    numbers::{index, millis, number},
};

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

/// Where a task stands.
#[derive(Debug, Clone, Copy)]
struct Stand {
    block: u32,
    cell: u32,
}

const NOWHERE: Stand = Stand {
    block: NONE,
    cell: NONE,
};

/// The board.
#[derive(Debug, Default)]
pub struct Board {
    arrangement: Arrangement,
    ground: Ground,
    blocks: Vec<Block>,
    stands: Vec<Stand>,
    texels: Vec<Texel>,
    slots: Vec<u32>,
    points: Vec<Point>,
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
            ..Self::default()
        };
        if arrangement == Arrangement::Flow {
            board.block_mut(number(LANES.len()) - 1);
        }
        board
    }

    /// Lays the mirror's tasks out anew; nothing flies.
    #[must_use]
    pub fn of(arrangement: Arrangement, mirror: &Mirror) -> Self {
        let mut board = Self::new(arrangement);
        for slot in mirror.slots() {
            if let Some(task) = mirror.task(slot) {
                board.put(&task, host_number(mirror, &task));
            }
        }
        board.flights = Flights::default();
        board
    }

    /// Follows the mirror where it was touched.
    pub fn follow(&mut self, mirror: &Mirror, touched: &[u32]) {
        for &slot in touched {
            match mirror.task(slot) {
                Some(task) => self.put(&task, host_number(mirror, &task)),
                None => self.remove(slot),
            }
        }
    }

    fn put(&mut self, task: &Task<'_>, host: u32) {
        let block = match self.arrangement {
            Arrangement::Territory => host,
            Arrangement::Flow => lane_of(task.phase),
        };
        let stand = self
            .stands
            .get(index(task.slot))
            .copied()
            .unwrap_or(NOWHERE);
        if stand.block == block {
            let address = self.blocks[index(block)].base + stand.cell;
            let texel = turned(self.texels[index(address)], task);
            if texel.flags() & FLAG_ALOFT != 0 {
                self.flights.change(task.slot, Some(texel));
            }
            self.write(address, texel);
        } else if stand.block == NONE {
            let mut texel = born(task);
            texel.set_flag(FLAG_BEHIND_BREAKER, self.is_walled(host));
            self.stand(task, block, texel);
        } else {
            let before = self.texels[index(self.blocks[index(stand.block)].base + stand.cell)];
            self.vacate(task.slot);
            let texel = turned(before, task);
            let cell = self.stand(task, block, texel);
            self.flights
                .take_off(task.slot, (stand.block, stand.cell), (block, cell), texel);
        }
        self.done += u64::from(task.phase == Phase::Done);
    }

    /// Gives a task a cell in a block.
    fn stand(&mut self, task: &Task<'_>, block: u32, texel: Texel) -> u32 {
        let cell = self.take_cell(block);
        let slot = index(task.slot);
        if slot >= self.stands.len() {
            self.stands.resize(slot + 1, NOWHERE);
        }
        self.stands[slot] = Stand { block, cell };
        let address = self.blocks[index(block)].base + cell;
        self.slots[index(address)] = task.slot;
        self.write(address, texel);
        cell
    }

    fn remove(&mut self, slot: u32) {
        let flies = |texel: Texel| texel.flags() & FLAG_ALOFT != 0;
        if self.texel_of(slot).is_some_and(flies) {
            self.flights.change(slot, None);
        }
        self.vacate(slot);
    }

    fn vacate(&mut self, slot: u32) {
        let Some(stand) = self.stands.get_mut(index(slot)) else {
            return;
        };
        let Stand { block, cell } = core::mem::replace(stand, NOWHERE);
        if block == NONE {
            return;
        }
        let address = self.blocks[index(block)].base + cell;
        self.blocks[index(block)].give(cell);
        self.slots[index(address)] = NONE;
        self.write(address, Texel::default());
    }

    fn take_cell(&mut self, block: u32) -> u32 {
        self.block_mut(block);
        if let Some(cell) = self.blocks[index(block)].take() {
            return cell;
        }
        self.move_house(block);
        self.blocks[index(block)]
            .take()
            .expect("the new stretch is twice as long")
    }

    /// Moves a full block to a stretch of twice its length; its tasks keep their cells.
    fn move_house(&mut self, block: u32) {
        let (old, length) = (
            self.blocks[index(block)].base,
            self.blocks[index(block)].capacity,
        );
        let (base, capacity) = self.ground.take(length * 2);
        self.make_room();
        for cell in 0..length {
            let texel = self.texels[index(old + cell)];
            self.slots[index(base + cell)] = self.slots[index(old + cell)];
            self.slots[index(old + cell)] = NONE;
            self.write(base + cell, texel);
            self.write(old + cell, Texel::default());
        }
        self.ground.give(old, length);
        let block = &mut self.blocks[index(block)];
        block.base = base;
        block.capacity = capacity;
    }

    fn block_mut(&mut self, block: u32) -> &mut Block {
        while self.blocks.len() <= index(block) {
            let new = Block::new(&mut self.ground);
            self.blocks.push(new);
            self.make_room();
            self.shape += 1;
        }
        &mut self.blocks[index(block)]
    }

    fn make_room(&mut self) {
        let top = index(self.ground.top());
        self.texels.resize(top, Texel::default());
        self.slots.resize(top, NONE);
    }

    fn write(&mut self, address: u32, texel: Texel) {
        self.texels[index(address)] = texel;
        self.points.push(Point { texel, address });
    }

    /// Sets or clears a flag of a task.
    pub fn flag(&mut self, slot: u32, flag: u32, on: bool) {
        if let Some(address) = self.address(slot) {
            let mut texel = self.texels[index(address)];
            if texel.set_flag(flag, on) {
                self.write(address, texel);
            }
        }
    }

    /// Lets flights start and land.
    pub fn steer(&mut self, air: Air<'_>) {
        let mut flights = core::mem::take(&mut self.flights);
        flights.steer(air, |slot, is_aloft| self.flag(slot, FLAG_ALOFT, is_aloft));
        self.flights = flights;
    }

    /// Marks a host's tasks as held by its breaker, in the arrangement whose blocks cannot say so.
    pub fn hold_back(&mut self, mirror: &Mirror, is_open: &[bool]) {
        if self.arrangement != Arrangement::Flow || self.walled == is_open {
            return;
        }
        self.walled = is_open.to_vec();
        for slot in mirror.slots() {
            if let Some(task) = mirror.task(slot) {
                let is_walled = self.is_walled(host_number(mirror, &task));
                self.flag(slot, FLAG_BEHIND_BREAKER, is_walled);
            }
        }
    }

    fn is_walled(&self, host: u32) -> bool {
        self.walled.get(index(host)).copied().unwrap_or(false)
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

/// What others read.
impl Board {
    /// How tasks are grouped.
    #[must_use]
    pub const fn arrangement(&self) -> Arrangement {
        self.arrangement
    }

    /// The blocks: by host number in the mirror's tables, or by lane.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Changes whenever blocks must be laid out anew.
    #[must_use]
    pub const fn shape(&self) -> u64 {
        self.shape
    }

    /// All texels by address, for a first fill.
    #[must_use]
    pub fn texels(&self) -> &[Texel] {
        &self.texels
    }

    /// The changes since the last call.
    pub fn take_points(&mut self) -> Vec<Point> {
        core::mem::take(&mut self.points)
    }

    /// Moves to *done* since the last call: what the animations keep pace with.
    pub fn take_done(&mut self) -> u64 {
        core::mem::take(&mut self.done)
    }

    /// A task's block and cell.
    #[must_use]
    pub fn place_of(&self, slot: u32) -> Option<(u32, u32)> {
        let stand = self.stands.get(index(slot))?;
        (stand.block != NONE).then_some((stand.block, stand.cell))
    }

    /// The task in a cell of a block.
    #[must_use]
    pub fn slot_in(&self, block: u32, cell: u32) -> Option<u32> {
        let block = self.blocks.get(index(block))?;
        if cell >= block.capacity {
            return None;
        }
        let slot = *self.slots.get(index(block.base + cell))?;
        (slot != NONE).then_some(slot)
    }

    /// A task's texel.
    #[must_use]
    pub fn texel_of(&self, slot: u32) -> Option<Texel> {
        self.address(slot)
            .map(|address| self.texels[index(address)])
    }

    fn address(&self, slot: u32) -> Option<u32> {
        let (block, cell) = self.place_of(slot)?;
        Some(self.blocks[index(block)].base + cell)
    }
}

fn host_number(mirror: &Mirror, task: &Task<'_>) -> u32 {
    mirror.tables().host_number(task.host).unwrap_or(0)
}

fn born(task: &Task<'_>) -> Texel {
    let variation = task.key.0.as_bytes()[15];
    let since = millis(task.changed_us);
    let mut texel = Texel::born(since, task.phase, task.stage.0, task.attempts, variation);
    figures(&mut texel, task);
    texel
}

fn turned(mut texel: Texel, task: &Task<'_>) -> Texel {
    let since = millis(task.changed_us);
    if texel.bits & 15 != sign_of(task.phase) || texel.since_ms != since {
        texel.turn(since, task.phase, task.attempts);
    }
    figures(&mut texel, task);
    texel
}

fn figures(texel: &mut Texel, task: &Task<'_>) {
    if let Some(expected) = task.expected_ms {
        texel.expect(expected);
    } else if let Some(due) = task.due_us {
        texel.wait(millis(due).saturating_sub(texel.since_ms));
    }
}
