use super::*;

fn key(page: u32) -> PageKey {
    PageKey(uuid::Uuid::from_u128(page.into()))
}

/// The pages past the end, of a list with these held and empty pages.
fn past(held: &[u32], empty: &[u32]) -> Vec<u32> {
    let mut list = ListEnd::default();
    for page in empty {
        list.lack(*page, key(*page));
    }
    for page in held {
        list.hold(*page);
    }
    list.end().into_iter().map(|(page, _)| page).collect()
}

#[test]
fn past_the_end_is_what_comes_empty_after_the_last_page_that_holds_something() {
    assert_eq!(past(&[1, 2, 3], &[4, 5, 6]), [4, 5, 6]);
    assert_eq!(past(&[0], &[1]), [1], "numbers may begin at 0");
    assert_eq!(past(&[1, 3], &[2, 4]), [4], "a hole is no end");
    assert_eq!(past(&[1, 2], &[4, 5]), [0; 0], "page 3 is not known");
    assert_eq!(past(&[], &[1, 2]), [0; 0], "the site may be down");
    assert_eq!(past(&[u32::MAX], &[1]), [0; 0]);
}

#[test]
fn what_was_judged_is_not_judged_again_and_may_be_proved_wrong() {
    let mut list = ListEnd::default();
    assert!(!list.hold(3));
    list.lack(4, key(4));
    assert_eq!(list.end().len(), 1);
    assert!(list.ends_with(3));
    assert_eq!(list.end(), []);
    // A later batch holds more of the same list.
    list.lack(9, key(9));
    assert_eq!(list.end(), [(9, key(9))]);
    assert!(list.hold(10));
    assert!(!list.ends_with(3));
}
