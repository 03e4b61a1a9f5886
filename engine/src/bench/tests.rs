//! The baseline and the engine do the same work; a table judges as its rows say.

use super::{
    by_hand, crawl,
    served::Served,
    table::{Bound, Row, Table},
};
use crate::{demo, store::export::export_jsonl};

#[test]
fn the_baseline_and_the_engine_store_the_same_records() {
    let served = Served::here(59);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (ours, theirs) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let engine = crawl::engine(&served, &ours).expect("the engine crawls");
    let hand = crawl::hand(&served, &theirs, 7).expect("the baseline crawls");
    assert_eq!(engine.pages, 64, "59 products on 5 lists");
    assert_eq!(hand.pages, engine.pages);
    let truth = demo::Catalogue::new(served.config.clone());
    let mut lines = Vec::new();
    export_jsonl(&ours, "product", None, &mut lines).expect("an export");
    let rows = lines.split(|byte| *byte == b'\n');
    let rows = rows.filter_map(|line| serde_json::from_slice(line).ok());
    let verdict = demo::verify(&truth, rows);
    assert!(verdict.is_right(), "engine: {verdict}");
    let rows = by_hand::rows(&theirs).expect("the baseline's rows");
    let verdict = demo::verify(&truth, rows.into_iter());
    assert!(verdict.is_right(), "by hand: {verdict}");
}

#[test]
fn a_row_is_judged_by_its_ratio_where_it_has_one() {
    let row = |value, against: Option<f64>, bound| {
        let row = Row::figure("x", value).bound(bound);
        match against {
            Some(against) => row.beside(against),
            None => row,
        }
    };
    assert_eq!(
        row(9.0, Some(10.0), Bound::AtLeast(0.9)).holds(),
        Some(true)
    );
    assert_eq!(
        row(8.0, Some(10.0), Bound::AtLeast(0.9)).holds(),
        Some(false)
    );
    assert_eq!(row(3.5, None, Bound::AtMost(3.0)).holds(), Some(false));
    assert_eq!(row(2.5, None, Bound::AtMost(3.0)).holds(), Some(true));
    assert_eq!(Row::figure("x", 1.0).holds(), None);
    let table = Table {
        name: "x",
        title: "a table".to_owned(),
        rows: vec![row(8.0, Some(10.0), Bound::AtLeast(0.9))],
    };
    let text = table.to_string();
    assert!(
        text.contains("ratio  0.80") && text.contains("NO"),
        "{text}"
    );
    assert_eq!(table.json()["rows"][0]["holds"], false);
}
