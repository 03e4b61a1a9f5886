//! Records of a page: one per rule, or one per match of `each`.

use rustc_hash::FxHashSet;
use serde_json::Value as Json;

use crate::{
    extract::{
        bounds::stored,
        failure,
        fields::{self, Reading},
        jsonld::JsonLdBlocks,
        output::{ExtractError, Extracted, Record, Value},
        page::Page,
        select::Card,
        took_too_long,
    },
    model::{class::ErrorClass, remark::Remark},
    site::compiled::{Field, RecordRule, Source, Stage},
};

/// Separates the values of a key.
const KEY_SEPARATOR: &str = "\u{1f}";

/// Reads all record rules of the stage. A missing required field fails the whole page; where it is
/// missing in some of many cards, the others count (`Extracted::invalid`).
pub(super) fn read(
    stage: &Stage,
    page: &Page<'_>,
    out: &mut Extracted,
    expired: &dyn Fn() -> bool,
) -> Result<(), ExtractError> {
    for (place, rule) in stage.records.iter().enumerate() {
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        let mut known = FxHashSet::default();
        let (mut bad, mut first_bad) = (0, None);
        let mut of_page = None;
        for (ordinal, card) in cards(rule, page) {
            if page.budget().over().is_some() {
                return Ok(());
            }
            if expired() {
                return Err(took_too_long(page.input));
            }
            let of_page = of_page.get_or_insert_with(|| OfPage::read(rule, page, out));
            let before = page.budget().kept();
            match one(rule, of_page, place, page, (card, ordinal), out) {
                Ok(Some(record)) if known.insert(record.identity.clone()) => {
                    out.records.push(record);
                    continue;
                }
                Ok(Some(record)) => out.warn(Remark::RecordLeftOut, || {
                    format!(
                        "record \"{}\": two on this page have the key {}; the first is kept",
                        rule.kind,
                        record.identity.replace(KEY_SEPARATOR, " + ")
                    )
                }),
                Ok(None) => {}
                Err(error) => {
                    bad += 1;
                    first_bad.get_or_insert(error);
                }
            }
            page.budget().give_back_to(before);
        }
        let Some(first) = first_bad else { continue };
        if known.is_empty() {
            return Err(first);
        }
        let all = bad + known.len();
        out.invalid = Some(format!("{bad} of {all} cards: {}", first.message));
    }
    Ok(())
}

/// The cards of a rule with their ordinals from 1; one card that is the page, without ordinal,
/// where the rule has no `each`.
pub(super) fn cards(rule: &RecordRule, page: &Page<'_>) -> Vec<(Option<usize>, Card)> {
    match &rule.each {
        Some(each) => {
            let cards = page.elements.cards(each).into_iter().enumerate();
            cards.map(|(at, card)| (Some(at + 1), Some(card))).collect()
        }
        None => vec![(None, None)],
    }
}

/// One record; none if nothing of a card was found, which is then a warning.
fn one(
    rule: &RecordRule,
    of_page: &OfPage,
    place: u16,
    page: &Page<'_>,
    (card, ordinal): (Card, Option<usize>),
    out: &mut Extracted,
) -> Result<Option<Record>, ExtractError> {
    let mut values = Vec::with_capacity(rule.fields.len());
    let mut found = false;
    for (field, of_page) in rule.fields.iter().zip(&of_page.0) {
        let reading = match of_page {
            Some(reading) => reading.clone(),
            None => fields::read(page, field, card),
        };
        let missing = fields::is_missing(&reading.value);
        if missing && (field.required || rule.key.contains(&field.name)) {
            let what = missing_text(rule, field, ordinal, &reading, page);
            return Err(failure(ErrorClass::InvalidRecord, &what, page.input));
        }
        if let (Some(unfit), None) = (&reading.unfit, of_page) {
            out.warn(Remark::ValueUnfit, || unfit_text(&rule.kind, field, unfit));
        }
        if !page.budget().keep(stored(&reading.value)) {
            return Ok(None);
        }
        found |= !missing && looks_at_page(field);
        values.push(reading.value);
    }
    if !found && rule.fields.iter().any(looks_at_page) {
        if let Some(ordinal) = ordinal {
            out.warn(Remark::RecordLeftOut, || {
                format!(
                    "record \"{}\": card {ordinal} has none of its fields; left out",
                    rule.kind
                )
            });
            return Ok(None);
        }
        let what = format!(
            "record \"{}\": none of its fields is on this page; is it another kind of page (a login, a notice), or have the selectors gone stale?",
            rule.kind
        );
        return Err(failure(ErrorClass::InvalidRecord, &what, page.input));
    }
    let identity = identity(rule, &values, page, ordinal);
    page.budget().keep(identity.len() + page.input.url.len());
    Ok(Some(Record {
        rule: place,
        identity,
        values,
    }))
}

/// The fields of a rule that are the same for all its cards, read once and held once; a page that is
/// its only card reads them with the others.
struct OfPage(Vec<Option<Reading>>);

impl OfPage {
    fn read(rule: &RecordRule, page: &Page<'_>, out: &mut Extracted) -> Self {
        let mut reserve = page.budget().reserve();
        let read = |field: &Field| {
            if rule.each.is_none() || !field.source.is_of_page() {
                return None;
            }
            let mut reading = fields::read(page, field, None);
            if !reserve.admits(stored(&reading.value)) {
                reading.value = Value::Null;
            }
            reading.value = reading.value.shared();
            if let Some(unfit) = &reading.unfit {
                out.warn(Remark::ValueUnfit, || unfit_text(&rule.kind, field, unfit));
            }
            Some(reading)
        };
        Self(rule.fields.iter().map(read).collect())
    }
}

pub(super) fn looks_at_page(field: &Field) -> bool {
    !matches!(field.source, Source::Carried(_) | Source::Constant(_))
}

fn identity(
    rule: &RecordRule,
    values: &[Value],
    page: &Page<'_>,
    ordinal: Option<usize>,
) -> String {
    if rule.key.is_empty() {
        return match ordinal {
            Some(ordinal) => format!("{}#{ordinal}", page.input.url),
            None => page.input.url.to_owned(),
        };
    }
    let parts: Vec<String> = rule
        .key
        .iter()
        .map(|name| {
            let at = rule.fields.iter().position(|field| field.name == *name);
            at.map_or_else(String::new, |at| key_text(&values[at]))
        })
        .collect();
    parts.join(KEY_SEPARATOR)
}

fn key_text(value: &Value) -> String {
    match value.plain() {
        Value::Null | Value::Shared(_) => String::new(),
        Value::Text(text)
        | Value::Decimal(text)
        | Value::Written(text)
        | Value::Json(Json::String(text)) => text.clone(),
        Value::Integer(integer) => integer.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Json(json) => json.to_string(),
    }
}

/// What a person needs to mend a field that is missing.
pub(super) fn missing_text(
    rule: &RecordRule,
    field: &Field,
    ordinal: Option<usize>,
    reading: &Reading,
    page: &Page<'_>,
) -> String {
    let card = ordinal
        .map(|ordinal| format!(" (card {ordinal})"))
        .unwrap_or_default();
    let why = if field.required {
        "required"
    } else {
        "part of the key"
    };
    let source = fields::source_text(field);
    let what = match &reading.unfit {
        Some(text) => format!("{source} gave \"{text}\", which is no {}", kind_text(field)),
        None => format!("{source} gave nothing"),
    };
    let is_linked = matches!(field.source, Source::JsonLd(_));
    let blocks = page.blocks_read().filter(|_| is_linked);
    let unread = blocks
        .and_then(JsonLdBlocks::problem)
        .map_or_else(String::new, |problem| format!("; {problem}"));
    format!(
        "record \"{}\"{card}, field \"{}\" is {why}: {what}{unread}",
        rule.kind, field.name
    )
}

/// A value that was found and does not fit.
pub(super) fn unfit_text(kind: &str, field: &Field, text: &str) -> String {
    format!(
        "record \"{kind}\", field \"{}\": {} gave \"{text}\", which is no {}; left empty",
        field.name,
        fields::source_text(field),
        kind_text(field)
    )
}

pub(super) fn kind_text(field: &Field) -> String {
    let kind = field.kind.name();
    if field.formats.is_empty() {
        return kind.to_owned();
    }
    format!("{kind} of the form {}", field.formats.join(" or "))
}
