//! Which task stands in which slot of the window, and where a page stands that is in it.

use bevy_ecs::{entity::Entity, resource::Resource};
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use crate::model::ids::{PageKey, SessionId};

/// Resident tasks by slot and by identity, in 23 bytes a task at a million.
///
/// Identities are not kept twice: the table holds slots and a mark of 32 bits for each, and the
/// task itself says whether it is the one that is meant.
#[derive(Resource, Debug, Default)]
pub struct Residents {
    slots: HashTable<u32>,
    marks: Vec<u32>,
    entities: Vec<Entity>,
    /// Those of this tick: they cannot be asked yet.
    fresh: FxHashMap<(SessionId, PageKey), Entity>,
}

/// Room for this many newcomers is kept from tick to tick.
const FRESH: usize = 1 << 10;

impl Residents {
    pub fn insert(&mut self, session: SessionId, key: PageKey, slot: u32, entity: Entity) {
        let (at, mark) = (slot as usize, mark(session, key));
        if at >= self.entities.len() {
            self.marks.resize(at + 1, 0);
            self.entities.resize(at + 1, Entity::PLACEHOLDER);
        }
        self.marks[at] = mark;
        self.entities[at] = entity;
        let marks = &self.marks;
        self.slots
            .insert_unique(spread(mark), slot, |slot| spread(marks[*slot as usize]));
        self.fresh.insert((session, key), entity);
    }

    /// The task of this identity; `is` asks an entity whether it has it.
    pub fn find(
        &self,
        session: SessionId,
        key: PageKey,
        mut is: impl FnMut(Entity) -> bool,
    ) -> Option<Entity> {
        if let Some(entity) = self.fresh.get(&(session, key)) {
            return Some(*entity);
        }
        let mark = mark(session, key);
        let slot = self.slots.find(spread(mark), |slot| {
            let at = *slot as usize;
            self.marks[at] == mark && is(self.entities[at])
        })?;
        Some(self.entities[*slot as usize])
    }

    /// A task leaves its slot.
    pub fn remove(&mut self, session: SessionId, key: PageKey, slot: u32) {
        let found = self
            .slots
            .find_entry(spread(mark(session, key)), |at| *at == slot);
        if let Ok(entry) = found {
            entry.remove();
            self.entities[slot as usize] = Entity::PLACEHOLDER;
        }
        self.fresh.remove(&(session, key));
    }

    /// All tasks, by slot.
    pub fn iter(&self) -> impl Iterator<Item = Entity> + '_ {
        let all = self.entities.iter().copied();
        all.filter(|entity| *entity != Entity::PLACEHOLDER)
    }

    /// A tick is over: whoever entered in it can be asked from now on.
    pub fn settle(&mut self) {
        self.fresh.clear();
        if self.fresh.capacity() > FRESH {
            self.fresh.shrink_to(FRESH);
        }
    }
}

/// Keys are hashes already.
fn mark(session: SessionId, key: PageKey) -> u32 {
    let [.., a, b, c, d] = *key.0.as_bytes();
    u32::from_be_bytes([a, b, c, d]) ^ session.0.wrapping_mul(0x9e37_79b9)
}

/// The table looks at the highest bits too.
fn spread(mark: u32) -> u64 {
    u64::from(mark).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests;
