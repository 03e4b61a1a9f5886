//! `[stages.NAME]`: pages, links, records and policies of one stage.

use toml::de::DeValue;

use super::{
    compiled::{CountRule, LinkRule, Pages, RecordRule, SitemapRule, Stage, Take},
    document::{Keys, NamedNode, Node, number_of},
    fields,
    load::{Loading, absolute, absolute_all, stage_id},
    names, patterns,
    politeness::duration,
};
use crate::model::{
    ids::StageId,
    retry_policy::{Backoff, Jitter, RetryPolicy},
};

pub(super) fn stage<'t>(
    id: StageId,
    entry: &NamedNode<'t>,
    loading: &mut Loading<'t>,
) -> Option<Stage> {
    entry.node.read_keys(|t| {
        Some(Stage {
            items_per_page: t.get("items_per_page", |node| node.integer(1..=100_000)),
            tolerance: t.get("tolerance", tolerance),
            barrier: t.flag("barrier"),
            retry: t.get("retry", retry),
            stage_attempts: t.get("stage_attempts", |node| node.integer(1..=100)),
            sitemaps: t.get("sitemaps", sitemaps),
            pages: t.get("pages", |node| pages(node, loading)),
            links: tables(t, "links", |node| link(id, node, loading)),
            records: tables(t, "records", |node| record(id, node, loading)),
            ..Stage::new(entry.name)
        })
    })
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
fn tables<'t, T>(
    t: &mut Keys<'t>,
    key: &'static str,
    read: impl FnMut(&Node<'t>) -> Option<T>,
) -> Vec<T> {
    let elements = t.get(key, |node| {
        let what = format!("a list of tables: write [[{}]]", node.field);
        let elements = node.or_expected(node.elements(), &what)?;
        if elements.is_empty() {
            node.error(format!("the list is empty; leave `{key}` out or fill it"));
        }
        Some(elements)
    });
    let elements = elements.unwrap_or_default();
    elements.iter().filter_map(read).collect()
}

fn tolerance(node: &Node<'_>) -> Option<f64> {
    let share = number_of(node.value).filter(|value| (0.0..=1.0).contains(value));
    node.or_expected(share, "a share from 0 to 1, such as 0.02")
}

fn retry(node: &Node<'_>) -> Option<RetryPolicy> {
    node.read_keys(|t| {
        let default = RetryPolicy::default();
        let base = t.get("base", duration).unwrap_or(default.base);
        let cap = t.get("cap", |node| {
            let cap = duration(node)?;
            if cap < base {
                node.error("the cap is shorter than the base");
            }
            Some(cap)
        });
        let attempts = t.get("attempts", |node| node.integer(1..=100));
        let backoff = t.get("backoff", |node| node.word(&Backoff::NAMED));
        let jitter = t.get("jitter", |node| node.word(&Jitter::NAMED));
        Some(RetryPolicy {
            attempts: attempts.unwrap_or(default.attempts),
            backoff: backoff.unwrap_or(default.backoff),
            base,
            cap: cap.unwrap_or(default.cap.max(base)),
            jitter: jitter.unwrap_or(default.jitter),
        })
    })
}

fn sitemaps(node: &Node<'_>) -> Option<SitemapRule> {
    let all = SitemapRule {
        urls: Vec::new(),
        matches: None,
    };
    match node.value {
        DeValue::Boolean(on) => on.then_some(all),
        DeValue::Table(_) => node.read_keys(|t| {
            let urls = t.get("urls", |node| {
                Some(absolute_all(node, "a sitemap's absolute URL"))
            });
            let urls = urls.unwrap_or_default().into_iter();
            Some(SitemapRule {
                urls: urls.map(|(_, url)| url).collect(),
                matches: t.get("matches", patterns::regex),
            })
        }),
        _ => {
            node.expected("true, or a table { urls = [\"…\"], matches = \"…\" }");
            None
        }
    }
}

/// `pages = { … }`: how a stage's list goes on.
fn pages<'t>(node: &Node<'t>, loading: &mut Loading<'t>) -> Option<Pages> {
    node.read_keys(|t| {
        let (has_next, has_pattern) = (t.has("next"), t.has("pattern"));
        if has_next == has_pattern {
            node.error(
                "expected either `next` (a selector of the link) or `pattern` (a URL with {page})",
            );
        }
        if has_next && !has_pattern {
            by_next(t)
        } else {
            by_pattern(t, loading)
        }
    })
}

fn by_next(t: &mut Keys<'_>) -> Option<Pages> {
    let next = t.get("next", |node| Some(patterns::links(node)));
    for key in ["count", "until_empty", "max", "first"] {
        if t.take(key).is_some() {
            t.error_of(key, format!("`{key}` belongs to `pattern`, not to `next`"));
        }
    }
    t.take("pattern");
    next.map(Pages::Next)
}

fn by_pattern<'t>(t: &mut Keys<'t>, loading: &mut Loading<'t>) -> Option<Pages> {
    t.take("next");
    let count = t.get("count", count);
    let until_empty = t.take("until_empty");
    let until_empty = until_empty.is_some_and(|node| node.boolean() != Some(false));
    let max = t.get("max", |node| node.integer(1..=100_000_000));
    let first = t.get("first", |node| node.integer(0..=1_000_000));
    let first = first.unwrap_or(1);
    let is_bounded = until_empty || t.has("count") || t.has("max");
    if t.has("pattern") && !is_bounded {
        let message =
            "nothing says how many pages there are; add `count`, `until_empty = true` or `max`";
        t.error_at("pattern", message);
    }
    if max.is_some_and(|max| max < first) {
        t.error_at("max", "`max` is below the first page's number");
    }
    let pattern = t.get("pattern", |node| pattern(node, first, loading))?;
    Some(Pages::Pattern {
        pattern,
        count,
        max,
        first,
    })
}

fn pattern<'t>(node: &Node<'t>, first: u32, loading: &mut Loading<'t>) -> Option<String> {
    let text = node.text_as("a URL with {page}")?;
    if !text.contains("{page}") {
        node.error("the pattern has no `{page}`, where the page's number goes");
        return None;
    }
    let url = absolute(node, &text.replace("{page}", &first.to_string()))?;
    loading.addresses.push((node.clone(), url));
    Some(text.to_owned())
}

fn count(node: &Node<'_>) -> Option<CountRule> {
    if !node.is_table() {
        return Some(CountRule {
            select: patterns::fallbacks(node, &Take::Text),
            regex: None,
        });
    }
    node.read_keys(|t| {
        let select = t.need("select", "a selector of the page count", |node| {
            Some(patterns::fallbacks(node, &Take::Text))
        });
        let regex = t.get("regex", patterns::capturing_regex);
        Some(CountRule {
            select: select?,
            regex,
        })
    })
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "there are none".to_owned()
    } else {
        names.join(", ")
    }
}

fn link<'t>(id: StageId, node: &Node<'t>, loading: &mut Loading<'t>) -> Option<LinkRule> {
    node.read_keys(|t| {
        let each = t.get("each", patterns::elements);
        let select = t.need("select", "a selector of the link", |node| {
            Some(patterns::links(node))
        });
        let to = t.need("to", "the stage that the link leads to", |node| {
            stage_id(node, &loading.stage_names)
        });
        let matches = t.get("matches", patterns::regex);
        let carry = t.get("carry", Node::keys);
        let carry = carry.map(|carry| fields::fields(id, &carry, true, loading));
        let carry = carry.unwrap_or_default();
        let label = t.get("label", |node| {
            let name = node.text_as("the name of a carried field")?;
            if carry.iter().any(|field| field.name == name) {
                return Some(name.to_owned());
            }
            let names = carry.iter().map(|field| field.name.as_str());
            node.error(format!(
                "`{name}` is none of the carried fields: {}",
                listed(names)
            ));
            None
        });
        Some(LinkRule {
            each,
            select: select?,
            to: to?,
            carry,
            label,
            matches,
        })
    })
}

fn record<'t>(id: StageId, node: &Node<'t>, loading: &mut Loading<'t>) -> Option<RecordRule> {
    node.read_keys(|t| {
        let kind = t.need("kind", "the record's kind, of a-z, 0-9 and _", |node| {
            let kind = names::table_part(node, "a record kind")?;
            if loading.kinds.contains(&kind) {
                node.error(format!(
                    "the kind `{kind}` is there already; each has its own table"
                ));
            }
            loading.kinds.push(kind.clone());
            Some(kind)
        });
        let each = t.get("each", patterns::elements);
        let history = t.flag("history");
        let written = t.need("fields", "a table of fields", Node::keys);
        let mut fields = match &written {
            Some(written) => fields::fields(id, written, false, loading),
            None => Vec::new(),
        };
        let entries = written.as_ref().map(Keys::entries).unwrap_or_default();
        if let Some(written) = written.filter(|_| entries.is_empty()) {
            written.error("there are no fields");
        }
        let key = t.get("key", |node| Some(fields::key(node, &mut fields, &entries)));
        Some(RecordRule {
            kind: kind?,
            key: key.unwrap_or_default(),
            each,
            fields,
            history,
        })
    })
}

/// For each stage with `sitemaps`, one more stage whose pages are the sitemaps themselves. Its
/// name holds a colon, which no stage of a file can.
pub(super) fn of_sitemaps(stages: &[Stage]) -> Vec<Stage> {
    let with_sitemaps = stages.iter().enumerate();
    let with_sitemaps = with_sitemaps.filter(|(_, stage)| stage.sitemaps.is_some());
    with_sitemaps
        .map(|(index, stage)| Stage {
            tolerance: stage.tolerance,
            retry: stage.retry,
            stage_attempts: stage.stage_attempts,
            sitemap_of: u16::try_from(index).ok().map(StageId),
            ..Stage::new(&format!("sitemap:{}", stage.name))
        })
        .collect()
}
