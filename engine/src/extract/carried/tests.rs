//! What is stored with a link is read back, fields apart from the paging state.

use serde_json::json;

use super::*;
use crate::extract::tests::build::map_of;

fn read(text: &str) -> Carried {
    text.parse().expect("a JSON object")
}

#[test]
fn carried_fields_are_read_from_their_text() {
    assert_eq!(read(""), Carried::default());
    assert_eq!(read("{}"), Carried::default());
    assert_eq!(read(r#"{"page":1}"#)["page"], 1);
    let error = "[1]".parse::<Carried>().unwrap_err();
    assert_eq!(error.class, ErrorClass::Parse);
}

#[test]
fn the_paging_state_is_stored_beside_the_fields_and_is_none_of_them() {
    let mut carried = Carried::default();
    carried.insert("title", json!("A"));
    carried.insert("page", json!(2));
    let told = PagingState {
        shown: Some(Shown {
            fingerprint: u64::MAX,
            repeats: 1,
        }),
        page_count: Some(7),
        asked: vec![1, u64::MAX],
        passed_over: vec![PassedOver {
            from: 3,
            url: "http://a.test/3".to_owned(),
        }],
        is_guess: true,
    };
    let carried = carried.with_paging(told.clone().shared());
    let text = serde_json::to_string(&carried).unwrap();
    assert_eq!(
        text,
        format!(
            "{{\"title\":\"A\",\"page\":2,\"_paging\":{{\"shown\":{{\"fingerprint\":{max},\
             \"repeats\":1}},\"page_count\":7,\"asked\":[1,{max}],\"passed_over\":[{{\"from\":3,\
             \"url\":\"http://a.test/3\"}}],\"is_guess\":true}}}}",
            max = u64::MAX
        )
    );
    let again = read(&text);
    assert_eq!(again, carried);
    assert_eq!(*again.paging(), told);
    assert_eq!(
        json!(map_of(&again)),
        json!({"title": "A", "page": 2}),
        "fields only"
    );
    assert_eq!(again.get(PAGING), None);
}

#[test]
fn what_has_nothing_to_tell_stores_nothing_of_it() {
    let nothing = PagingState::default().shared();
    assert_eq!(nothing, None);
    assert_eq!(PagingState::default(), *PagingState::NOTHING);
    let text = serde_json::to_string(&read(r#"{"page":1,"position":2}"#)).unwrap();
    assert_eq!(text, r#"{"page":1,"position":2}"#);
}

#[test]
fn a_store_of_an_earlier_version_has_each_part_among_the_fields() {
    let text = r#"{"title":"A","_shown":[18446744073709551615,1],"page":2,"_told":7,"_asked":[1,2],
        "_left":[{"from":3,"url":"http://a.test/3"}],"_usual":true}"#;
    let carried = read(text);
    assert_eq!(json!(map_of(&carried)), json!({"title": "A", "page": 2}));
    let told = carried.paging();
    let shown = told.shown.unwrap();
    assert_eq!((shown.fingerprint, shown.repeats), (u64::MAX, 1));
    assert_eq!((told.page_count, &*told.asked), (Some(7), &[1, 2][..]));
    assert_eq!(told.passed_over[0].url, "http://a.test/3");
    assert!(told.is_guess);
    // Written again, it is written as it is today.
    assert_eq!(
        read(&serde_json::to_string(&carried).unwrap()),
        carried,
        "read once"
    );
}

#[test]
fn a_paging_state_that_cannot_be_read_is_as_if_it_were_not_there() {
    for text in [
        r#"{"page":2,"_paging":7}"#,
        r#"{"page":2,"_shown":"x","_told":-1,"_asked":{},"_left":[1],"_usual":3}"#,
        r#"{"page":2,"_paging":{"unheard_of":1}}"#,
    ] {
        let carried = read(text);
        assert_eq!(json!(carried), json!({"page": 2}), "{text}");
    }
}

#[test]
fn the_next_page_of_a_list_stands_behind_no_card() {
    let first = read(r#"{"page":1,"position":4,"title":"A","_told":3}"#);
    let next = first.to_list_page(2, PagingState::default().shared());
    assert_eq!(json!(next), json!({"page": 2, "title": "A"}));
}
