//! Records: their tables, named by site and kind, one column a field, widened when a site file
//! grows; and their rows: inserted, changed where a value differs, or seen again. A value that
//! differs because the rules of extraction do is no change.

use std::collections::BTreeSet;

use rusqlite::{Connection, params, params_from_iter, types::Value as Sql};
use serde_json::{Map, Value as Json};

use crate::{
    extract::{
        self,
        output::{Record, Value},
    },
    message::receipts::{Ended, StoreError},
    site::compiled::{Field, FieldType, RecordRule, Site},
    store::{
        moves::Visit,
        sql::{Statements, pair, value},
        transaction::{LiveSession, Transaction},
    },
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
    pub(crate) mark_seen: String,
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

fn prepare_rule(
    db: &Connection,
    site: &str,
    rule: &RecordRule,
    widened: &mut BTreeSet<i64>,
) -> Result<RecordTable, StoreError> {
    let (id, name) = match find(db, site, &rule.kind)? {
        Some((id, name)) => {
            add_rules_column(db, &name)?;
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
        value,
    )?;
    let mut columns = Vec::with_capacity(rule.fields.len());
    for (position, field) in (first..).zip(&rule.fields) {
        columns.push(column(db, id, &name, field, position)?);
    }
    Ok(statements(id, &name, &columns, rule))
}

fn find(db: &Connection, site: &str, kind: &str) -> Result<Option<(i64, String)>, StoreError> {
    let sql = "SELECT id, name FROM cf_record_table WHERE site = ?1 AND kind = ?2";
    db.first(sql, [site, kind], pair)
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
            value,
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
        value,
    )?;
    Ok((id, name))
}

/// A table of an older program gets the column that says by which rules its records were read: by
/// the first ones.
fn add_rules_column(db: &Connection, table: &str) -> Result<(), StoreError> {
    let knows: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = '_rules')",
        [table],
        value,
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
    let known: Option<(String, String, Option<i64>)> = db.first(
        "SELECT column_name, type, position FROM cf_record_field
         WHERE record_table = ?1 AND name = ?2",
        params![id, field.name],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
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
                value,
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
        mark_seen: format!("UPDATE {table} SET _last_seen = ?1, _rules = ?2 WHERE rowid = ?3"),
        fields: rule.fields.iter().map(|field| field.name.clone()).collect(),
        history: rule.history,
    }
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
    let is_json = field.list || matches!(field.kind, FieldType::Map);
    let kept = if is_json { FieldType::Json } else { field.kind };
    kept.name()
}

fn sql_type(name: &str) -> &'static str {
    match name {
        "integer" | "boolean" => "INTEGER",
        "decimal" => "REAL",
        _ => "TEXT",
    }
}

/// Saves a page's records.
pub(crate) fn save_all(
    tx: &mut Transaction<'_>,
    live: &LiveSession,
    (visit, url): (&Visit, &str),
    records: &[Record],
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let mut saved = 0;
    for record in records {
        let table = live
            .tables
            .get(usize::from(visit.place.stage.0))
            .and_then(|tables| tables.get(usize::from(record.rule)))
            .filter(|table| table.fields.len() == record.values.len())
            .ok_or_else(|| {
                StoreError::Refused(format!(
                    "the record does not fit rule {} of stage {} of site {}",
                    record.rule, visit.place.stage.0, live.site.name
                ))
            })?;
        match save(tx, live, table, (url, visit.rules), record)? {
            Saved::Inserted => ended.inserted += 1,
            Saved::Changed => ended.changed += 1,
            Saved::Unchanged => ended.unchanged += 1,
        }
        saved += 1;
    }
    tx.tally.receive(live.id, saved, 0);
    Ok(())
}

enum Saved {
    Inserted,
    Changed,
    Unchanged,
}

/// Values as columns, and the digits that a REAL would not give back.
struct Row {
    values: Vec<Sql>,
    digits: Option<String>,
    /// By which it was read.
    rules: u32,
}

fn save(
    tx: &Transaction<'_>,
    live: &LiveSession,
    table: &RecordTable,
    (url, rules): (&str, u32),
    record: &Record,
) -> Result<Saved, StoreError> {
    let row = columns(&table.fields, &record.values, rules);
    let source = live.source.clone().map_or(Sql::Null, Sql::Text);
    let url = Sql::Text(url.to_owned());
    let stamp = || Sql::Text(tx.stamp.clone());
    let digits = row.digits.clone().map_or(Sql::Null, Sql::Text);
    let Some((rowid, before)) = read(tx, table, &record.identity)? else {
        let identity = Sql::Text(record.identity.clone());
        let own = [identity, url, stamp(), stamp(), stamp(), source, digits];
        let own = own.into_iter().chain([Sql::Integer(rules.into())]);
        tx.db
            .run(&table.insert, params_from_iter(own.chain(row.values)))?;
        return Ok(Saved::Inserted);
    };
    let is_same = before.values[1..] == row.values[..] && before.digits == row.digits;
    if is_same && before.values[0] == source {
        tx.db
            .run(&table.mark_seen, params![tx.stamp, rules, rowid])?;
        return Ok(Saved::Unchanged);
    }
    let is_read_otherwise = before.rules.min(rules) < extract::RULES;
    if table.history && !is_read_otherwise {
        keep_change(tx, live, table, &record.identity, &before, &row)?;
    }
    let (saved, changed_at) = if is_read_otherwise {
        (Saved::Unchanged, Sql::Null)
    } else {
        (Saved::Changed, stamp())
    };
    let own = [url, stamp(), changed_at, source, digits];
    let own = own.into_iter().chain([Sql::Integer(rules.into())]);
    let all = own.chain(row.values).chain([Sql::Integer(rowid)]);
    tx.db.run(&table.update, params_from_iter(all))?;
    Ok(saved)
}

/// The row as it is: `_source`, then the fields.
fn read(
    tx: &Transaction<'_>,
    table: &RecordTable,
    identity: &str,
) -> Result<Option<(i64, Row)>, StoreError> {
    let width = table.fields.len() + 1;
    tx.db.first(&table.select, [identity], |row| {
        let values = (0..width)
            .map(|index| row.get(index + 3))
            .collect::<Result<_, _>>()?;
        let (digits, rules) = (row.get(1)?, row.get(2)?);
        let row_as_kept = Row {
            values,
            digits,
            rules,
        };
        Ok((row.get(0)?, row_as_kept))
    })
}

fn columns(fields: &[String], values: &[Value], rules: u32) -> Row {
    let mut digits = Map::new();
    let values = fields
        .iter()
        .zip(values)
        .map(|(field, value)| match value.plain() {
            Value::Null | Value::Shared(_) => Sql::Null,
            Value::Text(text) | Value::Written(text) => Sql::Text(text.clone()),
            Value::Integer(number) => Sql::Integer(*number),
            Value::Boolean(is) => Sql::Integer((*is).into()),
            Value::Json(json) => Sql::Text(json.to_string()),
            Value::Decimal(text) => {
                let Ok(number) = text.parse::<f64>() else {
                    return Sql::Text(text.clone());
                };
                if number.to_string() != *text {
                    digits.insert(field.clone(), Json::String(text.clone()));
                }
                Sql::Real(number)
            }
        })
        .collect();
    Row {
        values,
        digits: (!digits.is_empty()).then(|| Json::Object(digits).to_string()),
        rules,
    }
}

fn keep_change(
    tx: &Transaction<'_>,
    live: &LiveSession,
    table: &RecordTable,
    identity: &str,
    before: &Row,
    after: &Row,
) -> Result<(), StoreError> {
    let old_digits = digits(before);
    let new_digits = digits(after);
    let pairs = before.values[1..].iter().zip(&after.values);
    for (field, (old, new)) in table.fields.iter().zip(pairs) {
        if old == new && old_digits.get(field) == new_digits.get(field) {
            continue;
        }
        tx.db.run(
            "INSERT INTO cf_record_change VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                table.id,
                identity,
                tx.stamp,
                live.id.0,
                field,
                as_read(old, old_digits.get(field)),
                as_read(new, new_digits.get(field)),
            ],
        )?;
    }
    Ok(())
}

fn digits(row: &Row) -> Map<String, Json> {
    row.digits
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn as_read(value: &Sql, digits: Option<&Json>) -> Option<String> {
    if let Some(Json::String(digits)) = digits {
        return Some(digits.clone());
    }
    match value {
        Sql::Null | Sql::Blob(_) => None,
        Sql::Integer(number) => Some(number.to_string()),
        Sql::Real(number) => Some(number.to_string()),
        Sql::Text(text) => Some(text.clone()),
    }
}
