use serde_json::{Value as Json, json};

use super::{Verification, verify};
use crate::demo::{Catalogue, DemoConfig};

fn truth() -> Catalogue {
    Catalogue::new(DemoConfig {
        products: 60,
        new_products: 2,
        ..DemoConfig::default()
    })
}

fn rows(truth: &Catalogue) -> Vec<Json> {
    truth
        .products()
        .map(|product| {
            let mut row = product.record();
            row.insert("_url".to_owned(), json!(product.url));
            row.insert("list_page".to_owned(), json!(3));
            Json::Object(row)
        })
        .collect()
}

fn verdict_after(change: impl FnOnce(&Catalogue, &mut Vec<Json>)) -> Verification {
    let truth = truth();
    let mut rows = rows(&truth);
    change(&truth, &mut rows);
    verify(&truth, rows.into_iter())
}

#[test]
fn the_whole_truth_in_any_order_is_right() {
    let verdict = verdict_after(|_, rows| rows.reverse());
    assert!(verdict.is_right());
    assert_eq!(
        verdict.to_string(),
        "verified: every one of 60 products was saved exactly once, with every field right"
    );
}

#[test]
fn a_product_whose_page_is_gone_is_not_expected_and_must_not_be_there() {
    let truth = Catalogue::new(DemoConfig {
        gone: 0.2,
        ..truth().config().clone()
    });
    let (gone, kept): (Vec<u32>, Vec<u32>) = (0..60).partition(|index| truth.is_gone(*index));
    assert!((1..30).contains(&gone.len()), "{gone:?}");
    let all = rows(&truth);
    let rows_of = |indices: &[u32]| -> Vec<Json> {
        let of = |index: &u32| all[*index as usize].clone();
        indices.iter().map(of).collect()
    };
    let verdict = verify(&truth, rows_of(&kept).into_iter());
    assert!(verdict.is_right(), "{verdict}");
    assert_eq!(verdict.expected as usize, kept.len());
    assert_eq!(
        verify(&truth, rows_of(&gone).into_iter()).extra.count,
        gone.len() as u64
    );
}

#[test]
fn a_missing_row_is_named() {
    let verdict = verdict_after(|_, rows| {
        rows.remove(7);
    });
    assert!(!verdict.is_right());
    assert_eq!((verdict.missing.count, verdict.right), (1, 59));
    let url = truth().product(7).expect("within 60").url;
    assert_eq!(
        verdict.to_string(),
        format!("NOT verified: 59 of 60 products are right, 1 missing; missing: {url}")
    );
}

#[test]
fn a_row_saved_twice_is_named() {
    let verdict = verdict_after(|_, rows| rows.push(rows[3].clone()));
    assert!(!verdict.is_right());
    assert_eq!((verdict.doubled.count, verdict.right), (1, 59));
}

#[test]
fn every_changed_field_is_noticed() {
    let fields: Vec<String> = truth()
        .product(0)
        .expect("within 60")
        .record()
        .keys()
        .cloned()
        .collect();
    for field in fields {
        let verdict = verdict_after(|_, rows| rows[11][&field] = json!("changed"));
        assert_eq!((verdict.wrong.count, verdict.right), (1, 59), "{field}");
        assert!(verdict.to_string().contains(&field));
    }
}

#[test]
fn a_number_that_came_as_text_is_wrong() {
    let verdict = verdict_after(|_, rows| rows[0]["vid"] = json!(rows[0]["vid"].to_string()));
    assert_eq!(verdict.wrong.count, 1);
}

#[test]
fn a_row_that_is_no_product_is_named_and_counted() {
    let verdict = verdict_after(|_, rows| {
        rows.extend((0..9).map(|number| json!({"_url": format!("http://else.test/{number}")})));
    });
    assert!(!verdict.is_right());
    assert_eq!((verdict.extra.count, verdict.extra.first.len()), (9, 5));
    assert_eq!(verdict.right, 60);
}

#[test]
fn what_arrived_meanwhile_may_be_saved_but_must_be_right() {
    let verdict = verdict_after(|truth, rows| {
        let arrival = truth.product(61).expect("two arrive");
        let mut row = arrival.record();
        row.insert("_url".to_owned(), json!(arrival.url));
        rows.push(Json::Object(row));
    });
    assert!(verdict.is_right());
    assert_eq!(verdict.arrivals, 1);
    assert!(
        verdict
            .to_string()
            .ends_with("(and 1 that arrived meanwhile)")
    );
}

#[test]
fn lists_may_come_as_sqlite_keeps_them() {
    let verdict = verdict_after(|_, rows| {
        for row in rows {
            let list = row["application_categories"].to_string();
            row["application_categories"] = if list == "[]" {
                Json::Null
            } else {
                json!(list)
            };
        }
    });
    assert!(verdict.is_right());
}
