//! What `crawlfield try` shows: what each selector matched, and what became of it.

use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    extract::{
        bounds::Bounds,
        convert::into_json,
        embedded_json::JsonMatch,
        fields,
        outlinks::{self, CarriedField},
        output::{ExtractError, Extracted, PageInput},
        page::Page,
        read, records,
        select::Card,
    },
    model::ids::StageId,
    site::compiled::{Fallbacks, Field, LinkRule, Pages, Pick, RecordRule, Site, Source},
};

/// First values shown of a selector.
const SHOWN: usize = 3;

/// How a page was read.
#[derive(Debug, Clone)]
pub struct Trace {
    /// How the page was opened; none if it could not be.
    pub opened: Option<Opened>,
    /// Rule by rule: links, pagination, records.
    pub rules: Vec<RuleTrace>,
    /// What extraction makes of the page.
    pub outcome: Result<Extracted, ExtractError>,
}

/// How the body was opened.
#[derive(Debug, Clone, Serialize)]
pub struct Opened {
    /// WHATWG name of the character set.
    pub charset: String,
    /// Elements of the parsed page; 0 for JSON.
    pub elements: usize,
}

/// What one rule of the stage found.
#[derive(Debug, Clone, Serialize)]
pub struct RuleTrace {
    /// `links to detail`, `pages`, `record product`.
    pub rule: String,
    /// The cards, where the rule has `each`.
    pub each: Option<Match>,
    /// The rule's own selectors, over all cards.
    pub selectors: Vec<Match>,
    /// Its fields, read in the first card (or on the page).
    pub fields: Vec<FieldTrace>,
}

/// What one selector matched.
#[derive(Debug, Clone, Serialize)]
pub struct Match {
    /// As written in the site file.
    pub selector: String,
    pub matches: usize,
    /// How often it matches on the page, where it matched in no card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<usize>,
    /// The first values taken from its matches.
    pub first: Vec<String>,
}

/// What one field found.
#[derive(Debug, Clone, Serialize)]
pub struct FieldTrace {
    /// The field's name in the site file.
    pub name: String,
    /// Each selector in order of its fallbacks.
    pub selectors: Vec<Match>,
    /// After regex, map and transforms, before the type.
    pub raw: Vec<String>,
    /// As it will be saved; null if it is missing.
    pub value: Json,
    /// Why the value is missing or does not fit.
    pub problem: Option<String>,
}

/// Reads a page as [`extract`](super::extract) does, and says what each selector matched. It goes
/// on where extraction stops at the first required field that is missing.
#[must_use]
pub fn trace(site: &Site, stage: StageId, input: &PageInput<'_>, bounds: &Bounds) -> Trace {
    let read = super::open(site, stage, input, bounds, &|| false, |page| {
        let outcome = read(site, stage, page, bounds, &|| false);
        // What is shown costs the page nothing.
        page.budget().reset();
        Trace {
            opened: Some(Opened {
                charset: page.charset.name().to_owned(),
                elements: page.elements.len(),
            }),
            rules: rules(site, stage, page),
            outcome,
        }
    });
    read.unwrap_or_else(|error| Trace {
        opened: None,
        rules: Vec::new(),
        outcome: Err(error),
    })
}

fn rules(site: &Site, id: StageId, page: &Page<'_>) -> Vec<RuleTrace> {
    let stage = site.stage(id);
    let links = stage.links.iter().map(|rule| link_rule(site, rule, page));
    let paging = match &stage.pages {
        Some(Pages::Next(next)) => Some(next),
        Some(Pages::Pattern {
            count: Some(count), ..
        }) => Some(&count.select),
        _ => None,
    };
    let paging = paging.map(|fallbacks| RuleTrace {
        rule: "pages".to_owned(),
        each: None,
        selectors: picks(fallbacks, page, &[None]),
        fields: Vec::new(),
    });
    let records = stage.records.iter().map(|rule| record_rule(rule, page));
    links.chain(paging).chain(records).collect()
}

fn link_rule(site: &Site, rule: &LinkRule, page: &Page<'_>) -> RuleTrace {
    let cards = rule.each.as_ref().map(|each| page.elements.cards(each));
    let scopes = scopes(cards.as_deref());
    let references = outlinks::references(rule, page);
    let first = references.first().map(|(at, _)| *at);
    let carried = CarriedField::of(rule, page, &references);
    let fields = carried.iter().map(|one| match first {
        Some(card) => one.at(card),
        None => (one.at(0).0, None),
    });
    RuleTrace {
        rule: format!("links to {}", site.stage(rule.to).name),
        each: each_match(rule.each.as_ref(), cards.as_deref(), page),
        selectors: picks(&rule.select, page, &scopes),
        fields: fields
            .map(|(field, card)| trace_field(field, page, card))
            .collect(),
    }
}

fn record_rule(rule: &RecordRule, page: &Page<'_>) -> RuleTrace {
    let cards = rule.each.as_ref().map(|each| page.elements.cards(each));
    let first = cards.as_ref().and_then(|cards| cards.first().copied());
    let is_read = rule.each.is_none() || first.is_some();
    let field = |field: &Field| {
        let mut traced = trace_field(field, page, first);
        let is_needed = field.required || rule.key.contains(&field.name);
        if is_needed && traced.value.is_null() {
            let reading = fields::read(page, field, first);
            traced.problem = Some(records::missing_text(rule, field, None, &reading, page));
        }
        traced
    };
    RuleTrace {
        rule: format!("record {}", rule.kind),
        each: each_match(rule.each.as_ref(), cards.as_deref(), page),
        selectors: Vec::new(),
        fields: (rule.fields.iter().filter(|_| is_read))
            .map(field)
            .collect(),
    }
}

fn scopes(cards: Option<&[usize]>) -> Vec<Card> {
    cards.map_or_else(
        || vec![None],
        |cards| cards.iter().copied().map(Some).collect(),
    )
}

fn each_match(
    each: Option<&crate::site::selector::Selector>,
    cards: Option<&[usize]>,
    page: &Page<'_>,
) -> Option<Match> {
    let (each, cards) = each.zip(cards)?;
    let take = crate::site::compiled::Take::Text;
    let first = cards
        .iter()
        .take(SHOWN)
        .filter_map(|card| page.elements.take(*card, &take, false));
    Some(Match {
        selector: each.text().to_string(),
        matches: cards.len(),
        outside: None,
        first: first.map(|text| shortened(&text)).collect(),
    })
}

fn picks(fallbacks: &Fallbacks, page: &Page<'_>, scopes: &[Card]) -> Vec<Match> {
    fallbacks
        .0
        .iter()
        .map(|pick| one_pick(pick, page, scopes))
        .collect()
}

fn one_pick(pick: &Pick, page: &Page<'_>, scopes: &[Card]) -> Match {
    let mut matches = 0;
    let mut first = Vec::new();
    for scope in scopes {
        for at in page.elements.pick(*scope, pick) {
            matches += 1;
            if first.len() < SHOWN {
                first.extend(
                    page.elements
                        .take(at, &pick.take, false)
                        .map(|text| shortened(&text)),
                );
            }
        }
    }
    let in_cards = matches == 0 && scopes.iter().any(Option::is_some);
    let outside = in_cards.then(|| page.elements.pick(None, pick).count());
    Match {
        selector: pick.text.to_string(),
        matches,
        outside: outside.filter(|outside| *outside > 0),
        first,
    }
}

fn trace_field(field: &Field, page: &Page<'_>, card: Card) -> FieldTrace {
    let selectors = match &field.source {
        Source::Select(fallbacks) => picks(fallbacks, page, &[card]),
        Source::Rows {
            rows, label, value, ..
        } => {
            let found: Vec<Card> = page.elements.select(card, rows).map(Some).collect();
            let all = Match {
                selector: rows.text().to_string(),
                matches: found.len(),
                outside: None,
                first: Vec::new(),
            };
            let inner = [label, value]
                .into_iter()
                .flat_map(|one| picks(one, page, &found));
            std::iter::once(all).chain(inner).collect()
        }
        Source::JsonLd(paths) if paths.len() > 1 => {
            paths.iter().map(|path| one_path(path, page)).collect()
        }
        _ => Vec::new(),
    };
    let raw = fields::raws(page, field, card)
        .iter()
        .map(super::convert::Raw::shown)
        .collect();
    let reading = fields::read(page, field, card);
    let problem = reading.unfit.as_ref().map(|text| {
        let source = fields::source_text(field);
        format!(
            "{source} gave \"{text}\", which is no {}",
            records::kind_text(field)
        )
    });
    FieldTrace {
        name: field.name.clone(),
        selectors,
        raw,
        value: into_json(reading.value),
        problem,
    }
}

/// What one of several JSON-LD paths finds.
fn one_path(path: &str, page: &Page<'_>) -> Match {
    let found = page.linked(path);
    let shown = |found: &JsonMatch<'_>| match &*found.json {
        Json::String(text) => shortened(text),
        json => shortened(&json.to_string()),
    };
    Match {
        selector: path.to_owned(),
        matches: usize::from(found.is_some()),
        outside: None,
        first: found.iter().map(shown).collect(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
