//! `[stages.NAME]`: links, records and policies of one stage.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{
    compiled::{Field, LinkRule, RecordRule, SitemapRule, Stage, Take},
    fields,
    loading::{Loading, absolute, stage_id},
    manners::duration,
    names, pages, patterns,
    problems::Problems,
    reading::{Entry, Node, Table, number_of},
};
use crate::model::{
    ids::StageId,
    retry_policy::{Backoff, Jitter, RetryPolicy},
};

/// The words for growth of a delay.
pub(crate) const BACKOFFS: [(&str, Backoff); 3] = [
    ("fixed", Backoff::Fixed),
    ("linear", Backoff::Linear),
    ("exponential", Backoff::Exponential),
];
/// The words for the spread of a delay.
pub(crate) const JITTERS: [(&str, Jitter); 3] = [
    ("none", Jitter::None),
    ("full", Jitter::Full),
    ("decorrelated", Jitter::Decorrelated),
];

pub(super) fn stage(id: StageId, entry: &Entry<'_>, loading: &mut Loading<'_>) -> Option<Stage> {
    let mut table = entry.node.table(&mut loading.problems)?;
    let t = &mut table;
    let p = &mut loading.problems;
    let mut stage = Stage {
        items_per_page: t
            .take("items_per_page")
            .and_then(|node| node.integer(1..=100_000, p)),
        tolerance: t.take("tolerance").and_then(|node| tolerance(&node, p)),
        barrier: t
            .take("barrier")
            .and_then(|node| node.boolean(p))
            .unwrap_or(false),
        retry: t.take("retry").and_then(|node| retry(&node, p)),
        stage_attempts: t
            .take("stage_attempts")
            .and_then(|node| node.integer(1..=100, p)),
        sitemaps: t.take("sitemaps").and_then(|node| sitemaps(&node, p)),
        ..Stage::new(entry.name)
    };
    stage.pages = t
        .take("pages")
        .and_then(|node| pages::pages(&node, loading));
    for table in tables(t.take("links"), entry.name, "links", &mut loading.problems) {
        stage.links.extend(link(id, table, loading));
    }
    for table in tables(
        t.take("records"),
        entry.name,
        "records",
        &mut loading.problems,
    ) {
        stage.records.extend(record(id, table, loading));
    }
    table.finish(&mut loading.problems);
    Some(stage)
}

impl Stage {
    /// A stage that reads nothing yet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            items_per_page: None,
            tolerance: None,
            barrier: false,
            retry: None,
            stage_attempts: None,
            pages: None,
            links: Vec::new(),
            records: Vec::new(),
            sitemaps: None,
            sitemap_of: None,
        }
    }
}

/// An array of tables; a single table gets a hint about its brackets.
fn tables<'t>(
    node: Option<Node<'t>>,
    stage: &str,
    key: &str,
    problems: &mut Problems<'_>,
) -> Vec<Table<'t>> {
    let Some(node) = node else { return Vec::new() };
    let Some(elements) = node.elements() else {
        node.expected(
            &format!("a list of tables: write [[stages.{stage}.{key}]]"),
            problems,
        );
        return Vec::new();
    };
    if elements.is_empty() {
        node.error(
            format!("the list is empty; leave `{key}` out or fill it"),
            problems,
        );
    }
    elements
        .iter()
        .filter_map(|node| node.table(problems))
        .collect()
}

fn tolerance(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<f64> {
    let value = number_of(node.value).filter(|value| (0.0..=1.0).contains(value));
    if value.is_none() {
        node.expected("a share from 0 to 1, such as 0.02", problems);
    }
    value
}

fn retry(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<RetryPolicy> {
    let mut table = node.table(problems)?;
    let t = &mut table;
    let default = RetryPolicy::default();
    let attempts = t
        .take("attempts")
        .and_then(|node| node.integer(1..=100, problems));
    let backoff = t
        .take("backoff")
        .and_then(|node| node.word(&BACKOFFS, problems));
    let base = t.take("base").and_then(|node| duration(&node, problems));
    let cap_node = t.take("cap");
    let cap = cap_node.as_ref().and_then(|node| duration(node, problems));
    let jitter = t
        .take("jitter")
        .and_then(|node| node.word(&JITTERS, problems));
    let base = base.unwrap_or(default.base);
    if let (Some(node), Some(cap)) = (&cap_node, cap)
        && cap < base
    {
        node.error("the cap is shorter than the base", problems);
    }
    table.finish(problems);
    Some(RetryPolicy {
        attempts: attempts.unwrap_or(default.attempts),
        backoff: backoff.unwrap_or(default.backoff),
        base,
        cap: cap.unwrap_or(default.cap.max(base)),
        jitter: jitter.unwrap_or(default.jitter),
    })
}

fn sitemaps(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<SitemapRule> {
    match node.value {
        DeValue::Boolean(true) => {
            return Some(SitemapRule {
                urls: Vec::new(),
                matches: None,
            });
        }
        DeValue::Boolean(false) => return None,
        DeValue::Table(_) => {}
        _ => {
            node.expected(
                "true, or a table { urls = [\"…\"], matches = \"…\" }",
                problems,
            );
            return None;
        }
    }
    let mut table = node.table(problems)?;
    let urls = table.take("urls").map(|node| {
        let texts = node.texts("a sitemap's absolute URL", problems);
        texts
            .iter()
            .filter_map(|(node, text)| absolute(node, text, problems))
            .collect()
    });
    let matches = table
        .take("matches")
        .and_then(|node| patterns::regex(&node, false, problems));
    table.finish(problems);
    Some(SitemapRule {
        urls: urls.unwrap_or_default(),
        matches,
    })
}

fn link(id: StageId, mut table: Table<'_>, loading: &mut Loading<'_>) -> Option<LinkRule> {
    let p = &mut loading.problems;
    let each = table
        .take("each")
        .and_then(|node| patterns::elements(&node, p));
    let href = Take::Attribute("href".to_owned());
    let select = table
        .require("select", "a selector of the link", p)
        .map(|node| patterns::fallbacks(&node, &href, p));
    let to = table
        .require("to", "the stage that the link leads to", p)
        .and_then(|node| stage_id(&node, &loading.stage_names, p));
    let matches = table
        .take("matches")
        .and_then(|node| patterns::regex(&node, false, p));
    let carry = table.take("carry");
    let carry: Vec<Field> = carry
        .and_then(|node| node.table(&mut loading.problems))
        .map(|carry| fields::fields(id, &carry, true, loading))
        .unwrap_or_default();
    table.finish(&mut loading.problems);
    Some(LinkRule {
        each,
        select: select?,
        to: to?,
        carry,
        matches,
    })
}

fn record(id: StageId, mut table: Table<'_>, loading: &mut Loading<'_>) -> Option<RecordRule> {
    let p = &mut loading.problems;
    let kind_node = table.require("kind", "the record's kind, of a-z, 0-9 and _", p);
    let kind = kind_node.as_ref().and_then(|node| names::kind(node, p));
    if let (Some(kind), Some(node)) = (&kind, &kind_node) {
        if loading.kinds.contains(kind) {
            node.error(
                format!("the kind `{kind}` is there already; each has its own table"),
                p,
            );
        }
        loading.kinds.push(kind.clone());
    }
    let each = table
        .take("each")
        .and_then(|node| patterns::elements(&node, p));
    let history = table
        .take("history")
        .and_then(|node| node.boolean(p))
        .unwrap_or(false);
    let key = table.take("key");
    let fields_node = table.require("fields", "a table of fields", p);
    let fields_table = fields_node.and_then(|node| node.table(p));
    let mut fields: Vec<Field> = fields_table
        .as_ref()
        .map(|f| fields::fields(id, f, false, loading))
        .unwrap_or_default();
    if let Some(f) = fields_table.as_ref().filter(|f| f.entries().is_empty()) {
        loading
            .problems
            .error(&f.span, &f.field, "there are no fields");
    }
    let explicit: BTreeMap<&str, Node<'_>> = fields_table
        .iter()
        .flat_map(Table::entries)
        .map(|entry| (entry.name, entry.node))
        .collect();
    let key = key
        .map(|node| fields::key(&node, &mut fields, &explicit, &mut loading.problems))
        .unwrap_or_default();
    table.finish(&mut loading.problems);
    Some(RecordRule {
        kind: kind?,
        key,
        each,
        fields,
        history,
    })
}

/// For each stage with `sitemaps`, one more stage whose pages are the sitemaps themselves. Its
/// name holds a colon, which no stage of a file can.
pub(super) fn of_sitemaps(stages: &[Stage]) -> Vec<Stage> {
    stages
        .iter()
        .enumerate()
        .filter(|(_, stage)| stage.sitemaps.is_some())
        .map(|(index, stage)| Stage {
            tolerance: stage.tolerance,
            retry: stage.retry,
            stage_attempts: stage.stage_attempts,
            sitemap_of: u16::try_from(index).ok().map(StageId),
            ..Stage::new(&format!("sitemap:{}", stage.name))
        })
        .collect()
}
