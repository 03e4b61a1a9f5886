//! A value as a CSV cell that no spreadsheet runs.

use std::borrow::Cow;

use crate::store::export::Cell;

/// What a spreadsheet may take for the beginning of a formula, full-width forms included.
const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cell's text; numbers are ours and stay as they are.
pub(super) fn text<'a>(kind: &str, cell: &'a Cell) -> Cow<'a, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Integer(number) if kind == "boolean" => {
            Cow::Borrowed(if *number == 0 { "false" } else { "true" })
        }
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Real(number) => Cow::Owned(number.to_string()),
        Cell::Digits(digits) => Cow::Borrowed(digits),
        Cell::Text(text) => guarded(text),
    }
}

/// Text without NUL, with a `'` before what would be a formula.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
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
