//! `pages = { … }`: how a stage's list goes on.

use toml::de::DeValue;

use super::{
    compiled::{CountRule, Pages, Take},
    loading::{Loading, absolute},
    patterns,
    problems::Problems,
    reading::{Node, Table},
};

pub(super) fn pages(node: &Node<'_>, loading: &mut Loading<'_>) -> Option<Pages> {
    let table = node.table(&mut loading.problems)?;
    let (has_next, has_pattern) = (table.has("next"), table.has("pattern"));
    if has_next == has_pattern {
        let message =
            "expected either `next` (a selector of the link) or `pattern` (a URL with {page})";
        loading.problems.error(&node.span, &node.field, message);
    }
    if has_next && !has_pattern {
        by_next(table, &mut loading.problems)
    } else {
        by_pattern(node, table, loading)
    }
}

fn by_next(mut table: Table<'_>, problems: &mut Problems<'_>) -> Option<Pages> {
    let href = Take::Attribute("href".to_owned());
    let next = table
        .take("next")
        .map(|node| patterns::fallbacks(&node, &href, problems));
    for key in ["count", "until_empty", "max", "first"] {
        if table.take(key).is_some() {
            let message = format!("`{key}` belongs to `pattern`, not to `next`");
            let field = format!("{}.{key}", table.field);
            problems.error(&table.key_span(key), &field, message);
        }
    }
    table.take("pattern");
    table.finish(problems);
    next.map(Pages::Next)
}

fn by_pattern(node: &Node<'_>, mut table: Table<'_>, loading: &mut Loading<'_>) -> Option<Pages> {
    let p = &mut loading.problems;
    table.take("next");
    let pattern_node = table.take("pattern");
    let count = table.take("count").and_then(|node| count(&node, p));
    let until_empty = table
        .take("until_empty")
        .is_some_and(|node| node.boolean(p) != Some(false));
    let max = table
        .take("max")
        .and_then(|node| node.integer(1..=100_000_000, p));
    let first = table
        .take("first")
        .and_then(|node| node.integer(0..=1_000_000, p))
        .unwrap_or(1);
    let is_told = until_empty || ["count", "max"].iter().any(|key| table.has(key));
    if pattern_node.is_some() && !is_told {
        let message =
            "nothing says how many pages there are; add `count`, `until_empty = true` or `max`";
        p.error(&table.key_span("pattern"), &node.field, message);
    }
    if max.is_some_and(|max| max < first) {
        p.error(
            &table.key_span("max"),
            &node.field,
            "`max` is below the first page's number",
        );
    }
    table.finish(p);
    let pattern = pattern_node.and_then(|node| pattern(&node, first, loading))?;
    Some(Pages::Pattern {
        pattern,
        count,
        max,
        first,
    })
}

fn pattern(node: &Node<'_>, first: u32, loading: &mut Loading<'_>) -> Option<String> {
    let text = node.text_as("a URL with {page}", &mut loading.problems)?;
    if !text.contains("{page}") {
        node.error(
            "the pattern has no `{page}`, where the page's number goes",
            &mut loading.problems,
        );
        return None;
    }
    let example = text.replace("{page}", &first.to_string());
    let url = absolute(node, &example, &mut loading.problems)?;
    loading
        .addresses
        .push((node.span.clone(), node.field.clone(), url));
    Some(text.to_owned())
}

fn count(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<CountRule> {
    if !matches!(node.value, DeValue::Table(_)) {
        let select = patterns::fallbacks(node, &Take::Text, problems);
        return Some(CountRule {
            select,
            regex: None,
        });
    }
    let mut table = node.table(problems)?;
    let select = table
        .require("select", "a selector of the page count", problems)
        .map(|node| patterns::fallbacks(&node, &Take::Text, problems));
    let regex = table
        .take("regex")
        .and_then(|node| patterns::regex(&node, true, problems));
    table.finish(problems);
    Some(CountRule {
        select: select?,
        regex,
    })
}
