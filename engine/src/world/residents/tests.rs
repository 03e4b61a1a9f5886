//! Residents are found by identity, also where marks are the same.

use std::collections::BTreeMap;

use bevy_ecs::world::World;
use uuid::Uuid;

use super::{Residents, mark};
use crate::model::ids::{PageKey, SessionId};

/// Keys whose marks are all the same.
fn twin(n: u64) -> PageKey {
    PageKey(Uuid::from_u64_pair(n, 7))
}

#[test]
fn a_resident_is_found_by_its_identity_among_twins_until_it_leaves() {
    let session = SessionId(1);
    assert_eq!(mark(session, twin(1)), mark(session, twin(2)));
    let mut world = World::new();
    let mut residents = Residents::default();
    let mut keys = BTreeMap::new();
    for slot in 0..200 {
        let entity = world.spawn_empty().id();
        keys.insert(entity, twin(u64::from(slot)));
        residents.insert(session, twin(u64::from(slot)), slot, entity);
    }
    let find = |residents: &Residents, key: PageKey| {
        let found = residents.find(session, key, |entity| keys[&entity] == key);
        found.map(|entity| keys[&entity])
    };
    // Those of this tick are found without being asked.
    let unasked = residents.find(session, twin(9), |_| panic!("asked too early"));
    assert_eq!(keys[&unasked.expect("it entered")], twin(9));
    residents.settle();
    for slot in 0..200 {
        assert_eq!(find(&residents, twin(slot)), Some(twin(slot)));
    }
    assert_eq!(find(&residents, twin(200)), None);
    for slot in (0..200).step_by(3) {
        residents.remove(session, twin(u64::from(slot)), slot);
    }
    for slot in 0..200 {
        let stays = (slot % 3 != 0).then(|| twin(slot));
        assert_eq!(find(&residents, twin(slot)), stays, "{slot}");
    }
    assert_eq!(residents.iter().count(), 200 - 67);
    assert_eq!(
        residents.find(SessionId(2), twin(1), |_| true),
        None,
        "another session's page is another page"
    );
}

#[test]
fn a_million_residents_cost_at_most_23_bytes_each() {
    let mut residents = Residents::default();
    let entity = World::new().spawn_empty().id();
    for slot in 0..1_000_000_u32 {
        let key = PageKey(Uuid::from_u128(u128::from(slot) * 0x9e37_79b9_7f4a_7c15));
        residents.insert(SessionId(1), key, slot, entity);
        residents.settle();
    }
    let table = residents.slots.allocation_size();
    let columns = residents.entities.len() * size_of_val(&entity) + residents.marks.len() * 4;
    let each = (table + columns) / 1_000_000;
    assert!(each <= 23, "{each} bytes");
}
