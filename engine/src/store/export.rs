//! Records out of a store, streamed, while a crawl may run: JSON Lines and CSV.

mod csv_cell;
mod empty;
mod json_cell;
mod of_page;

use std::{
    io::{self, Write},
    path::Path,
};

pub use empty::empty_fields;
pub use of_page::{OfPage, records_of};
use rusqlite::{Connection, Row, types::ValueRef};
use serde_json::{Map, Value as Json};

use crate::{
    message::receipts::StoreError,
    store::{
        opening,
        table::{listed, quoted},
    },
};

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
        n += each_row(&db, &table, |cells| {
            line.clear();
            json_cell::object(&table.fields, cells, &mut line);
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
            .write_field(csv_cell::guarded(name).as_bytes())
            .map_err(output)?;
    }
    writer.write_record(None::<&[u8]>).map_err(output)?;
    let n = each_row(&db, table, |cells| {
        for (kind, cell) in kinds(table).zip(&cells.values) {
            writer
                .write_field(csv_cell::text(kind, cell).as_bytes())
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

/// One row, ready to be written: the site's fields, then ours.
struct Cells {
    values: Vec<Cell>,
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
    let mut found: Vec<Table> = db
        .prepare(
            "SELECT id, site, name FROM cf_record_table
             WHERE kind = ?1 AND (?2 IS NULL OR site = ?2) ORDER BY site",
        )?
        .query_map((kind, site), |row| {
            Ok(Table {
                id: row.get(0)?,
                site: row.get(1)?,
                name: row.get(2)?,
                fields: Vec::new(),
                has_source: false,
            })
        })?
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(unknown(db, kind, site)?);
    }
    for table in &mut found {
        table.fields = db
            .prepare(
                "SELECT name, column_name, type FROM cf_record_field
                 WHERE record_table = ?1 AND position IS NOT NULL ORDER BY position",
            )?
            .query_map([table.id], |row| {
                Ok(FieldColumn {
                    name: row.get(0)?,
                    column: row.get(1)?,
                    kind: row.get(2)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE _source IS NOT NULL)",
            quoted(&table.name)
        );
        table.has_source = db.query_row(&sql, [], |row| row.get(0))?;
    }
    Ok(found)
}

fn unknown(db: &Connection, kind: &str, site: Option<&str>) -> Result<StoreError, StoreError> {
    let known: Vec<String> = db
        .prepare("SELECT kind, site FROM cf_record_table ORDER BY kind, site")?
        .query_map([], |row| {
            let (kind, site): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("{kind} (site {site})"))
        })?
        .collect::<Result<_, _>>()?;
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

/// Reads row by row, in the order in which records were first saved.
fn each_row(
    db: &Connection,
    table: &Table,
    mut write: impl FnMut(&Cells) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let fields = listed(table.fields.iter().map(|field| field.column.as_str()));
    let sql = format!(
        "SELECT _digits{fields}, {} FROM {} ORDER BY rowid",
        own(table).join(", "),
        quoted(&table.name)
    );
    let mut statement = db.prepare(&sql)?;
    let width = table.fields.len() + own(table).len();
    let mut rows = statement.query([])?;
    let mut n = 0;
    while let Some(row) = rows.next()? {
        write(&cells(table, row, width)?)?;
        n += 1;
    }
    Ok(n)
}

fn cells(table: &Table, row: &Row<'_>, width: usize) -> Result<Cells, StoreError> {
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
    Ok(Cells { values })
}
