//! JSON in scripts, and what a pointer finds in JSON.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{
    extract::{lenient, meter::Meter},
    model::decimal,
};

/// Places in a script where a JSON value may begin that are tried at most.
const STARTS: usize = 64;

/// What a pointer found; its text only where parsing may have changed a number's digits.
pub(super) struct Found<'j> {
    pub(super) json: Cow<'j, Json>,
    pub(super) written: Option<Cow<'j, str>>,
}

impl<'j> Found<'j> {
    /// Read from this text by this pointer.
    pub(super) fn borrowed(json: &'j Json, text: &'j str, pointer: &str, meter: &Meter) -> Self {
        let is_lost = decimal::may_be_lost(json) && meter.scan(text.len());
        let written = is_lost.then(|| decimal::at(text, pointer));
        Self {
            json: Cow::Borrowed(json),
            written: written.flatten().map(Cow::Borrowed),
        }
    }

    fn copied(json: &Json, text: &str, pointer: &str, meter: &Meter) -> Self {
        let found = Found::borrowed(json, text, pointer, meter);
        Self {
            json: Cow::Owned(json.clone()),
            written: found.written.map(|text| Cow::Owned(text.into_owned())),
        }
    }

    /// Not from a text.
    pub(super) const fn plain(json: Cow<'j, Json>) -> Self {
        Self {
            json,
            written: None,
        }
    }
}

/// The parts of a JSON pointer.
pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| match token.find('~') {
            Some(_) => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
            None => Cow::Borrowed(token),
        })
}

/// What a JSON pointer finds in a script: the script is JSON, or assigns some
/// (`window.state = {…};`).
pub(super) fn script_value(script: &str, pointer: &str, meter: &Meter) -> Option<Found<'static>> {
    let found = |json: &Json, text: &str| {
        let value = json.pointer(pointer).filter(|found| !found.is_null())?;
        Some(Found::copied(value, text, pointer, meter))
    };
    if !meter.scan(script.len()) {
        return None;
    }
    if let Some(Ok(whole)) = lenient::read(script) {
        return found(&whole.json, &whole.text);
    }
    candidates(script).find_map(|start| {
        let text = &script[start..];
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
        let value = values.next()?.ok();
        let end = values.byte_offset();
        if !meter.scan(end) {
            return None;
        }
        found(&value?, text)
    })
}

/// Where JSON values may begin: after an `=` first, then at any bracket.
fn candidates(script: &str) -> impl Iterator<Item = usize> {
    let opens = |at: &usize| matches!(script.as_bytes().get(*at), Some(b'{' | b'['));
    let assigned = script.match_indices('=').filter_map(move |(at, _)| {
        let after = &script[at + 1..];
        let start = at + 1 + (after.len() - after.trim_start().len());
        Some(start).filter(opens)
    });
    let anywhere = script.match_indices(['{', '[']).map(|(at, _)| at);
    assigned.take(STARTS).chain(anywhere.take(STARTS))
}
