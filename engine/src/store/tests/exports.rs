//! Records in their tables and out of them, whatever their names and values are.

use std::sync::Arc;

use rusqlite::Connection;

use crate::{
    extract::output::Value,
    message::store_verbs::Mode,
    model::phase::Phase,
    site::compiled::{Field, FieldType},
    store::{
        conformance::{DETAIL, OnDisk, Talk, done, field, link, product, site},
        export::{export_csv, export_jsonl, json_number, records_of},
    },
};

fn crawl(name: &str, kind: &str, fields: Vec<Field>) -> Talk<OnDisk> {
    let mut crawl = Talk::new(OnDisk::new());
    crawl.state("completed");
    next(&mut crawl, name, kind, fields);
    crawl
}

fn next(crawl: &mut Talk<OnDisk>, name: &str, kind: &str, fields: Vec<Field>) {
    let mut site = site(name, fields);
    kind.clone_into(&mut site.stages[1].records[0].kind);
    crawl.site = Arc::new(site);
    crawl.open(Mode::Full, None);
}

/// Saves these on one page of their own.
fn save(crawl: &mut Talk<OnDisk>, page: &str, records: Vec<(&str, Vec<Value>)>) -> (u32, u32, u32) {
    let task = crawl.discover(vec![link(DETAIL, page)]).new.remove(0);
    let records = records
        .into_iter()
        .map(|(identity, values)| product(identity, values));
    let ended = crawl.end(&task, done(records.collect(), vec![])).unwrap();
    (ended.inserted, ended.changed, ended.unchanged)
}

fn jsonl(crawl: &Talk<OnDisk>, kind: &str) -> String {
    let mut out = Vec::new();
    export_jsonl(
        &crawl.subject.path(),
        kind,
        Some(&crawl.site.name),
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn csv(crawl: &Talk<OnDisk>, kind: &str) -> String {
    let mut out = Vec::new();
    export_csv(
        &crawl.subject.path(),
        kind,
        Some(&crawl.site.name),
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn all_types() -> Vec<Field> {
    let mut tags = field("tags", FieldType::Text);
    tags.list = true;
    vec![
        field("title", FieldType::Text),
        field("price", FieldType::Decimal),
        field("stock", FieldType::Integer),
        field("sold", FieldType::Boolean),
        field("released", FieldType::Date),
        tags,
    ]
}

#[test]
fn values_come_out_as_they_were_read() {
    let mut crawl = crawl("books", "product", all_types());
    let values = vec![
        text("Größe „L“ 🚲"),
        Value::Decimal("12.50".into()),
        Value::Integer(-3),
        Value::Boolean(true),
        text("2024-02-29"),
        Value::Json(serde_json::json!(["a", "b,\"c\""])),
    ];
    save(
        &mut crawl,
        "1",
        vec![("1", values), ("2", vec![Value::Null; 6])],
    );
    let own = "\"_url\":\"http://shop.test/1\",\"_first_seen\":\"1970-01-01T00:00:01.005Z\",\
               \"_last_seen\":\"1970-01-01T00:00:01.005Z\",\
               \"_changed_at\":\"1970-01-01T00:00:01.005Z\"}\n";
    let want = format!(
        "{{\"title\":\"Größe „L“ 🚲\",\"price\":12.50,\"stock\":-3,\"sold\":true,\
         \"released\":\"2024-02-29\",\"tags\":[\"a\",\"b,\\\"c\\\"\"],{own}\
         {{\"title\":null,\"price\":null,\"stock\":null,\"sold\":null,\"released\":null,\
         \"tags\":null,{own}"
    );
    assert_eq!(jsonl(&crawl, "product"), want);
    let rows = csv(&crawl, "product");
    let first = rows.split("\r\n").nth(1).unwrap();
    let want = "Größe „L“ 🚲,12.50,-3,true,2024-02-29,\"[\"\"a\"\",\"\"b,\\\"\"c\\\"\"\"\"]\",\
                http://shop.test/1,";
    assert!(first.starts_with(want), "{first}");
    let db = Connection::open(crawl.subject.path()).unwrap();
    let kept: (String, f64) = db
        .query_row(
            "SELECT typeof(price), price FROM books_product",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(kept, ("real".to_owned(), 12.5));
}

#[test]
fn a_record_changes_only_where_a_value_differs() {
    let mut crawl = crawl("books", "product", all_types());
    let values = |price: &str| {
        let mut values = vec![Value::Null; 6];
        values[1] = Value::Decimal(price.to_owned());
        values
    };
    assert_eq!(
        save(&mut crawl, "1", vec![("x", values("1.50"))]),
        (1, 0, 0)
    );
    assert_eq!(
        save(&mut crawl, "2", vec![("x", values("1.50"))]),
        (0, 0, 1)
    );
    assert_eq!(
        save(&mut crawl, "3", vec![("x", values("2.00"))]),
        (0, 1, 0)
    );
    let row: serde_json::Value = serde_json::from_str(&jsonl(&crawl, "product")).unwrap();
    assert!(row["_first_seen"].as_str() < row["_changed_at"].as_str());
    assert_eq!(row["_changed_at"], row["_last_seen"]);
    let db = Connection::open(crawl.subject.path()).unwrap();
    let change: (String, String, String) = db
        .query_row("SELECT field, old, new FROM cf_record_change", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(change, ("price".into(), "1.50".into(), "2.00".into()));
}

#[test]
fn names_cannot_end_the_sql() {
    let evil = "x\" TEXT); DROP TABLE cf_page; --";
    let names = [
        evil, "_url", "Title", "title", "rowid", "order", "a\0b", "=1+1",
    ];
    let fields = names.map(|name| field(name, FieldType::Text));
    let mut crawl = crawl("sqlite", "k\"; DROP TABLE cf_session; --", fields.into());
    let values: Vec<Value> = (0..names.len()).map(|n| text(&n.to_string())).collect();
    save(
        &mut crawl,
        "1",
        vec![("'; DROP TABLE cf_visit; --", values)],
    );
    let kind = "k\"; DROP TABLE cf_session; --";
    let row: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&jsonl(&crawl, kind)).unwrap();
    for (n, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| **name != "_url")
    {
        assert_eq!(row[*name], n.to_string(), "{name}");
    }
    assert!(
        csv(&crawl, kind)
            .lines()
            .next()
            .unwrap()
            .contains(",'=1+1,")
    );
    assert_eq!(crawl.crash().counts[0].2, Phase::Done);
}

#[test]
fn sites_and_kinds_that_spell_the_same_table_stay_apart() {
    let mut crawl = crawl("a_b", "c", vec![field("x", FieldType::Text)]);
    save(&mut crawl, "1", vec![("1", vec![text("one")])]);
    assert!(jsonl(&crawl, "c").contains("one"));
    crawl.state("completed");
    next(&mut crawl, "a", "b_c", vec![field("x", FieldType::Text)]);
    save(&mut crawl, "2", vec![("1", vec![text("two")])]);
    assert!(jsonl(&crawl, "b_c").contains("two"));
}

#[test]
fn a_grown_site_file_widens_its_table_and_a_shrunk_one_loses_nothing() {
    let mut crawl = crawl("books", "product", vec![field("a", FieldType::Text)]);
    save(&mut crawl, "1", vec![("1", vec![text("7")])]);
    crawl.state("completed");
    let fields = vec![
        field("b", FieldType::Decimal),
        field("a", FieldType::Integer),
    ];
    next(&mut crawl, "books", "product", fields);
    let row = jsonl(&crawl, "product");
    assert!(row.starts_with("{\"b\":null,\"a\":7,\"_url\""), "{row}");
    crawl.state("completed");
    next(
        &mut crawl,
        "books",
        "product",
        vec![field("b", FieldType::Decimal)],
    );
    save(
        &mut crawl,
        "2",
        vec![("1", vec![Value::Decimal("1.0".into())])],
    );
    let row = jsonl(&crawl, "product");
    assert!(row.starts_with("{\"b\":1.0,\"_url\""), "{row}");
    let db = Connection::open(crawl.subject.path()).unwrap();
    let kept: String = db
        .query_row("SELECT a FROM books_product", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, "7");
}

#[test]
fn no_cell_of_a_csv_is_a_formula() {
    let mut crawl = crawl("books", "product", vec![field("x", FieldType::Text)]);
    let cells = [
        "=1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1", "a\0b", "a=1", "a\nb",
    ];
    let records = cells.iter().map(|cell| (*cell, vec![text(cell)]));
    save(&mut crawl, "1", records.collect());
    let out = csv(&crawl, "product");
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    let read: Vec<String> = reader
        .records()
        .map(|row| row.unwrap()[0].to_owned())
        .collect();
    let want = [
        "'=1", "'+1", "'-1", "'@a", "'\tx", "'\rx", "'\nx", "'＝1", "ab", "a=1", "a\nb",
    ];
    assert_eq!(read, want);
}

#[test]
fn an_unknown_kind_is_told_which_there_are() {
    let crawl = crawl("books", "author", vec![field("x", FieldType::Text)]);
    let path = crawl.subject.path();
    let error = export_jsonl(&path, "book", None, &mut Vec::new()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("author (site books), product (site shop)"),
        "{text}"
    );
    let none = export_jsonl(&path.with_extension("no"), "x", None, &mut Vec::new());
    assert!(none.unwrap_err().to_string().contains("there is no store"));
}

#[test]
fn what_is_not_real_says_so() {
    let mut crawl = crawl("books", "product", vec![field("x", FieldType::Text)]);
    save(&mut crawl, "1", vec![("1", vec![text("a")])]);
    let db = Connection::open(crawl.subject.path()).unwrap();
    db.execute_batch("UPDATE books_product SET _source = 'demo'")
        .unwrap();
    assert!(jsonl(&crawl, "product").ends_with(",\"_source\":\"demo\"}\n"));
    assert!(csv(&crawl, "product").ends_with(",demo\r\n"));
}

#[test]
fn a_pages_records_are_found_by_its_url() {
    let mut crawl = crawl("books", "book", vec![field("title", FieldType::Text)]);
    save(&mut crawl, "1", vec![("a", vec![Value::Text("A".into())])]);
    let two = ["b", "c"].map(|name| (name, vec![Value::Text(name.into())]));
    save(&mut crawl, "2", two.to_vec());
    let path = crawl.subject.path();
    let rows = jsonl(&crawl, "book");
    let url = |line: &str| -> String {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["_url"].as_str().unwrap().to_owned()
    };
    let last = url(rows.lines().last().unwrap());
    let found = records_of(&path, &last).unwrap();
    let titles: Vec<_> = found.iter().map(|(_, row)| row["title"].as_str()).collect();
    assert_eq!(titles, [Some("b"), Some("c")]);
    assert!(
        found
            .iter()
            .all(|(kind, row)| kind == "book" && row["_url"] == last.as_str())
    );
    assert!(
        records_of(&path, "http://nowhere.test/")
            .unwrap()
            .is_empty()
    );
    assert!(records_of(&path.with_extension("no"), &last).is_err());
}

#[test]
fn digits_stay_as_read_and_are_still_a_json_number() {
    let check = |digits: &str, want: Option<&str>| {
        assert_eq!(json_number(digits).as_deref(), want, "{digits:?}");
        if let Some(number) = want {
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(number).is_ok());
        }
    };
    check("12.50", Some("12.50"));
    check("-12.50", Some("-12.50"));
    check("+3", Some("3"));
    check("007.10", Some("7.10"));
    check(".5", Some("0.5"));
    check("5.", Some("5"));
    check("-.0", Some("-0.0"));
    check("1e400", Some("1e400"));
    check(
        "123456789012345678901234567890.12",
        Some("123456789012345678901234567890.12"),
    );
    check("1E-7", Some("1e-7"));
    check("", None);
    check(".", None);
    check("inf", None);
    check("1e", None);
    check("NaN", None);
    check("1,5", None);
}
