//! Tables of records: named by site and kind, one column a field, widened when a site file grows.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    message::receipts::StoreError,
    site::compiled::{Field, FieldType, RecordRule, Site},
};

/// Columns that are ours; a field of such a name gets another column.
const OWN: [&str; 8] = [
    "_identity",
    "_url",
    "_first_seen",
    "_last_seen",
    "_changed_at",
    "_source",
    "_digits",
    "_rules",
];

/// Columns that `SQLite` understands without anybody having made them.
const HIDDEN: [&str; 3] = ["rowid", "oid", "_rowid_"];

/// A rule's table, and the statements that write to it.
pub(crate) struct RecordTable {
    pub(crate) id: i64,
    pub(crate) select: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) touch: String,
    /// Field names in the rule's order.
    pub(crate) fields: Vec<String>,
    pub(crate) history: bool,
}

/// Makes or widens the tables of a site; by stage and rule.
pub(crate) fn prepare(db: &Connection, site: &Site) -> Result<Vec<Vec<RecordTable>>, StoreError> {
    let mut widened = BTreeSet::new();
    site.stages
        .iter()
        .map(|stage| {
            stage
                .records
                .iter()
                .map(|rule| prepare_rule(db, &site.name, rule, &mut widened))
                .collect()
        })
        .collect()
}

/// A name as SQL: nothing in it can end it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Columns after others: each with a comma before it.
pub(crate) fn listed<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    columns.fold(String::new(), |list, column| list + ", " + &quoted(column))
}

/// How a field's type is called in `cf_record_field`.
pub(crate) const fn type_name(field: &Field) -> &'static str {
    if field.list {
        return "json";
    }
    match field.kind {
        FieldType::Text => "text",
        FieldType::Integer => "integer",
        FieldType::Decimal => "decimal",
        FieldType::Boolean => "boolean",
        FieldType::Date => "date",
        FieldType::Url => "url",
        FieldType::Json | FieldType::Map => "json",
    }
}

fn sql_type(name: &str) -> &'static str {
    match name {
        "integer" | "boolean" => "INTEGER",
        "decimal" => "REAL",
        _ => "TEXT",
    }
}

fn prepare_rule(
    db: &Connection,
    site: &str,
    rule: &RecordRule,
    widened: &mut BTreeSet<i64>,
) -> Result<RecordTable, StoreError> {
    let (id, name) = match find(db, site, &rule.kind)? {
        Some((id, name)) => {
            know_rules(db, &name)?;
            (id, name)
        }
        None => create(db, site, &rule.kind)?,
    };
    if widened.insert(id) {
        // Fields that left the site file keep their column and their values.
        db.execute(
            "UPDATE cf_record_field SET position = NULL WHERE record_table = ?1",
            [id],
        )?;
    }
    let first: i64 = db.query_row(
        "SELECT coalesce(max(position) + 1, 0) FROM cf_record_field WHERE record_table = ?1",
        [id],
        |row| row.get(0),
    )?;
    let mut columns = Vec::with_capacity(rule.fields.len());
    for (position, field) in (first..).zip(&rule.fields) {
        columns.push(column(db, id, &name, field, position)?);
    }
    Ok(statements(id, &name, &columns, rule))
}

fn find(db: &Connection, site: &str, kind: &str) -> Result<Option<(i64, String)>, StoreError> {
    Ok(db
        .query_row(
            "SELECT id, name FROM cf_record_table WHERE site = ?1 AND kind = ?2",
            [site, kind],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}

fn create(db: &Connection, site: &str, kind: &str) -> Result<(i64, String), StoreError> {
    let mut wanted = plain(&format!("{site}_{kind}"));
    if wanted.to_ascii_lowercase().starts_with("sqlite_") {
        // SQLite keeps that beginning for itself.
        wanted = format!("site_{wanted}");
    }
    let taken = |name: &str| -> Result<bool, StoreError> {
        Ok(db.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = lower(?1))",
            [name],
            |row| row.get(0),
        )?)
    };
    let name = free_name(&wanted, taken)?;
    db.execute_batch(&format!(
        "CREATE TABLE {} (_identity TEXT NOT NULL PRIMARY KEY, _url TEXT NOT NULL,
         _first_seen TEXT NOT NULL, _last_seen TEXT NOT NULL, _changed_at TEXT NOT NULL,
         _source TEXT, _digits TEXT, _rules INTEGER NOT NULL)",
        quoted(&name)
    ))?;
    let id = db.query_row(
        "INSERT INTO cf_record_table (site, kind, name) VALUES (?1, ?2, ?3) RETURNING id",
        [site, kind, &name],
        |row| row.get(0),
    )?;
    Ok((id, name))
}

/// A table of an older program gets the column that says by which rules its records were read: by
/// the first ones.
fn know_rules(db: &Connection, table: &str) -> Result<(), StoreError> {
    let knows: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = '_rules')",
        [table],
        |row| row.get(0),
    )?;
    if !knows {
        db.execute_batch(&format!(
            "ALTER TABLE {} ADD COLUMN _rules INTEGER NOT NULL DEFAULT 1",
            quoted(table)
        ))?;
    }
    Ok(())
}

/// `SQLite` ends a statement at a NUL.
fn plain(name: &str) -> String {
    name.replace('\0', "_")
}

fn free_name(
    wanted: &str,
    taken: impl Fn(&str) -> Result<bool, StoreError>,
) -> Result<String, StoreError> {
    let mut name = wanted.to_owned();
    let mut number = 2;
    while taken(&name)? {
        name = format!("{wanted}_{number}");
        number += 1;
    }
    Ok(name)
}

/// The field's column, made if it is new or of another type than before.
fn column(
    db: &Connection,
    id: i64,
    table: &str,
    field: &Field,
    position: i64,
) -> Result<String, StoreError> {
    let kind = type_name(field);
    let known: Option<(String, String, Option<i64>)> = db
        .query_row(
            "SELECT column_name, type, position FROM cf_record_field
             WHERE record_table = ?1 AND name = ?2",
            params![id, field.name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let column = match &known {
        Some((column, before, _)) if sql_type(before) == sql_type(kind) => column.clone(),
        Some((before, _, _)) => {
            let column = add_column(db, table, field, kind)?;
            db.execute_batch(&format!(
                "UPDATE {} SET {} = {}",
                quoted(table),
                quoted(&column),
                quoted(before)
            ))?;
            column
        }
        None => add_column(db, table, field, kind)?,
    };
    // Another rule of the same kind may have placed it already.
    let position = known.and_then(|(_, _, at)| at).unwrap_or(position);
    db.execute(
        "INSERT INTO cf_record_field VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET column_name = excluded.column_name, type = excluded.type,
                                   position = excluded.position",
        params![id, field.name, column, kind, position],
    )?;
    Ok(column)
}

fn add_column(
    db: &Connection,
    table: &str,
    field: &Field,
    kind: &str,
) -> Result<String, StoreError> {
    let taken = |name: &str| -> Result<bool, StoreError> {
        let is_ours = OWN
            .iter()
            .chain(&HIDDEN)
            .any(|own| own.eq_ignore_ascii_case(name));
        Ok(is_ours
            || db.query_row(
                "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE lower(name) = lower(?2))",
                [table, name],
                |row| row.get(0),
            )?)
    };
    let name = free_name(&plain(&field.name), taken)?;
    db.execute_batch(&format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        quoted(table),
        quoted(&name),
        sql_type(kind)
    ))?;
    Ok(name)
}

fn statements(id: i64, table: &str, columns: &[String], rule: &RecordRule) -> RecordTable {
    let table = quoted(table);
    let listed = listed(columns.iter().map(String::as_str));
    let slots: String = (0..columns.len()).map(|_| ", ?").collect();
    let sets = columns.iter().fold(String::new(), |sets, column| {
        sets + ", " + &quoted(column) + " = ?"
    });
    RecordTable {
        id,
        select: format!(
            "SELECT rowid, _digits, _rules, _source{listed} FROM {table} WHERE _identity = ?1"
        ),
        insert: format!(
            "INSERT INTO {table} (_identity, _url, _first_seen, _last_seen, _changed_at, _source, \
             _digits, _rules{listed}) VALUES (?, ?, ?, ?, ?, ?, ?, ?{slots})"
        ),
        update: format!(
            "UPDATE {table} SET _url = ?, _last_seen = ?, _changed_at = coalesce(?, _changed_at), \
             _source = ?, _digits = ?, _rules = ?{sets} WHERE rowid = ?"
        ),
        touch: format!("UPDATE {table} SET _last_seen = ?1, _rules = ?2 WHERE rowid = ?3"),
        fields: rule.fields.iter().map(|field| field.name.clone()).collect(),
        history: rule.history,
    }
}
