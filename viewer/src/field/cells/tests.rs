use crawlfield_engine::{
    feed::{
        frame::{Change, Detail, Move},
        mirror::Mirror,
        task_record::TaskRecord,
    },
    model::{ids::HostId, phase::Phase},
};

use super::Cells;
use crate::field::{
    Arrangement,
    flights::FlightFrame,
    layout::Placed,
    texel::{Ending, FLAG_SELECTED, Texel},
};

/// A mirror and the cells that follow it, held against each other.
struct World {
    mirror: Mirror,
    fields: [Cells; 2],
    /// What the state texture of each arrangement holds.
    textures: [Vec<Texel>; 2],
    seed: u64,
}

impl World {
    fn new() -> Self {
        Self {
            mirror: Mirror::tracking(),
            fields: [Arrangement::Territory, Arrangement::Flow].map(Cells::new),
            textures: [Vec::new(), Vec::new()],
            seed: 7,
        }
    }

    fn roll(&mut self, below: u32) -> u32 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from((self.seed >> 33) % u64::from(below)).expect("it is below")
    }

    fn admit(&mut self, at_us: u64, slot: u32, host: u32) {
        let url = format!("http://h{host}.test/{slot}/{at_us}");
        let birth = TaskRecord {
            host: HostId(host),
            ..TaskRecord::new(slot, &url)
        };
        self.mirror
            .apply_change(at_us, &Change::Admitted(Box::new(birth)));
    }

    fn shift(&mut self, at_us: u64, slot: u32, to: Phase) {
        let Some(from) = self.mirror.phase_at(slot) else {
            return;
        };
        let step = Move {
            slot,
            from,
            to,
            attempts: 0,
            detail: Detail::None,
        };
        self.mirror.apply_change(at_us, &Change::Moved(step));
    }

    /// Brings the cells up to date and holds them against the mirror.
    fn check(&mut self) {
        let touched = self.mirror.take_dirty();
        for (cells, texture) in self.fields.iter_mut().zip(&mut self.textures) {
            cells.follow(&self.mirror, &touched);
            match cells.take_updates() {
                None => *texture = cells.texels(&self.mirror),
                Some(updates) => {
                    for update in updates {
                        texture[update.address as usize] = update.texel;
                    }
                }
            }
            assert_eq!(texture.len(), cells.capacity() as usize);
            let mut seen = 0;
            for slot in self.mirror.slots() {
                let (block, cell) = cells.place_of(slot).expect("every task has a place");
                assert_eq!(cells.slot_in(block, cell), Some(slot));
                assert!(cell < cells.blocks()[block as usize].used());
                let address = cells.address_of(slot).expect("it has a place") as usize;
                let texel = cells.texel_of(&self.mirror, slot).expect("it is there");
                assert_eq!(texture[address], texel, "slot {slot}");
                assert_eq!(texel.phase(), self.mirror.phase_at(slot));
                seen += 1;
            }
            let counts = cells.blocks().iter().map(|block| u64::from(block.count));
            assert_eq!(counts.sum::<u64>(), seen);
            for block in cells.blocks() {
                let drawn = &texture[block.base as usize..][..block.used() as usize];
                let shown = drawn.iter().filter(|texel| !texel.is_empty()).count();
                assert_eq!(shown, block.count as usize, "nobody is drawn twice");
            }
        }
    }
}

#[test]
fn boards_and_textures_follow_random_lives() {
    let mut world = World::new();
    for round in 1..120_u64 {
        let at = round * 1_000;
        let busy = if round < 60 { 900 } else { 300 };
        for _ in 0..busy {
            let (slot, host) = (world.roll(6_000), world.roll(40) * world.roll(2) + 1);
            let what = world.roll(if round < 60 { 3 } else { 6 });
            if world.mirror.phase_at(slot).is_none() {
                if what < 3 {
                    world.admit(at, slot, host);
                }
            } else if what > 2 {
                world.mirror.apply_change(at, &Change::Left { slot });
            } else {
                let at_phase = world.roll(12) as usize;
                world.shift(at, slot, Phase::ALL[at_phase]);
            }
        }
        world.check();
    }
}

#[test]
fn a_task_keeps_its_cell_while_its_block_moves() {
    let mut world = World::new();
    world.admit(1, 0, 1);
    world.check();
    let place = world.fields[0].place_of(0);
    for slot in 1..50_000 {
        world.admit(2, slot, slot % 3 + 1);
    }
    world.check();
    assert_eq!(world.fields[0].place_of(0), place);
}

#[test]
fn flags_stay_with_their_task_and_go_with_it() {
    let mut world = World::new();
    world.admit(1, 0, 1);
    world.check();
    for cells in &mut world.fields {
        cells.set_flag(&world.mirror, 0, FLAG_SELECTED, true);
    }
    world.shift(2, 0, Phase::Fetching);
    world.check();
    for cells in &world.fields {
        assert_eq!(cells.flags_of(0), FLAG_SELECTED);
    }
    world.mirror.apply_change(3, &Change::Left { slot: 0 });
    world.check();
    world.admit(4, 0, 1);
    world.check();
    assert_eq!(world.fields[0].flags_of(0), 0);
}

#[test]
fn a_task_takes_at_most_64_bytes_with_its_mirror_and_32_of_the_texture() {
    let mut world = World::new();
    for slot in 0..60_000 {
        world.admit(1, slot, slot % 200 + 1);
    }
    world.check();
    let tasks = 60_000;
    for cells in &world.fields {
        let texels = cells.capacity() as usize * size_of::<Texel>();
        assert!(texels <= 32 * tasks, "{} bytes a task", texels / tasks);
        let both = cells.bytes() + world.mirror.column_bytes();
        assert!(both <= 64 * tasks, "{} bytes a task", both / tasks);
    }
}

#[test]
fn a_slot_that_another_hosts_task_has_got_between_two_looks_lets_nobody_fly() {
    let mut world = World::new();
    world.admit(1, 0, 1);
    world.admit(1, 1, 2);
    world.shift(1, 0, Phase::Done);
    world.check();
    world.mirror.apply_change(2, &Change::Left { slot: 0 });
    world.admit(2, 0, 2);
    world.check();
    let territory = &mut world.fields[0];
    let place = Placed {
        columns: 4,
        cell: 8.0,
        ..Placed::default()
    };
    let frame = FlightFrame {
        now_ms: 0,
        speed: 1.0,
        is_moving: true,
        scale: 1.0,
        placed: &[place, place],
    };
    territory.update_flights(&world.mirror, frame);
    assert!(territory.flights.flying.is_empty());
}

#[test]
fn a_task_that_leaves_lets_its_cell_tell_how_it_ended_until_another_takes_it() {
    let mut world = World::new();
    for (slot, phase) in [(0, Phase::Done), (1, Phase::Dead), (2, Phase::Fetching)] {
        world.admit(1, slot, 1);
        world.shift(1, slot, phase);
    }
    world.admit(1, 3, 1);
    world.check();
    for slot in 0..3 {
        world.mirror.apply_change(2, &Change::Left { slot });
    }
    world.check();
    let base = world.fields[0].blocks()[0].base as usize;
    let cells = |world: &World| world.textures[0][base..base + 3].to_vec();
    let [well, badly] = [Ending::Well, Ending::Badly].map(Texel::trace);
    assert_eq!(cells(&world), [well, badly, Texel::EMPTY]);
    assert_eq!(world.fields[0].blocks()[0].count, 1);
    // The same where all is written anew.
    let base = world.fields[0].blocks()[0].base as usize;
    let texels = world.fields[0].texels(&world.mirror);
    assert_eq!(texels[base..base + 2], [well, badly]);
    world.admit(3, 0, 1);
    world.check();
    assert_eq!(cells(&world)[0].phase(), Some(Phase::Queued));
    // In the flow tasks come and go: their lanes bear no traces.
    let in_flow = world.textures[1].iter();
    assert!(
        in_flow
            .filter(|texel| texel.is_empty())
            .all(|texel| *texel == Texel::EMPTY)
    );
}
