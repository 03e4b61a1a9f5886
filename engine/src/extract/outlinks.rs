//! Outlinks of a page: found in cards, each with what stands beside it (SPEC A1), made canonical,
//! held against scope and bounds, each page once (SPEC B4, N2).

use std::{hash::BuildHasher as _, sync::Arc};

use rustc_hash::{FxBuildHasher, FxHashSet};
use serde_json::Value as Json;
use url::Url;

use crate::{
    extract::{
        bounds::{Bounds, PageBudget, stored, written},
        carried::Carried,
        convert::into_json,
        fields,
        output::{ExtractError, Extracted, Link, PageInput, Value},
        page::Page,
        paging,
        select::Card,
    },
    model::{
        class::{ErrorClass, SkipReason},
        decimal::{self, keeps_digits},
        host_key::HostKey,
        ids::{PageKey, StageId},
        remark::{Remark, Remarks},
    },
    site::{
        compiled::{Fallbacks, Field, LinkRule, Pick, Site, Source},
        scope::{is_too_long, is_trap},
    },
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
    let mut outlinks = Outlinks::new(site, stage, page.input, bounds, page.budget());
    let number = paging::page_number(site.stage(stage), page.input.url, page.input.carried);
    out.page = number;
    for rule in &site.stage(stage).links {
        if expired() {
            return Err(ExtractError {
                class: ErrorClass::Parse,
                message: format!("reading the page took too long; page {}", page.input.url),
            });
        }
        follow(rule, page, number, &mut outlinks, out);
    }
    out.distinct_items = u32::try_from(outlinks.so_far().len()).unwrap_or(u32::MAX);
    paging::read(site.stage(stage), stage, page, number, &mut outlinks, out);
    outlinks.finish(out);
    Ok(())
}

/// All links of one rule: one per card, or one per match where the rule has no `each`.
fn follow(
    rule: &LinkRule,
    page: &Page<'_>,
    number: u32,
    outlinks: &mut Outlinks<'_>,
    out: &mut Extracted,
) {
    let references = references(rule, page);
    let beside = CarriedField::of(rule, page, &references);
    for one in &beside {
        if let CarriedField::Page {
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
        if page.budget().over().is_some() {
            return;
        }
        let Some(url) = page.followed(&href) else {
            outlinks.skip(&href);
            continue;
        };
        if rule
            .matches
            .as_ref()
            .is_some_and(|regex| !regex.is_match(url.as_str()))
        {
            continue;
        }
        let warnings = &mut *out;
        outlinks.offer(rule.to, &url, || {
            let mut carried = carry(page, &beside, card, warnings);
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
        let cards = page.elements.cards(each).into_iter();
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
            .elements
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
    let at = page.elements.pick(Some(card), pick).next()?;
    page.reference(at, &pick.take)
}

/// A carried field, and where it is read.
pub(super) enum CarriedField<'r> {
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

impl<'r> CarriedField<'r> {
    pub(super) fn of(
        rule: &'r LinkRule,
        page: &Page<'_>,
        links: &[(usize, Option<String>)],
    ) -> Vec<Self> {
        let mut reserve = page.budget().reserve();
        let mut of_page = |field: &'r Field| {
            let reading = fields::read(page, field, None);
            let is_there =
                !fields::is_missing(&reading.value) && reserve.admits(stored(&reading.value));
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
            if rule.each.is_some() || any(&|link| !fields::raws(page, field, Some(link)).is_empty())
            {
                return Self::Card(field);
            }
            let mut picks = select.0.iter();
            let own = picks.find(|pick| {
                let selector = pick.selector.as_ref();
                selector.is_some_and(|selector| any(&|link| page.elements.matches(link, selector)))
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

fn carry(
    page: &Page<'_>,
    beside: &[CarriedField<'_>],
    card: usize,
    out: &mut Extracted,
) -> Carried {
    let mut carried = Carried::with_capacity(beside.len() + 2);
    let mut reserve = page.budget().reserve();
    for one in beside {
        if let CarriedField::Page { field, value, .. } = one {
            if let Some(value) = value {
                carried.insert(field.name.as_str(), Arc::clone(value));
            }
            continue;
        }
        let (field, card) = one.at(card);
        let reading = fields::read(page, field, card);
        if let Some(unfit) = &reading.unfit {
            warn_unfit(field, unfit, out);
        }
        if fields::is_missing(&reading.value) {
            continue;
        }
        let value = carriable(reading.value);
        if !reserve.admits(written(&value)) {
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
            fields::source_text(field)
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

/// What became of an offered URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// A page not yet seen on this page.
    New,
    /// The page itself, or one already among the links.
    Known,
    /// Out of scope, out of bounds, or not a page's URL.
    Refused,
}

/// The links of a page so far.
pub(super) struct Outlinks<'f> {
    site: &'f Site,
    bounds: &'f Bounds,
    budget: &'f PageBudget,
    depth: u32,
    own: (StageId, PageKey),
    keys: FxHashSet<(StageId, PageKey)>,
    links: Vec<Link>,
    /// Of the links that are not followed: each counts once, as those do that are.
    refused: FxHashSet<u64>,
    remarks: Remarks,
}

impl<'f> Outlinks<'f> {
    pub(super) fn new(
        site: &'f Site,
        stage: StageId,
        input: &PageInput<'_>,
        bounds: &'f Bounds,
        budget: &'f PageBudget,
    ) -> Self {
        let own = site.page_key(stage, input.url);
        Self {
            site,
            bounds,
            budget,
            depth: input.depth,
            own: (stage, own),
            keys: FxHashSet::default(),
            links: Vec::new(),
            refused: FxHashSet::default(),
            remarks: Remarks::default(),
        }
    }

    /// Takes a link in if it leads to a page that may be followed and is not there yet; `carried`
    /// is read only then.
    pub(super) fn offer<C: Into<Carried>>(
        &mut self,
        to: StageId,
        url: &Url,
        carried: impl FnOnce() -> C,
    ) -> Offer {
        let (canonical, host) = match self.admitted(url) {
            Ok(admitted) => admitted,
            Err(reason) => {
                self.refuse(Remark::of_link(reason), url.as_str());
                return Offer::Refused;
            }
        };
        let key = self.site.page_key(to, &canonical);
        if (to, key) == self.own || self.keys.contains(&(to, key)) {
            return Offer::Known;
        }
        if self.links.len() >= self.bounds.max_links as usize {
            self.refuse(Remark::LinkOverBound, &canonical);
            return Offer::Refused;
        }
        let carried = carried().into();
        if !self.budget.keep(canonical.len() + carried.stored()) {
            return Offer::Refused;
        }
        self.keys.insert((to, key));
        self.links.push(Link {
            stage: to,
            key,
            url: canonical,
            host,
            carried,
        });
        Offer::New
    }

    /// The key that a page of this stage has, if scope and bounds let it through.
    pub(super) fn key_of(&self, to: StageId, url: &Url) -> Option<PageKey> {
        let (canonical, _) = self.admitted(url).ok()?;
        Some(self.site.page_key(to, &canonical))
    }

    /// The page's own keys: as it was asked for, and as what answered.
    pub(super) fn own_keys(&self, page: &PageInput<'_>) -> impl Iterator<Item = PageKey> {
        let (stage, own) = self.own;
        let answered = (page.final_url != page.url)
            .then(|| Url::parse(page.final_url).ok())
            .flatten();
        let answered = answered.and_then(|url| self.key_of(stage, &url));
        std::iter::once(own).chain(answered)
    }

    /// Whether a page is among the links already.
    pub(super) fn has(&self, to: StageId, key: PageKey) -> bool {
        self.keys.contains(&(to, key))
    }

    /// A reference that leads to no page.
    pub(super) fn skip(&mut self, href: &str) {
        let kind = if is_too_long(href) {
            Remark::LinkTooLong
        } else {
            Remark::LinkUnusable
        };
        self.refuse(kind, href);
    }

    fn refuse(&mut self, kind: Remark, link: &str) {
        if self.refused.insert(FxBuildHasher.hash_one((kind, link))) {
            self.remarks.add(kind, || link.to_owned());
        }
    }

    /// Hands over the links, and says how many are not followed.
    pub(super) fn finish(self, out: &mut Extracted) {
        out.remarks.merge(&self.remarks);
        out.links = self.links;
    }

    /// The links taken in so far.
    pub(super) fn so_far(&self) -> &[Link] {
        &self.links
    }

    /// Whether no further link is taken in.
    pub(super) fn is_full(&self) -> bool {
        self.remarks.count(Remark::LinkOverBound) > 0 || self.budget.over().is_some()
    }

    /// The canonical URL and host of a link that scope and bounds let through.
    fn admitted(&self, url: &Url) -> Result<(String, HostKey), SkipReason> {
        if !self.site.scope.contains(url) {
            return Err(SkipReason::OutOfScope);
        }
        if self.depth >= self.bounds.max_depth {
            return Err(SkipReason::TooDeep);
        }
        let trap = is_trap(
            url,
            self.bounds.max_url,
            self.bounds.max_segments,
            self.bounds.max_repeats,
        );
        if let Some(reason) = trap {
            return Err(reason);
        }
        let host = HostKey::of(url).ok_or(SkipReason::OutOfScope)?;
        Ok((self.site.scope.canonical(url), host))
    }
}
