//! The records of one page, for people who look at it.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::{ExportError, cells, json_cell, own, tables};
use crate::store::{
    opening,
    table::{listed, quoted},
};

/// Records of a page, at most.
const MOST: u32 = 20;

/// A record: its kind, and what it holds.
pub type OfPage = (String, Map<String, Json>);

/// What a page's records hold, by kind: the site's fields, then ours, as `export_jsonl` writes
/// them. At most 20. It reads beside a running engine; a table's rows are searched by `_url`.
///
/// # Errors
/// There is no such store, or it cannot be read.
pub fn records_of(store: &Path, url: &str) -> Result<Vec<OfPage>, ExportError> {
    let db = opening::open_reader(store)?;
    let kinds: Vec<(String, String)> = db
        .prepare("SELECT kind, site FROM cf_record_table ORDER BY kind, site")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for (kind, site) in kinds {
        for table in tables(&db, &kind, Some(&site))? {
            let fields = listed(table.fields.iter().map(|field| field.column.as_str()));
            let sql = format!(
                "SELECT _digits{fields}, {} FROM {} WHERE _url = ?1 ORDER BY rowid LIMIT {MOST}",
                own(&table).join(", "),
                quoted(&table.name)
            );
            let mut statement = db.prepare(&sql)?;
            let mut rows = statement.query([url])?;
            while let Some(row) = rows.next()? {
                let width = table.fields.len() + own(&table).len();
                let mut line = Vec::new();
                json_cell::object(&table.fields, &cells(&table, row, width)?, &mut line);
                // It was written as an object by us.
                let object = serde_json::from_slice(&line).unwrap_or_default();
                found.push((kind.clone(), object));
            }
        }
    }
    Ok(found)
}
