//! Reads a site file whole: every problem is found, nothing runs before all are mended.

use std::{collections::BTreeSet, sync::Arc};

use toml::de::DeTable;
use url::Url;

use super::{
    compiled::{Site, Stage},
    document::{Keys, NamedNode, Node, parse},
    names, politeness,
    problems::{Problems, SiteError, SiteErrors, nearest, shown},
    scope::{Scope, bare_host, host_pattern},
    stages,
};
use crate::model::ids::StageId;

/// Stages of one site, at most.
const MAX_STAGES: usize = 1_000;

/// What is known while a file is being read.
#[derive(Default)]
pub(super) struct Loading<'t> {
    /// In the order of the file; `StageId` is the index.
    pub(super) stage_names: Vec<String>,
    /// Each `carried = "…"`: its stage, its place, the field it names.
    pub(super) carried: Vec<(StageId, Node<'t>, String)>,
    /// Record kinds, to find the second of a name.
    pub(super) kinds: Vec<String>,
    /// Page patterns, which must lead into the scope.
    pub(super) addresses: Vec<(Node<'t>, Url)>,
}

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
        let problems = Problems::new(file, text);
        let document = parse(text, &problems);
        let site = document.and_then(|document| site(&document, text, &problems));
        if site.is_none() && problems.is_clean() {
            // Every way to no site notes a problem first; should one not, say so instead of dying.
            let message = "the file gives no site, and no problem was found in it";
            problems.error(&(0..0), "", message, None);
        }
        let warnings = problems.finish()?;
        Ok((site.ok_or_else(SiteErrors::default)?, warnings))
    }
}

fn site(document: &DeTable<'_>, text: &str, problems: &Problems<'_>) -> Option<Site> {
    let mut root = Keys::root(document, problems);
    let head = root.need("site", "a table `[site]`", Node::keys);
    let politeness = root.get("politeness", politeness::politeness);
    let stages = root.need("stages", "tables such as `[stages.list]`", Node::keys);
    root.finish();

    let entries = stages.as_ref().map(Keys::entries).unwrap_or_default();
    if let Some(table) = stages.filter(|_| entries.is_empty()) {
        table.error("there is no stage; expected tables such as `[stages.list]`");
    }
    if let Some(entry) = entries.get(MAX_STAGES) {
        let message = format!("a site has at most {MAX_STAGES} stages");
        problems.error(&entry.name_span, "stages", message, None);
        return None;
    }
    let mut loading = Loading {
        stage_names: entries.iter().map(|entry| entry.name.to_owned()).collect(),
        ..Loading::default()
    };
    let head = head.and_then(|keys| self::head(keys, &loading));
    let mut compiled: Vec<Stage> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        names::stage(entry);
        let id = StageId(u16::try_from(index).expect("MAX_STAGES fits 16 bits"));
        compiled.extend(stages::stage(id, entry, &mut loading));
    }
    let head = head?;
    for (node, url) in &loading.addresses {
        in_scope(&head.scope, url, node);
    }
    if compiled.len() == entries.len() {
        unreached(&compiled, head.enter, &entries);
        uncarried(&compiled, &loading);
    }
    compiled.extend(stages::of_sitemaps(&compiled));
    problems.is_clean().then(|| Site {
        name: head.name,
        source: Arc::from(text),
        start: head.start,
        enter: head.enter,
        scope: head.scope,
        politeness: politeness.unwrap_or_default(),
        stages: compiled,
    })
}

/// What the table `[site]` says.
struct SiteHead {
    name: String,
    start: Vec<Url>,
    enter: StageId,
    scope: Scope,
}

fn head(mut t: Keys<'_>, loading: &Loading<'_>) -> Option<SiteHead> {
    let what = "the site's name, of a-z, 0-9 and _";
    let name = t.need("name", what, |node| {
        names::table_part(node, "the site's name")
    });
    let start = t.need("start", "a list of start URLs", |node| {
        Some(absolute_all(node, "an absolute http(s) URL"))
    });
    let start = start.unwrap_or_default();
    let hosts = t.get("hosts", |node| Some(hosts(node)));
    let mut scope = t.get("canonical", canonical).unwrap_or_default();
    scope.hosts = hosts.unwrap_or_else(|| hosts_of(start.iter().map(|(_, url)| url)));
    for (node, url) in &start {
        in_scope(&scope, url, node);
    }
    let enter = if loading.stage_names.len() == 1 && !t.has("enter") {
        t.take("enter");
        Some(StageId(0))
    } else {
        let what = "the stage of the start URLs";
        t.need("enter", what, |node| stage_id(node, &loading.stage_names))
    };
    t.finish();
    Some(SiteHead {
        name: name?,
        start: start.into_iter().map(|(_, url)| url).collect(),
        enter: enter?,
        scope,
    })
}

/// One absolute http(s) URL without user name and password, or a list of them.
pub(super) fn absolute_all<'t>(node: &Node<'t>, what: &str) -> Vec<(Node<'t>, Url)> {
    let texts = node.texts(what).into_iter();
    texts
        .filter_map(|(node, text)| absolute(&node, text).map(|url| (node, url)))
        .collect()
}

/// An absolute http(s) URL without user name and password.
pub(super) fn absolute(node: &Node<'_>, text: &str) -> Option<Url> {
    let reason = match Url::parse(text) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            "is not absolute; expected one that begins with http:// or https://".to_owned()
        }
        Err(error) => format!("cannot be read: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            format!("has the scheme `{}`; expected http or https", url.scheme())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            // Neither message nor excerpt repeats the URL: it holds a password.
            let mut place = node.clone().called("politeness.basic_auth".to_owned());
            place.span.end = place.span.start;
            place.error("a URL holds no user name; use `politeness.basic_auth`");
            return None;
        }
        Ok(url) => return Some(url),
    };
    node.error(format!("the URL {} {reason}", shown(text)));
    None
}

/// The stage that a value names.
pub(super) fn stage_id(node: &Node<'_>, stage_names: &[String]) -> Option<StageId> {
    let text = node.text_as("the name of a stage")?;
    if let Some(index) = stage_names.iter().position(|name| name == text) {
        return u16::try_from(index).ok().map(StageId);
    }
    let list = stage_names.join(", ");
    let message = format!("there is no stage {}; the file has: {list}", shown(text));
    node.error_near(
        message,
        nearest(text, stage_names.iter().map(String::as_str)),
    );
    None
}

fn in_scope(scope: &Scope, url: &Url, node: &Node<'_>) {
    if !scope.contains(url) && !scope.hosts.is_empty() {
        node.error(format!(
            "the host of {} is not in scope; `site.hosts` has {}",
            shown(url.as_str()),
            scope.hosts.join(", ")
        ));
    }
}

/// The hosts of these URLs, with the port where it is not the scheme's own.
fn hosts_of<'u>(urls: impl Iterator<Item = &'u Url>) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for url in urls {
        let name = bare_host(url).unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}"));
        let host = format!("{name}{}", port.unwrap_or_default());
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Host patterns, as the URL parser writes them.
fn hosts(node: &Node<'_>) -> Vec<String> {
    let what = "a host such as \"example.org\", \"example.org:8080\" or \"*.example.org\"";
    let read = |(node, text): (Node<'_>, &str)| {
        let pattern = host_pattern(text);
        if pattern.is_none() {
            let hint = if text.contains('/') {
                " (only the name, without http:// and path)"
            } else {
                ""
            };
            let near = Url::parse(text).ok();
            let near = near.and_then(|url| url.host_str().map(str::to_owned));
            let message = format!("expected {what}{hint}, found {}", shown(text));
            node.error_near(message, near);
        }
        pattern
    };
    node.texts(what).into_iter().filter_map(read).collect()
}

fn canonical(node: &Node<'_>) -> Option<Scope> {
    node.read_keys(|t| {
        let what = "a parameter's name";
        let names = t.get("drop_query", |node| Some(node.texts(what)));
        let is_name = |(node, name): &(Node<'_>, &str)| {
            let stem = name.strip_suffix('*').unwrap_or(name);
            let is_wrong = name.is_empty() || stem.contains(['*', '&', '=']);
            if is_wrong {
                node.error("expected a parameter's name, with `*` at its end or not at all");
            }
            !is_wrong
        };
        let names = names.unwrap_or_default().into_iter().filter(is_name);
        Some(Scope {
            hosts: Vec::new(),
            drop_query: names.map(|(_, name)| name.to_owned()).collect(),
            sort_query: t.flag("sort_query"),
        })
    })
}

/// Warns of stages that nothing leads to, or that read nothing.
fn unreached(stages: &[Stage], enter: StageId, entries: &[NamedNode<'_>]) {
    let with_sitemaps = (0..stages.len()).filter(|index| stages[*index].sitemaps.is_some());
    let mut open: Vec<usize> = with_sitemaps.collect();
    open.push(usize::from(enter.0));
    let mut reached = BTreeSet::new();
    while let Some(index) = open.pop() {
        if reached.insert(index) {
            let links = stages[index].links.iter();
            open.extend(links.map(|link| usize::from(link.to.0)));
        }
    }
    for (index, (stage, entry)) in stages.iter().zip(entries).enumerate() {
        if !reached.contains(&index) {
            entry.warn("no link leads to this stage, and it is not the one of the start URLs");
        }
        if stage.links.is_empty() && stage.records.is_empty() && stage.pages.is_none() {
            entry.warn("this stage reads nothing: no links, records or pages");
        }
    }
}

/// Finds fields that no link carries into their stage.
fn uncarried(stages: &[Stage], loading: &Loading<'_>) {
    for (stage, node, wanted) in &loading.carried {
        let links = stages.iter().flat_map(|other| &other.links);
        let links = links.filter(|link| link.to == *stage);
        let fields = links.flat_map(|link| &link.carry);
        let carried: BTreeSet<&str> = fields
            .map(|field| field.name.as_str())
            .chain(["page", "position"])
            .collect();
        if !carried.contains(wanted.as_str()) {
            let known: Vec<&str> = carried.into_iter().collect();
            let message = format!(
                "no link into this stage carries {}; carried: {}",
                shown(wanted),
                known.join(", ")
            );
            node.error_near(message, nearest(wanted, known));
        }
    }
}
