//! Links of a page: found in cards, each with what stands beside it (SPEC A1).

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        convert::into_json,
        field,
        find::Card,
        found::Found,
        meter::{stored, written},
        output::{ExtractError, Extracted, Value},
        page::Page,
        paging,
    },
    model::{
        class::ErrorClass,
        decimal::{self, keeps_digits},
        ids::StageId,
        remark::Remark,
    },
    site::compiled::{Fallbacks, Field, LinkRule, Pick, Site, Source},
};

/// Reads link rules and pagination of a stage into `out`, which holds the page's records already.
pub(super) fn read(
    site: &Site,
    stage: StageId,
    page: &Page<'_>,
    bounds: &Bounds,
    out: &mut Extracted,
    expired: &dyn Fn() -> bool,
) -> Result<(), ExtractError> {
    let mut found = Found::new(site, stage, page.input, bounds, page.meter());
    let number = paging::page_number(site.stage(stage), page.input.url, page.input.carried);
    out.page = number;
    for rule in &site.stage(stage).links {
        if expired() {
            return Err(ExtractError {
                class: ErrorClass::Parse,
                message: format!("reading the page took too long; page {}", page.input.url),
            });
        }
        follow(rule, page, number, &mut found, out);
    }
    out.distinct_items = u32::try_from(found.so_far().len()).unwrap_or(u32::MAX);
    paging::read(site.stage(stage), stage, page, number, &mut found, out);
    found.finish(out);
    Ok(())
}

/// All links of one rule: one per card, or one per match where the rule has no `each`.
fn follow(
    rule: &LinkRule,
    page: &Page<'_>,
    number: u32,
    found: &mut Found<'_>,
    out: &mut Extracted,
) {
    let references = references(rule, page);
    let beside = Beside::of(rule, page, &references);
    for one in &beside {
        if let Beside::Page {
            field,
            unfit: Some(unfit),
            ..
        } = one
        {
            warn_unfit(field, unfit, out);
        }
    }
    for (at, (card, href)) in references.into_iter().enumerate() {
        let Some(href) = href else { continue };
        if page.meter().over().is_some() {
            return;
        }
        let Some(url) = page.followed(&href) else {
            found.skip(&href);
            continue;
        };
        if rule
            .matches
            .as_ref()
            .is_some_and(|regex| !regex.is_match(url.as_str()))
        {
            continue;
        }
        let told = &mut *out;
        found.offer(rule.to, &url, || {
            let mut carried = carry(page, &beside, card, told);
            carried.insert("page", Json::from(number));
            carried.insert("position", Json::from(at + 1));
            carried
        });
    }
}

/// The cards of a rule, each with the reference in it, if any.
pub(super) fn references(rule: &LinkRule, page: &Page<'_>) -> Vec<(usize, Option<String>)> {
    let picks = &rule.select.0;
    if let Some(each) = &rule.each {
        let cards = page.index.cards(each).into_iter();
        return cards
            .map(|card| {
                (
                    card,
                    picks
                        .iter()
                        .find_map(|pick| first_reference(page, card, pick)),
                )
            })
            .collect();
    }
    for pick in picks {
        let found: Vec<_> = page
            .index
            .pick(None, pick)
            .filter_map(|at| page.reference(at, &pick.take).map(|href| (at, Some(href))))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn first_reference(page: &Page<'_>, card: usize, pick: &Pick) -> Option<String> {
    let at = page.index.pick(Some(card), pick).next()?;
    page.reference(at, &pick.take)
}

/// A carried field, and where it is read.
pub(super) enum Beside<'r> {
    /// In the link's card; without `each` the link is its own card.
    Card(&'r Field),
    /// From the link itself, which is what its selector means.
    Link(Box<Field>),
    /// On the page, once for all links: nothing like it stands in any of them.
    Page {
        field: &'r Field,
        value: Option<Arc<Json>>,
        unfit: Option<String>,
    },
}

impl<'r> Beside<'r> {
    pub(super) fn of(
        rule: &'r LinkRule,
        page: &Page<'_>,
        links: &[(usize, Option<String>)],
    ) -> Vec<Self> {
        let mut held = page.meter().hold();
        let mut of_page = |field: &'r Field| {
            let reading = field::read(page, field, None);
            let is_there =
                !field::is_missing(&reading.value) && held.admits(stored(&reading.value));
            Self::Page {
                field,
                value: is_there.then(|| Arc::new(carriable(reading.value))),
                unfit: reading.unfit,
            }
        };
        let place = |field: &'r Field| {
            let Source::Select(select) = &field.source else {
                if field.source.is_of_page() {
                    return of_page(field);
                }
                return Self::Card(field);
            };
            let any = |is: &dyn Fn(usize) -> bool| links.iter().any(|(link, _)| is(*link));
            if rule.each.is_some() || any(&|link| !field::raws(page, field, Some(link)).is_empty())
            {
                return Self::Card(field);
            }
            let mut picks = select.0.iter();
            let own = picks.find(|pick| {
                let selector = pick.selector.as_ref();
                selector.is_some_and(|selector| any(&|link| page.index.matches(link, selector)))
            });
            let Some(pick) = own else {
                return of_page(field);
            };
            let pick = Pick {
                selector: None,
                ..pick.clone()
            };
            Self::Link(Box::new(Field {
                source: Source::Select(Fallbacks(vec![pick])),
                ..field.clone()
            }))
        };
        rule.carry.iter().map(place).collect()
    }

    /// The field, and where it is read for the link in this card.
    pub(super) const fn at(&self, card: usize) -> (&Field, Card) {
        match self {
            Self::Card(field) => (field, Some(card)),
            Self::Link(field) => (field, Some(card)),
            Self::Page { field, .. } => (field, None),
        }
    }
}

fn carry(page: &Page<'_>, beside: &[Beside<'_>], card: usize, out: &mut Extracted) -> Carried {
    let mut carried = Carried::with_capacity(beside.len() + 2);
    let mut held = page.meter().hold();
    for one in beside {
        if let Beside::Page { field, value, .. } = one {
            if let Some(value) = value {
                carried.insert(field.name.as_str(), Arc::clone(value));
            }
            continue;
        }
        let (field, card) = one.at(card);
        let reading = field::read(page, field, card);
        if let Some(unfit) = &reading.unfit {
            warn_unfit(field, unfit, out);
        }
        if field::is_missing(&reading.value) {
            continue;
        }
        let value = carriable(reading.value);
        if !held.admits(written(&value)) {
            break;
        }
        carried.insert(field.name.as_str(), value);
    }
    carried
}

fn warn_unfit(field: &Field, unfit: &str, out: &mut Extracted) {
    out.warn(Remark::ValueUnfit, || {
        format!(
            "carried field \"{}\": {} gave \"{unfit}\", which does not fit; left empty",
            field.name,
            field::source_text(field)
        )
    });
}

/// A value on its way to the page it leads to: decimals keep their digits, as text where a number
/// would not.
fn carriable(value: Value) -> Json {
    match value {
        Value::Decimal(digits) if !keeps_digits(&digits) => Json::String(digits),
        Value::Written(text) if text.starts_with('[') => {
            let items = decimal::items(&text).into_iter().map(str::to_owned);
            let item = |text: String| match text.parse::<f64>() {
                Ok(_) => carriable(Value::Decimal(text)),
                Err(_) => into_json(Value::Written(text)),
            };
            items.map(item).collect()
        }
        value => into_json(value),
    }
}
