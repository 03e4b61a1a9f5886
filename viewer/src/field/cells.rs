//! The cell of a task: every task of the window has one in a block, and every change becomes a texel
//! to write.
//!
//! Cells follow the mirror by the slots that the mirror says were touched, so their cost grows with
//! change. Nothing here knows of pixels.

use crawlfield_engine::{
    feed::mirror::{Mirror, Sight},
    model::phase::Phase,
};

use crate::{
    field::{
        Arrangement,
        block::Block,
        flights::{FlightFrame, Flights},
        lanes::{LANES, Lanes},
        ranges::{GRANULE, RangeAllocator},
        slot_set::SlotSet,
        texel::{CellFlags, Ending, FLAG_BEHIND_BREAKER, FLAG_FLYING, Texel, TexelUpdate},
    },
    numbers::{index, number},
};

#[cfg(test)]
mod tests;

/// No cell, or no task.
pub const NONE: u32 = u32::MAX;
/// In a cell that a task has left: it had ended well, or badly. Slots are smaller.
const LEFT_WELL: u32 = u32::MAX - 1;
const LEFT_BADLY: u32 = u32::MAX - 2;

/// Cells of the smallest field: a state texture has at least 16 rows.
const LEAST_CELLS: u32 = 16 * ROW;
/// Cells of a row of the state texture.
pub const ROW: u32 = 2_048;
/// So few changes are always sent one by one.
const FEW_UPDATES: usize = 4_096;

/// The cells of all blocks: nine bytes a task and what the blocks keep free. How a task looks is
/// read from the mirror when its texel is written.
#[derive(Debug, Default)]
pub struct Cells {
    arrangement: Arrangement,
    ranges: RangeAllocator,
    blocks: Vec<Block>,
    /// A task's address in the state texture, by slot.
    addresses: Vec<u32>,
    /// What the mirror does not know of a task's look, by slot.
    flags: Vec<CellFlags>,
    /// The task at an address, or what has become of the last one.
    slots: Vec<u32>,
    /// The block that owns an address, by granule.
    owners: Vec<u32>,
    /// Texels written since the renderer took them.
    updates: Vec<TexelUpdate>,
    /// So much has changed that all is written anew.
    is_stale: bool,
    /// Tasks on their way between two lanes.
    pub flights: Flights,
    /// Moves to *done* since they were taken.
    done: u64,
    /// Hosts whose breaker is open, by number; the flow's only.
    parked_hosts: Vec<bool>,
    /// Which steps have a lane of their own; the flow's only.
    lanes: Lanes,
}

impl Cells {
    /// Cells of no task yet.
    #[must_use]
    pub fn new(arrangement: Arrangement) -> Self {
        let mut cells = Self {
            arrangement,
            is_stale: true,
            ..Self::default()
        };
        cells.reset(LEAST_CELLS);
        if arrangement == Arrangement::Flow {
            cells.open_block(number(LANES.len()) - 1);
        }
        cells
    }

    /// Lays the mirror's tasks out anew; nothing flies.
    #[must_use]
    pub fn of(arrangement: Arrangement, lanes: Lanes, mirror: &Mirror) -> Self {
        let mut cells = Self::new(arrangement);
        cells.lanes = lanes;
        for slot in mirror.slots() {
            if let Some(sight) = mirror.sight(slot) {
                cells.place(mirror, slot, &sight);
            }
        }
        cells.flights = Flights::default();
        cells
    }

    /// Follows the mirror where it was touched, as `Mirror::take_dirty` tells.
    pub fn follow(&mut self, mirror: &Mirror, touched: &[u32]) {
        for &slot in touched {
            match mirror.sight(slot) {
                Some(sight) => self.place(mirror, slot, &sight),
                None => self.remove(slot),
            }
        }
    }

    fn place(&mut self, mirror: &Mirror, slot: u32, sight: &Sight) {
        let block = match self.arrangement {
            Arrangement::Territory => sight.host_number,
            Arrangement::Flow => self.lanes.lane_of(sight.phase),
        };
        match self.place_of(slot) {
            None => {
                let mut flags = CellFlags::of_new(sight.phase);
                flags.set_flag(FLAG_BEHIND_BREAKER, self.is_parked(sight.host_number));
                self.give_cell(mirror, slot, (block, flags), sight);
            }
            Some((at, _)) if at == block => {
                let flags = &mut self.flags[index(slot)];
                flags.settle(sight.phase);
                let texel = Texel::of(sight, *flags);
                if flags.bits() & FLAG_FLYING != 0 {
                    self.flights.change(slot, Some(texel));
                }
                self.write(self.addresses[index(slot)], texel);
            }
            Some(_) if self.arrangement == Arrangement::Territory => {
                // No task changes its host: the slot is another task's by now.
                self.remove(slot);
                let flags = CellFlags::of_new(sight.phase);
                self.give_cell(mirror, slot, (block, flags), sight);
            }
            Some(from) => {
                let mut flags = self.flags[index(slot)];
                flags.settle(sight.phase);
                self.leave_cell(slot);
                let cell = self.give_cell(mirror, slot, (block, flags), sight);
                let texel = Texel::of(sight, flags);
                self.flights.depart(slot, from, (block, cell), texel);
            }
        }
        self.done += u64::from(sight.phase == Phase::Done);
    }

    /// Gives a task a cell in a block.
    fn give_cell(
        &mut self,
        mirror: &Mirror,
        slot: u32,
        (block, flags): (u32, CellFlags),
        sight: &Sight,
    ) -> u32 {
        let cell = self.take_cell(mirror, block);
        if index(slot) >= self.addresses.len() {
            extend(&mut self.addresses, index(slot) + 1, NONE);
            extend(&mut self.flags, index(slot) + 1, CellFlags::default());
        }
        let address = self.blocks[index(block)].base + cell;
        self.addresses[index(slot)] = address;
        self.flags[index(slot)] = flags;
        self.slots[index(address)] = slot;
        self.write(address, Texel::of(sight, flags));
        cell
    }

    fn remove(&mut self, slot: u32) {
        let flags = self.flags.get(index(slot)).copied().unwrap_or_default();
        if flags.bits() & FLAG_FLYING != 0 {
            self.flights.change(slot, None);
        }
        if let (Some((block, _)), Some(ending)) = (self.place_of(slot), flags.ending()) {
            self.blocks[index(block)].left[ending as usize] += 1;
        }
        self.leave_cell(slot);
    }

    fn leave_cell(&mut self, slot: u32) {
        // A task that came and went between two frames has none.
        let Some((block, cell)) = self.place_of(slot) else {
            return;
        };
        let address = core::mem::replace(&mut self.addresses[index(slot)], NONE);
        let flags = core::mem::take(&mut self.flags[index(slot)]);
        let trace = match self.arrangement {
            Arrangement::Territory => trace_of(flags),
            Arrangement::Flow => NONE,
        };
        self.slots[index(address)] = trace;
        let slots = &self.slots;
        let block = &mut self.blocks[index(block)];
        let base = block.base;
        block.free(cell, |cell| !is_task(slots[index(base + cell)]));
        self.write(address, texel_of_trace(trace));
    }

    fn take_cell(&mut self, mirror: &Mirror, block: u32) -> u32 {
        self.open_block(block);
        if let Some(cell) = self.blocks[index(block)].take() {
            return cell;
        }
        self.move_block(mirror, block);
        self.blocks[index(block)]
            .take()
            .expect("the new range is longer")
    }

    /// Opens blocks up to this number, empty ones where no task was yet.
    ///
    /// # Panics
    /// Not by what it is given: repacking makes room for one block more.
    pub fn open_block(&mut self, block: u32) {
        while self.blocks.len() <= index(block) {
            let range = self.ranges.allocate(GRANULE).unwrap_or_else(|| {
                self.repack(NONE);
                self.ranges
                    .allocate(GRANULE)
                    .expect("repacking leaves room")
            });
            self.set_owner(range, number(self.blocks.len()));
            self.blocks.push(Block::new(range));
        }
    }

    /// Moves a full block to a longer range; its tasks keep their cells.
    fn move_block(&mut self, mirror: &Mirror, block: u32) {
        let (old, length) = {
            let block = &self.blocks[index(block)];
            (block.base, block.capacity)
        };
        let Some((base, capacity)) = self.ranges.allocate(length + length / 4 + 1) else {
            self.repack(block);
            return;
        };
        self.set_owner((base, capacity), block);
        for cell in 0..length {
            self.move_cell(mirror, old + cell, base + cell);
        }
        self.ranges.free(old, length);
        let block = &mut self.blocks[index(block)];
        block.base = base;
        block.capacity = capacity;
    }

    /// The old place is not drawn any more, so its texel may stay.
    fn move_cell(&mut self, mirror: &Mirror, from: u32, to: u32) {
        let slot = core::mem::replace(&mut self.slots[index(from)], NONE);
        self.slots[index(to)] = slot;
        if is_task(slot) {
            self.addresses[index(slot)] = to;
        }
        if !self.is_stale {
            let texel = self.texel_of(mirror, slot);
            self.write(to, texel.unwrap_or_else(|| texel_of_trace(slot)));
        }
    }

    /// Gives all blocks new ranges, one behind the other with some room, the growing one more.
    fn repack(&mut self, growing: u32) {
        let old: Vec<(u32, u32)> = self
            .blocks
            .iter()
            .map(|block| (block.base, block.reached()))
            .collect();
        let wanted = |block: usize, used: u32| {
            let more = if number(block) == growing { 4 } else { 12 };
            (used + used / more + 1).next_multiple_of(GRANULE)
        };
        let lengths = old
            .iter()
            .enumerate()
            .map(|(at, &(_, used))| wanted(at, used));
        let total: u32 = lengths.sum();
        let slots = core::mem::take(&mut self.slots);
        self.reset(total + total / 12 + LEAST_CELLS / 8);
        for (at, &(base, used)) in old.iter().enumerate() {
            let range = self
                .ranges
                .allocate(wanted(at, used))
                .expect("the new storage was sized for all of them");
            self.set_owner(range, number(at));
            (self.blocks[at].base, self.blocks[at].capacity) = range;
            for cell in 0..used {
                let slot = slots[index(base + cell)];
                self.slots[index(range.0 + cell)] = slot;
                if is_task(slot) {
                    self.addresses[index(slot)] = range.0 + cell;
                }
            }
        }
        self.is_stale = true;
    }

    /// Empty storage for at least so many cells.
    fn reset(&mut self, cells: u32) {
        let limit = cells.max(LEAST_CELLS).next_multiple_of(ROW);
        self.ranges = RangeAllocator::new(limit);
        self.slots = vec![NONE; index(limit)];
        self.owners = vec![NONE; index(limit / GRANULE)];
    }

    fn set_owner(&mut self, (base, length): (u32, u32), block: u32) {
        self.owners[index(base / GRANULE)..index((base + length) / GRANULE)].fill(block);
    }

    fn write(&mut self, address: u32, texel: Texel) {
        self.expect_changes(1);
        if !self.is_stale {
            self.updates.push(TexelUpdate { texel, address });
        }
    }

    /// So many changes are to come: beyond a certain number it is cheaper to write all anew.
    pub fn expect_changes(&mut self, more: usize) {
        if self.updates.len() + more > FEW_UPDATES + self.slots.len() / 8 {
            self.is_stale = true;
            self.updates.clear();
        }
    }

    /// Whether all is to be written anew.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.is_stale
    }
}

/// What others read of the cells.
impl Cells {
    /// How tasks are grouped.
    #[must_use]
    pub const fn arrangement(&self) -> Arrangement {
        self.arrangement
    }

    /// Which steps have a lane of their own in the flow.
    #[must_use]
    pub const fn lanes(&self) -> Lanes {
        self.lanes
    }

    /// The blocks: by host number in the mirror's tables, or by lane.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Bytes that addresses, flags and owners take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let words = self.addresses.capacity() + self.slots.capacity() + self.owners.capacity();
        words * size_of::<u32>() + self.flags.capacity() * size_of::<CellFlags>()
    }

    /// Cells that the state texture must hold.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.ranges.limit()
    }

    /// All texels by address.
    #[must_use]
    pub fn texels(&self, mirror: &Mirror) -> Vec<Texel> {
        // By slot, as the mirror's columns lie: by address they would be read at random.
        let traces = self.slots.iter().map(|slot| texel_of_trace(*slot));
        let mut texels: Vec<Texel> = traces.collect();
        let addresses = (0_u32..).zip(&self.addresses).zip(&self.flags);
        for ((slot, address), flags) in addresses.filter(|((_, address), _)| **address != NONE) {
            if let Some(sight) = mirror.sight(slot) {
                texels[index(*address)] = Texel::of(&sight, *flags);
            }
        }
        texels
    }

    /// The changes since the last call; `None` where all texels are to be written anew.
    pub fn take_updates(&mut self) -> Option<Vec<TexelUpdate>> {
        let updates = core::mem::take(&mut self.updates);
        (!core::mem::take(&mut self.is_stale)).then_some(updates)
    }

    /// Moves to *done* since the last call: what the animations keep pace with.
    pub fn take_done(&mut self) -> u64 {
        core::mem::take(&mut self.done)
    }

    /// A task's block and cell.
    #[must_use]
    pub fn place_of(&self, slot: u32) -> Option<(u32, u32)> {
        let address = self.address_of(slot)?;
        let block = self.owners[index(address / GRANULE)];
        Some((block, address - self.blocks[index(block)].base))
    }

    /// A task's place in the state texture.
    #[must_use]
    pub fn address_of(&self, slot: u32) -> Option<u32> {
        let address = *self.addresses.get(index(slot))?;
        (address != NONE).then_some(address)
    }

    /// The task in a cell of a block.
    #[must_use]
    pub fn slot_in(&self, block: u32, cell: u32) -> Option<u32> {
        let block = self.blocks.get(index(block))?;
        if cell >= block.capacity {
            return None;
        }
        let slot = *self.slots.get(index(block.base + cell))?;
        is_task(slot).then_some(slot)
    }

    /// A task's flags; none where it has no cell.
    #[must_use]
    pub fn flags_of(&self, slot: u32) -> u32 {
        self.flags.get(index(slot)).map_or(0, |flags| flags.bits())
    }

    /// A task's texel, as the state texture is to hold it.
    #[must_use]
    pub fn texel_of(&self, mirror: &Mirror, slot: u32) -> Option<Texel> {
        Some(Texel::of(
            &mirror.sight(slot)?,
            *self.flags.get(index(slot))?,
        ))
    }
}

/// Flags of tasks: selected, dimmed, flying, behind a breaker.
impl Cells {
    /// Sets or clears a flag of many tasks, which writes nothing: only while all is to be written
    /// anew.
    pub fn set_flag_of_all(&mut self, slots: &SlotSet, flag: u32, on: bool) {
        debug_assert!(self.is_stale, "the renderer would not learn of it");
        let (flags, addresses) = (&mut self.flags, &self.addresses);
        slots.iter().for_each(|slot| {
            if addresses.get(index(slot)).is_some_and(|at| *at != NONE) {
                flags[index(slot)].set_flag(flag, on);
            }
        });
    }

    /// Sets or clears a flag of a task.
    pub fn set_flag(&mut self, mirror: &Mirror, slot: u32, flag: u32, on: bool) {
        if self.address_of(slot).is_none() || !self.flags[index(slot)].set_flag(flag, on) {
            return;
        }
        if !self.is_stale
            && let Some(texel) = self.texel_of(mirror, slot)
        {
            self.write(self.addresses[index(slot)], texel);
        }
    }

    /// Starts and ends flights; who flies is not drawn in its cell.
    pub fn update_flights(&mut self, mirror: &Mirror, frame: FlightFrame<'_>) {
        let mut flights = core::mem::take(&mut self.flights);
        flights.update(frame, |slot, is_flying| {
            self.set_flag(mirror, slot, FLAG_FLYING, is_flying);
        });
        self.flights = flights;
    }

    /// Marks the tasks of hosts whose breaker is open, by host number, in the arrangement whose
    /// blocks cannot say so.
    pub fn mark_breakers(&mut self, mirror: &Mirror, is_open: &[bool]) {
        if self.arrangement != Arrangement::Flow || self.parked_hosts == is_open {
            return;
        }
        self.parked_hosts = is_open.to_vec();
        for slot in mirror.slots() {
            if let Some(sight) = mirror.sight(slot) {
                let is_parked = self.is_parked(sight.host_number);
                self.set_flag(mirror, slot, FLAG_BEHIND_BREAKER, is_parked);
            }
        }
    }

    fn is_parked(&self, host: u32) -> bool {
        self.parked_hosts.get(index(host)).copied().unwrap_or(false)
    }
}

/// Whether a cell holds a task.
const fn is_task(slot: u32) -> bool {
    slot < LEFT_BADLY
}

/// What a task leaves in its cell.
const fn trace_of(flags: CellFlags) -> u32 {
    match flags.ending() {
        Some(Ending::Well) => LEFT_WELL,
        Some(Ending::Badly) => LEFT_BADLY,
        None => NONE,
    }
}

const fn texel_of_trace(trace: u32) -> Texel {
    match trace {
        LEFT_WELL => Texel::trace(Ending::Well),
        LEFT_BADLY => Texel::trace(Ending::Badly),
        _ => Texel::EMPTY,
    }
}

/// Grows by an eighth at a time: doubling would leave half the memory empty.
fn extend<T: Clone>(column: &mut Vec<T>, length: usize, value: T) {
    if length > column.capacity() {
        column.reserve_exact((length - column.len()).max(column.len() / 8).max(64));
    }
    column.resize(length, value);
}
