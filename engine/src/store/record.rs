//! Records: inserted, changed where a value differs, or seen again. A value that differs because
//! the rules of extraction do is no change.

use rusqlite::{OptionalExtension, params, params_from_iter, types::Value as Sql};
use serde_json::{Map, Value as Json};

use crate::{
    extract::{
        self,
        output::{Record, Value},
    },
    message::receipts::{Ended, StoreError},
    store::{bulk::Visit, live::Live, table::RecordTable, work::Work},
};

/// Saves a page's records.
pub(crate) fn save_all(
    work: &mut Work<'_>,
    live: &Live,
    visit: &Visit,
    url: &str,
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
        match save(work, live, table, (url, visit.rules), record)? {
            Saved::Inserted => ended.inserted += 1,
            Saved::Changed => ended.changed += 1,
            Saved::Unchanged => ended.unchanged += 1,
        }
        saved += 1;
    }
    work.tally.receive(live.id, saved, 0);
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
    work: &Work<'_>,
    live: &Live,
    table: &RecordTable,
    (url, rules): (&str, u32),
    record: &Record,
) -> Result<Saved, StoreError> {
    let row = columns(&table.fields, &record.values, rules);
    let source = live.source.clone().map_or(Sql::Null, Sql::Text);
    let stamp = || Sql::Text(work.stamp.clone());
    let digits = row.digits.clone().map_or(Sql::Null, Sql::Text);
    let Some((rowid, before)) = read(work, table, &record.identity)? else {
        let own = [
            Sql::Text(record.identity.clone()),
            Sql::Text(url.to_owned()),
            stamp(),
            stamp(),
            stamp(),
            source,
            digits,
            Sql::Integer(rules.into()),
        ];
        work.db
            .prepare_cached(&table.insert)?
            .execute(params_from_iter(own.into_iter().chain(row.values)))?;
        return Ok(Saved::Inserted);
    };
    let is_same = before.values[1..] == row.values[..] && before.digits == row.digits;
    if is_same && before.values[0] == source {
        work.db
            .prepare_cached(&table.touch)?
            .execute(params![work.stamp, rules, rowid])?;
        return Ok(Saved::Unchanged);
    }
    let is_read_otherwise = before.rules.min(rules) < extract::RULES;
    if table.history && !is_read_otherwise {
        keep_change(work, live, table, &record.identity, &before, &row)?;
    }
    let changed_at = if is_read_otherwise {
        Sql::Null
    } else {
        stamp()
    };
    let own = [
        Sql::Text(url.to_owned()),
        stamp(),
        changed_at,
        source,
        digits,
        Sql::Integer(rules.into()),
    ];
    work.db
        .prepare_cached(&table.update)?
        .execute(params_from_iter(
            own.into_iter()
                .chain(row.values)
                .chain([Sql::Integer(rowid)]),
        ))?;
    Ok(if is_read_otherwise {
        Saved::Unchanged
    } else {
        Saved::Changed
    })
}

/// The row as it is: `_source`, then the fields.
fn read(
    work: &Work<'_>,
    table: &RecordTable,
    identity: &str,
) -> Result<Option<(i64, Row)>, StoreError> {
    let width = table.fields.len() + 1;
    let row = work
        .db
        .prepare_cached(&table.select)?
        .query_row([identity], |row| {
            let values = (0..width)
                .map(|index| row.get(index + 3))
                .collect::<Result<_, _>>()?;
            Ok((
                row.get(0)?,
                Row {
                    values,
                    digits: row.get(1)?,
                    rules: row.get(2)?,
                },
            ))
        })
        .optional()?;
    Ok(row)
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
    work: &Work<'_>,
    live: &Live,
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
        work.db
            .prepare_cached("INSERT INTO cf_record_change VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                table.id,
                identity,
                work.stamp,
                live.id.0,
                field,
                as_read(old, old_digits.get(field)),
                as_read(new, new_digits.get(field)),
            ])?;
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
