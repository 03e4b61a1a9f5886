//! A record as one JSON object.

use std::io::Write;

use crate::store::export::{Cell, Cells, FieldColumn, OWN};

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

/// Digits as a JSON number: JSON knows no leading plus or zeros, and no bare point.
fn number(digits: &str) -> Option<String> {
    let (sign, rest) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (mantissa, ""),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    if !is_digits(whole)
        || !is_digits(fraction)
        || !is_exponent
        || (whole.len() + fraction.len()) == 0
    {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let mut number = format!("{sign}{whole}");
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        number.push('e');
        number.push_str(exponent);
    }
    Some(number)
}

#[cfg(test)]
mod tests;
