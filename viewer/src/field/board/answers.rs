//! What others read of a board.

use crawlfield_engine::feed::mirror::Mirror;

use super::{Arrangement, Board, NONE};
use crate::{
    field::{
        block::Block,
        ground::GRAIN,
        texel::{Look, Point, Texel},
    },
    numbers::index,
};

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

    /// Bytes that cells, stands and looks take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let words = self.stands.capacity() + self.slots.capacity() + self.owners.capacity();
        words * size_of::<u32>() + self.looks.capacity() * size_of::<Look>()
    }

    /// Changes whenever blocks must be laid out anew.
    #[must_use]
    pub const fn shape(&self) -> u64 {
        self.shape
    }

    /// Cells that the state texture must hold.
    #[must_use]
    pub const fn cells(&self) -> u32 {
        self.ground.limit()
    }

    /// All texels by address.
    #[must_use]
    pub fn texels(&self, mirror: &Mirror) -> Vec<Texel> {
        // By slot, as the mirror's columns lie: by address they would be read at random.
        let mut texels = vec![Texel::default(); self.slots.len()];
        let stands = (0_u32..).zip(&self.stands).zip(&self.looks);
        for ((slot, address), look) in stands.filter(|((_, address), _)| **address != NONE) {
            if let Some(sight) = mirror.sight(slot) {
                texels[index(*address)] = Texel::of(&sight, *look);
            }
        }
        texels
    }

    /// The changes since the last call; `None` where all texels are to be written anew.
    pub fn take_points(&mut self) -> Option<Vec<Point>> {
        let points = core::mem::take(&mut self.points);
        (!core::mem::take(&mut self.is_stale)).then_some(points)
    }

    /// Moves to *done* since the last call: what the animations keep pace with.
    pub fn take_done(&mut self) -> u64 {
        core::mem::take(&mut self.done)
    }

    /// A task's block and cell.
    #[must_use]
    pub fn place_of(&self, slot: u32) -> Option<(u32, u32)> {
        let address = self.address_of(slot)?;
        let block = self.owners[index(address / GRAIN)];
        Some((block, address - self.blocks[index(block)].base))
    }

    /// A task's place in the state texture.
    #[must_use]
    pub fn address_of(&self, slot: u32) -> Option<u32> {
        let address = *self.stands.get(index(slot))?;
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
        (slot != NONE).then_some(slot)
    }

    /// A task's flags.
    #[must_use]
    pub fn flags_of(&self, slot: u32) -> u32 {
        self.looks.get(index(slot)).map_or(0, |look| look.flags())
    }

    /// A task's texel.
    #[must_use]
    pub fn texel_of(&self, mirror: &Mirror, slot: u32) -> Option<Texel> {
        Some(Texel::of(
            &mirror.sight(slot)?,
            *self.looks.get(index(slot))?,
        ))
    }
}
