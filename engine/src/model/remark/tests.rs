//! Remarks: named, counted, said.

use super::*;

#[test]
fn every_kind_has_a_name_and_a_sentence_of_its_own() {
    for kind in Remark::ALL {
        assert_eq!(Remark::from_name(kind.name()), Some(kind));
        let named = serde_json::to_value(kind).unwrap();
        assert_eq!(named, kind.name());
    }
    let mut words: Vec<_> = Remark::ALL.iter().map(|kind| kind.words()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Remark::ALL.len());
}

#[test]
fn counts_add_up_and_the_first_example_stays() {
    let mut sum = Remarks::default();
    sum.add(Remark::LinkTooLong, || "é".repeat(EXAMPLE));
    sum.add(Remark::LinkTooLong, || unreachable!("one is enough"));
    let mut other = Remarks::default();
    other.add_many(Remark::LinkTooLong, 3, || "later".to_owned());
    other.add_many(Remark::LinkTrap, 1, || "/a/a/a".to_owned());
    other.add_many(Remark::LinkTooDeep, 0, || unreachable!("there is none"));
    sum.merge(&other);
    assert_eq!(sum.count(Remark::LinkTooLong), 5);
    let lines = Remarks::lines(&sum.document(), str::to_owned);
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains("too long (`bounds.max_url`): 5, the first é"),
        "{lines:?}"
    );
    assert!(lines[0].ends_with(&"é".repeat(EXAMPLE / 2)), "{lines:?}");
    assert!(lines[1].ends_with(": 1, /a/a/a"), "{lines:?}");
}
