//! Records out of a store, streamed, while a crawl may run: JSON Lines, and CSV that no spreadsheet
//! runs; and those of one page, and fields that hold nothing.

use std::{
    borrow::Cow,
    io::{self, Write},
    path::Path,
};

use rusqlite::{Connection, OptionalExtension as _, Params, Row, types::ValueRef};
use serde_json::{Map, Value as Json};

use crate::{
    message::receipts::StoreError,
    model::{decimal::decimal, ids::PageKey},
    store::{
        opening,
        records::{listed, quoted},
        sql::{Statements, pair, value},
    },
};

/// The order in which records were first saved.
const IN_ORDER: &str = "ORDER BY rowid";

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was read could not be written.
    #[error("the export could not be written: {0}")]
    Output(#[from] io::Error),
}

impl From<rusqlite::Error> for ExportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Writes each record of a kind as one line of JSON: the site's fields by name and order, then
/// `_url`, `_first_seen`, `_last_seen`, `_changed_at`, and `_source` where it is not real.
/// Returns how many were written.
///
/// # Errors
/// `Store` where there is no such store or kind (the message names those there are); `Output`
/// where `out` fails.
pub fn export_jsonl(
    store: &Path,
    kind: &str,
    site: Option<&str>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let db = opening::open_reader(store)?;
    let mut n = 0;
    for table in tables(&db, kind, site)? {
        let mut line = Vec::new();
        n += each_row(&db, &table, IN_ORDER, [], |cells| {
            line.clear();
            json_object(&table.fields, cells, &mut line);
            line.push(b'\n');
            Ok(out.write_all(&line)?)
        })?;
    }
    out.flush()?;
    Ok(n)
}

/// Writes the records of a kind as RFC 4180 CSV with a header, columns as in [`export_jsonl`].
/// A cell that a spreadsheet would run as a formula gets a `'` in front. Returns how many records
/// were written.
///
/// # Errors
/// As [`export_jsonl`]; also where several sites have this kind and none is named.
pub fn export_csv(
    store: &Path,
    kind: &str,
    site: Option<&str>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let db = opening::open_reader(store)?;
    let tables = tables(&db, kind, site)?;
    let [table] = tables.as_slice() else {
        let sites: Vec<&str> = tables.iter().map(|table| table.site.as_str()).collect();
        return Err(StoreError::Refused(format!(
            "several sites have records of kind {kind}: {}; name one with --site",
            sites.join(", ")
        ))
        .into());
    };
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    for name in header(table) {
        writer
            .write_field(csv_guarded(name).as_bytes())
            .map_err(output)?;
    }
    writer.write_record(None::<&[u8]>).map_err(output)?;
    let n = each_row(&db, table, IN_ORDER, [], |cells| {
        for (kind, cell) in kinds(table).zip(cells) {
            writer
                .write_field(csv_text(kind, cell).as_bytes())
                .map_err(output)?;
        }
        writer.write_record(None::<&[u8]>).map_err(output)
    })?;
    writer.flush()?;
    Ok(n)
}

/// The reason as it came: csv would hide its kind, and whether a reader has hung up.
fn output(error: csv::Error) -> ExportError {
    ExportError::Output(match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}

/// Records of a page, at most.
const PAGE_RECORDS: u32 = 500;

/// A record: its kind, and what it holds.
pub type OfPage = (String, Map<String, Json>);

/// What a page's records hold, by kind: the site's fields, then ours, as `export_jsonl` writes
/// them. At most 500 of a kind. It reads beside a running engine; a table's rows are searched by `_url`.
///
/// # Errors
/// There is no such store, or it cannot be read.
pub fn records_of(store: &Path, url: &str) -> Result<Vec<OfPage>, ExportError> {
    let db = opening::open_reader(store)?;
    let mut found = Vec::new();
    for (kind, site) in kinds_and_sites(&db)? {
        for table in tables(&db, &kind, Some(&site))? {
            let which = format!("WHERE _url = ?1 ORDER BY rowid LIMIT {PAGE_RECORDS}");
            each_row(&db, &table, &which, [url], |cells| {
                let mut line = Vec::new();
                json_object(&table.fields, cells, &mut line);
                // It was written as an object by us.
                let object = serde_json::from_slice(&line).unwrap_or_default();
                found.push((kind.clone(), object));
                Ok(())
            })?;
        }
    }
    Ok(found)
}

/// A part of a kind's records, for a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordRows {
    /// Records of this kind.
    pub total: u64,
    /// Names of the columns: the site's fields, then ours.
    pub columns: Vec<String>,
    /// The values as text, a row a record; empty where there is none.
    pub rows: Vec<Vec<String>>,
}

/// Kinds of records in the store, each with its site.
///
/// # Errors
/// There is no such store, or it cannot be read.
pub fn kinds_of(store: &Path) -> Result<Vec<(String, String)>, ExportError> {
    let db = opening::open_reader(store)?;
    Ok(kinds_and_sites(&db)?)
}

/// At most `limit` records of a kind and site from number `from` (0 is the first) on, in the order
/// in which they were saved. It reads beside a running engine.
///
/// # Errors
/// There is no such store or kind, or it cannot be read.
pub fn rows_of(
    store: &Path,
    (kind, site): (&str, &str),
    from: u64,
    limit: u32,
) -> Result<RecordRows, ExportError> {
    let db = opening::open_reader(store)?;
    let mut found = RecordRows::default();
    for table in tables(&db, kind, Some(site))? {
        let count = format!("SELECT count(*) FROM {}", quoted(&table.name));
        found.total += db
            .query_row(&count, [], |row| row.get::<_, i64>(0))?
            .unsigned_abs();
        found.columns = header(&table).map(str::to_owned).collect();
        let which = format!("ORDER BY rowid LIMIT {limit} OFFSET {from}");
        each_row(&db, &table, &which, [], |cells| {
            let kinds = kinds(&table).zip(cells);
            let row = kinds.map(|(kind, cell)| csv_text(kind, cell).to_string());
            found.rows.push(row.collect());
            Ok(())
        })?;
    }
    Ok(found)
}

/// What a person knows these pages by, where their links carried it: the field that `labels` names
/// first, else `title`, one that ends in `_title`, or `name`. It reads beside a running engine.
///
/// # Errors
/// There is no such store, or it cannot be read.
pub fn titles_of(
    store: &Path,
    pages: &[PageKey],
    labels: &[String],
) -> Result<Vec<(PageKey, String)>, ExportError> {
    let db = opening::open_reader(store)?;
    let mut statement = db.prepare(
        "SELECT v.carried FROM cf_page p JOIN cf_visit v ON v.page = p.id
         WHERE p.key = ?1 ORDER BY v.session DESC LIMIT 1",
    )?;
    let mut found = Vec::new();
    for page in pages {
        let carried: Option<String> = statement
            .query_row([page.0.as_bytes()], |row| row.get(0))
            .optional()?;
        let carried = carried.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(title) = carried.and_then(|carried| title_in(&carried, labels)) {
            found.push((*page, title));
        }
    }
    Ok(found)
}

fn title_in(carried: &Map<String, Json>, labels: &[String]) -> Option<String> {
    let text = |name: &str| {
        let text = carried.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let named = labels.iter().find_map(|label| text(label));
    let titled = || {
        let mut keys = carried.keys().filter(|key| key.ends_with("_title"));
        keys.find_map(|key| text(key))
    };
    named
        .or_else(|| text("title"))
        .or_else(titled)
        .or_else(|| text("name"))
}

/// Records looked at, the newest.
const NEWEST: u32 = 1_000;

/// How many of a kind's newest records were looked at (at most 1,000), and the fields that are
/// empty in all of them.
///
/// # Errors
/// There is no such store or kind, or it cannot be read.
pub fn empty_fields(
    store: &Path,
    kind: &str,
    site: &str,
) -> Result<(u64, Vec<String>), ExportError> {
    let db = opening::open_reader(store)?;
    let mut empty = (0, Vec::new());
    for table in tables(&db, kind, Some(site))? {
        let counts = table.fields.iter().fold(String::new(), |counts, field| {
            counts + ", count(" + &quoted(&field.column) + ")"
        });
        let sql = format!(
            "SELECT count(*){counts} FROM (SELECT * FROM {} ORDER BY rowid DESC LIMIT {NEWEST})",
            quoted(&table.name)
        );
        let counts: Vec<i64> = db.query_row(&sql, [], |row| {
            (0..=table.fields.len()).map(|at| row.get(at)).collect()
        })?;
        let fields = table.fields.iter().zip(counts.iter().skip(1));
        let never = fields.filter(|(_, count)| **count == 0);
        empty.0 += counts.first().map_or(0, |count| count.unsigned_abs());
        empty.1.extend(never.map(|(field, _)| field.name.clone()));
    }
    Ok(empty)
}

/// A table to export.
struct Table {
    id: i64,
    site: String,
    name: String,
    fields: Vec<FieldColumn>,
    /// Some of its rows are not real.
    has_source: bool,
}

/// A field of the site and where it lies.
struct FieldColumn {
    name: String,
    column: String,
    kind: String,
}

/// One value as kept; a decimal with the digits as read.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Digits(String),
    Text(String),
}

const OWN: [&str; 5] = [
    "_url",
    "_first_seen",
    "_last_seen",
    "_changed_at",
    "_source",
];

fn own(table: &Table) -> &'static [&'static str] {
    if table.has_source { &OWN } else { &OWN[..4] }
}

fn header(table: &Table) -> impl Iterator<Item = &str> {
    let fields = table.fields.iter().map(|field| field.name.as_str());
    fields.chain(own(table).iter().copied())
}

fn kinds(table: &Table) -> impl Iterator<Item = &str> {
    let fields = table.fields.iter().map(|field| field.kind.as_str());
    fields.chain(own(table).iter().map(|_| "text"))
}

fn tables(db: &Connection, kind: &str, site: Option<&str>) -> Result<Vec<Table>, StoreError> {
    let mut found: Vec<Table> = db.all(
        "SELECT id, site, name FROM cf_record_table
             WHERE kind = ?1 AND (?2 IS NULL OR site = ?2) ORDER BY site",
        (kind, site),
        |row| {
            Ok(Table {
                id: row.get(0)?,
                site: row.get(1)?,
                name: row.get(2)?,
                fields: Vec::new(),
                has_source: false,
            })
        },
    )?;
    if found.is_empty() {
        return Err(unknown(db, kind, site)?);
    }
    for table in &mut found {
        table.fields = db.all(
            "SELECT name, column_name, type FROM cf_record_field
                 WHERE record_table = ?1 AND position IS NOT NULL ORDER BY position",
            [table.id],
            |row| {
                Ok(FieldColumn {
                    name: row.get(0)?,
                    column: row.get(1)?,
                    kind: row.get(2)?,
                })
            },
        )?;
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE _source IS NOT NULL)",
            quoted(&table.name)
        );
        table.has_source = db.query_row(&sql, [], value)?;
    }
    Ok(found)
}

fn kinds_and_sites(db: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT kind, site FROM cf_record_table ORDER BY kind, site";
    db.all(sql, [], pair)
}

fn unknown(db: &Connection, kind: &str, site: Option<&str>) -> Result<StoreError, StoreError> {
    let known = kinds_and_sites(db)?.into_iter();
    let known: Vec<String> = known
        .map(|(kind, site)| format!("{kind} (site {site})"))
        .collect();
    let of_site = site.map_or_else(String::new, |site| format!(" of site {site}"));
    let known = if known.is_empty() {
        "it has none yet".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    Ok(StoreError::Refused(format!(
        "the store has no records of kind {kind}{of_site}; {known}"
    )))
}

/// Reads these rows, one by one: of each the site's fields, then ours.
fn each_row<P: Params>(
    db: &Connection,
    table: &Table,
    which: &str,
    params: P,
    mut write: impl FnMut(&[Cell]) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let fields = listed(table.fields.iter().map(|field| field.column.as_str()));
    let sql = format!(
        "SELECT _digits{fields}, {} FROM {} {which}",
        own(table).join(", "),
        quoted(&table.name)
    );
    let mut statement = db.prepare(&sql)?;
    let width = table.fields.len() + own(table).len();
    let mut rows = statement.query(params)?;
    let mut n = 0;
    while let Some(row) = rows.next()? {
        write(&cells(table, row, width)?)?;
        n += 1;
    }
    Ok(n)
}

fn cells(table: &Table, row: &Row<'_>, width: usize) -> Result<Vec<Cell>, StoreError> {
    let digits: Map<String, Json> = row
        .get::<_, Option<String>>(0)?
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut values = Vec::with_capacity(width);
    for index in 0..width {
        let field = table.fields.get(index);
        let as_read = field
            .filter(|field| field.kind == "decimal")
            .and_then(|field| digits.get(&field.name)?.as_str());
        values.push(match (as_read, row.get_ref(index + 1)?) {
            (_, ValueRef::Null) => Cell::Null,
            (Some(digits), _) => Cell::Digits(digits.to_owned()),
            (None, ValueRef::Integer(number)) => Cell::Integer(number),
            (None, ValueRef::Real(number)) => Cell::Real(number),
            (None, ValueRef::Text(text) | ValueRef::Blob(text)) => {
                Cell::Text(String::from_utf8_lossy(text).into_owned())
            }
        });
    }
    Ok(values)
}

/// What a spreadsheet may take for the beginning of a formula, full-width forms included.
const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cell's text; numbers are ours and stay as they are.
fn csv_text<'a>(kind: &str, cell: &'a Cell) -> Cow<'a, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Integer(number) if kind == "boolean" => {
            Cow::Borrowed(if *number == 0 { "false" } else { "true" })
        }
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Real(number) => Cow::Owned(number.to_string()),
        Cell::Digits(digits) => Cow::Borrowed(digits),
        Cell::Text(text) => csv_guarded(text),
    }
}

/// Text without NUL, with a `'` before what would be a formula.
fn csv_guarded(text: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    };
    if text.starts_with(DANGEROUS) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

/// Writes the object of one row.
fn json_object(fields: &[FieldColumn], cells: &[Cell], out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, cell) in cells.iter().enumerate() {
        let (name, kind) = match fields.get(index) {
            Some(field) => (field.name.as_str(), field.kind.as_str()),
            None => (OWN[index - fields.len()], "text"),
        };
        let is_source = index == fields.len() + OWN.len() - 1;
        if is_source && *cell == Cell::Null {
            continue;
        }
        if index > 0 {
            out.push(b',');
        }
        json_string(name, out);
        out.push(b':');
        json_value(kind, cell, out);
    }
    out.push(b'}');
}

fn json_value(kind: &str, cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Integer(number) if kind == "boolean" => {
            out.extend_from_slice(if *number == 0 { b"false" } else { b"true" });
        }
        Cell::Integer(number) => {
            write!(out, "{number}").expect("writing to a vector cannot fail");
        }
        Cell::Real(number) => json_real(*number, out),
        Cell::Digits(digits) => match json_number(digits) {
            Some(number) => out.extend_from_slice(number.as_bytes()),
            None => json_string(digits, out),
        },
        Cell::Text(text)
            if kind == "json" && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() =>
        {
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Text(text) => json_string(text, out),
    }
}

fn json_real(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        write!(out, "{number}").expect("writing to a vector cannot fail");
    } else {
        out.extend_from_slice(b"null");
    }
}

fn json_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to a vector cannot fail");
}

/// Digits as a JSON number.
pub(super) fn json_number(digits: &str) -> Option<String> {
    decimal(digits).map(|number| number.replace('E', "e"))
}
