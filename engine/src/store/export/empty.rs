//! Fields that hold nothing in any record: most often a selector that matches nothing.

use std::path::Path;

use super::{ExportError, tables};
use crate::store::{opening, table::quoted};

/// Records looked at, the newest.
const MOST: u32 = 1_000;

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
            "SELECT count(*){counts} FROM (SELECT * FROM {} ORDER BY rowid DESC LIMIT {MOST})",
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
