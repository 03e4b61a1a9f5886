use std::collections::BTreeSet;

use super::SlotSet;

#[test]
fn it_holds_what_a_plain_set_holds() {
    let (mut slots, mut model) = (SlotSet::default(), BTreeSet::new());
    let mut dice = 7_u32;
    for _ in 0..4_000 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let slot = (dice >> 8) % 500;
        if dice >> 31 == 0 {
            assert_eq!(slots.insert(slot), model.insert(slot));
        } else {
            assert_eq!(slots.remove(slot), model.remove(&slot));
        }
        assert_eq!(slots.contains(slot), model.contains(&slot));
        assert_eq!(slots.len(), model.len());
    }
    assert!(slots.iter().eq(model.iter().copied()));
    assert_eq!(slots.first(), model.first().copied());
}

#[test]
fn a_slot_beyond_all_is_not_in_it() {
    let slots = SlotSet::from(vec![64, 3, 64]);
    assert_eq!(slots.iter().collect::<Vec<_>>(), [3, 64]);
    assert!(!slots.contains(65) && !slots.contains(u32::MAX));
}
