//! Reads a site file whole: every problem is found, nothing runs before all are mended.

use std::{ops::Range, sync::Arc};

use toml::de::DeTable;
use url::Url;

use super::{
    compiled::{Politeness, Site, Stage},
    loading::{Loading, absolute, stage_id},
    manners, meaning, names,
    problems::{Problems, SiteError, SiteErrors, shown},
    reading::{Node, Table},
    scope::Scope,
    stages,
};
use crate::model::ids::StageId;

/// A larger file is not a site file.
const MAX_FILE: usize = 4 << 20;
/// Stages of one site, at most.
const MAX_STAGES: usize = 1_000;

impl Site {
    /// Reads, checks and compiles a site file. `file` names it in messages.
    ///
    /// # Errors
    /// Every problem of the file, with its place.
    pub fn load(text: &str, file: &str) -> Result<Self, SiteErrors> {
        Self::load_with_warnings(text, file).map(|(site, _)| site)
    }

    /// As [`Site::load`], with what is odd but does no harm (a stage that nothing leads to).
    ///
    /// # Errors
    /// Every problem of the file, with its place.
    pub fn load_with_warnings(
        text: &str,
        file: &str,
    ) -> Result<(Self, Vec<SiteError>), SiteErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut problems = Problems::new(file, text);
        let document = parse(text, &mut problems);
        let mut loading = Loading {
            problems,
            stage_names: Vec::new(),
            carried: Vec::new(),
            kinds: Vec::new(),
            addresses: Vec::new(),
        };
        let site = document
            .as_ref()
            .and_then(|document| site(document, text, &mut loading));
        let warnings = loading.problems.finish()?;
        // Every way to no site notes a problem first; should one not, say so instead of dying.
        let Some(site) = site else {
            let mut problems = Problems::new(file, text);
            problems.error(
                &(0..0),
                "",
                "the file gives no site, and no problem was found in it",
            );
            return Err(problems.finish().err().unwrap_or_default());
        };
        Ok((site, warnings))
    }
}

/// The document, or `None` with its syntax errors noted.
pub(crate) fn parse<'t>(text: &'t str, problems: &mut Problems<'_>) -> Option<DeTable<'t>> {
    if text.len() > MAX_FILE {
        problems.error(&(0..0), "", format!("the file is over {MAX_FILE} bytes"));
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let end = text.len();
        let span = error.span().unwrap_or(end..end);
        problems.error(
            &span,
            "",
            format!("not TOML: {}", error.message().replace('\n', "; ")),
        );
    }
    errors.is_empty().then(|| document.into_inner())
}

fn site(document: &DeTable<'_>, text: &str, loading: &mut Loading<'_>) -> Option<Site> {
    let mut root = Table::root(document);
    let head = root.require("site", "a table `[site]`", &mut loading.problems);
    let manners = root.take("politeness");
    let stages = root.require(
        "stages",
        "tables such as `[stages.list]`",
        &mut loading.problems,
    );
    let stage_table = stages.and_then(|node| node.table(&mut loading.problems));
    root.finish(&mut loading.problems);

    let entries = stage_table.as_ref().map(Table::entries).unwrap_or_default();
    if let Some(table) = stage_table.as_ref().filter(|_| entries.is_empty()) {
        let message = "there is no stage; expected tables such as `[stages.list]`";
        loading.problems.error(&table.span, &table.field, message);
    }
    if entries.len() > MAX_STAGES {
        let place = &entries[MAX_STAGES].name_span;
        let message = format!("a site has at most {MAX_STAGES} stages");
        loading.problems.error(place, "stages", message);
        return None;
    }
    loading.stage_names = entries.iter().map(|entry| entry.name.to_owned()).collect();
    let head = head
        .and_then(|node| node.table(&mut loading.problems))
        .and_then(|table| self::head(table, loading));
    let politeness: Politeness = manners
        .map(|node| manners::politeness(&node, &mut loading.problems))
        .unwrap_or_default();
    let mut compiled: Vec<Stage> = Vec::new();
    let mut places = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        names::stage(entry, &mut loading.problems);
        let id = StageId(u16::try_from(index).expect("MAX_STAGES fits 16 bits"));
        places.push((entry.name_span.clone(), entry.node.field.clone()));
        compiled.extend(stages::stage(id, entry, loading));
    }
    let head = head?;
    for (span, field, url) in std::mem::take(&mut loading.addresses) {
        in_scope(&head.scope, &url, &span, &field, &mut loading.problems);
    }
    if compiled.len() == entries.len() {
        meaning::check(&compiled, head.enter, &places, loading);
    }
    let sitemaps = stages::of_sitemaps(&compiled);
    compiled.extend(sitemaps);
    loading.problems.is_clean().then(|| Site {
        name: head.name,
        source: Arc::from(text),
        start: head.start,
        enter: head.enter,
        scope: head.scope,
        politeness,
        stages: compiled,
    })
}

struct Head {
    name: String,
    start: Vec<Url>,
    enter: StageId,
    scope: Scope,
}

fn head(mut table: Table<'_>, loading: &mut Loading<'_>) -> Option<Head> {
    let problems = &mut loading.problems;
    let name = table
        .require("name", "the site's name, of a-z, 0-9 and _", problems)
        .and_then(|node| names::site(&node, problems));
    let start_node = table.require("start", "a list of start URLs", problems);
    let start: Vec<(Node<'_>, Url)> = start_node
        .map(|node| {
            let texts = node.texts("an absolute http(s) URL", problems);
            texts
                .into_iter()
                .filter_map(|(node, text)| start_url(node, text, problems))
                .collect()
        })
        .unwrap_or_default();
    let hosts = table
        .take("hosts")
        .map(|node| manners::hosts(&node, problems));
    let canonical = table
        .take("canonical")
        .and_then(|node| node.table(problems));
    let mut scope = canonical
        .map(|table| self::canonical(table, problems))
        .unwrap_or_default();
    scope.hosts = hosts.unwrap_or_else(|| hosts_of(start.iter().map(|(_, url)| url)));
    for (node, url) in &start {
        in_scope(&scope, url, &node.span, &node.field, problems);
    }
    let enter = if loading.stage_names.len() == 1 && !table.has("enter") {
        table.take("enter");
        Some(StageId(0))
    } else {
        let node = table.require("enter", "the stage of the start URLs", problems);
        node.and_then(|node| stage_id(&node, &loading.stage_names, problems))
    };
    table.finish(problems);
    let start = start.into_iter().map(|(_, url)| url).collect();
    Some(Head {
        name: name?,
        start,
        enter: enter?,
        scope,
    })
}

fn start_url<'t>(
    node: Node<'t>,
    text: &str,
    problems: &mut Problems<'_>,
) -> Option<(Node<'t>, Url)> {
    let url = absolute(&node, text, problems)?;
    Some((node, url))
}

fn in_scope(
    scope: &Scope,
    url: &Url,
    span: &Range<usize>,
    field: &str,
    problems: &mut Problems<'_>,
) {
    if !scope.contains(url) && !scope.hosts.is_empty() {
        let message = format!(
            "the host of {} is not in scope; `site.hosts` has {}",
            shown(url.as_str()),
            scope.hosts.join(", ")
        );
        problems.error(span, field, message);
    }
}

/// The hosts of these URLs, with the port where it is not the scheme's own.
fn hosts_of<'u>(urls: impl Iterator<Item = &'u Url>) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for url in urls {
        let name = url.host_str().unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(name);
        let host = url
            .port()
            .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

fn canonical(mut table: Table<'_>, problems: &mut Problems<'_>) -> Scope {
    let drop = table
        .take("drop_query")
        .map(|node| node.texts("a parameter's name", problems));
    let sort = table
        .take("sort_query")
        .and_then(|node| node.boolean(problems));
    table.finish(problems);
    let mut scope = Scope {
        sort_query: sort.unwrap_or(false),
        ..Scope::default()
    };
    for (node, name) in drop.unwrap_or_default() {
        let stem = name.strip_suffix('*').unwrap_or(name);
        if name.is_empty() || stem.contains(['*', '&', '=']) {
            let message = "expected a parameter's name, with `*` at its end or not at all";
            node.error(message, problems);
        } else {
            scope.drop_query.push(name.to_owned());
        }
    }
    scope
}
