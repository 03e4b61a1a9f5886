//! A record as one JSON object.

use std::io::Write;

use crate::{
    model::decimal::decimal,
    store::export::{Cell, Cells, FieldColumn, OWN},
};

/// Writes the object of one row.
pub(super) fn object(fields: &[FieldColumn], cells: &Cells, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, cell) in cells.values.iter().enumerate() {
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
        string(name, out);
        out.push(b':');
        value(kind, cell, out);
    }
    out.push(b'}');
}

fn value(kind: &str, cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Integer(number) if kind == "boolean" => {
            out.extend_from_slice(if *number == 0 { b"false" } else { b"true" });
        }
        Cell::Integer(number) => {
            write!(out, "{number}").expect("writing to a vector cannot fail");
        }
        Cell::Real(number) => real(*number, out),
        Cell::Digits(digits) => match number(digits) {
            Some(number) => out.extend_from_slice(number.as_bytes()),
            None => string(digits, out),
        },
        Cell::Text(text)
            if kind == "json" && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() =>
        {
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Text(text) => string(text, out),
    }
}

fn real(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        write!(out, "{number}").expect("writing to a vector cannot fail");
    } else {
        out.extend_from_slice(b"null");
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to a vector cannot fail");
}

/// Digits as a JSON number.
fn number(digits: &str) -> Option<String> {
    decimal(digits).map(|number| number.replace('E', "e"))
}

#[cfg(test)]
mod tests;
