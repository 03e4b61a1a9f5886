//! The builder: a little web, a site file over it, settings and a seed.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crawlfield_engine::{message::store_verbs::Mode, settings::Settings, site::compiled::Site};

use crate::{crawl::Crawl, full, reply::Reply};

/// Lists that lead to details, which hold one record each.
const STAGES: &str = r#"
[stages.list]
pages = { next = "a.next" }
LIST
[[stages.list.links]]
select = "a@href"
to = "detail"
[stages.detail]
DETAIL
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
title = "h1"
"#;

/// A little web and who crawls it.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) pages: BTreeMap<String, Vec<Reply>>,
    pub(crate) robots: BTreeMap<String, Vec<Reply>>,
    pub(crate) settings: Settings,
    pub(crate) seed: u64,
    pub(crate) mode: Mode,
    pub(crate) laws: Laws,
    start: Vec<String>,
    hosts: Vec<String>,
    politeness: String,
    list: String,
    detail: String,
    stages: Option<String>,
    site_keys: String,
}

/// How long the backend takes where no reply says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Laws {
    /// A request.
    pub latency: Duration,
    /// A parse.
    pub parse: Duration,
    /// A commit.
    pub commit: Duration,
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

impl Scenario {
    /// An empty web: requests take 100 ms, parses 2 ms, commits 5 ms; snapshots come each minute.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            snapshot_interval: Duration::from_mins(1),
            ..Settings::default()
        };
        Self {
            name: "web".to_owned(),
            pages: BTreeMap::new(),
            robots: BTreeMap::new(),
            settings,
            seed: 1,
            mode: Mode::New,
            laws: Laws {
                latency: Duration::from_millis(100),
                parse: Duration::from_millis(2),
                commit: Duration::from_millis(5),
            },
            start: Vec::new(),
            hosts: Vec::new(),
            politeness: String::new(),
            list: String::new(),
            detail: String::new(),
            stages: None,
            site_keys: String::new(),
        }
    }

    /// The site's name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// A page and its answers in turn; the last one stays.
    #[must_use]
    pub fn page(mut self, url: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "{url} needs an answer");
        self.pages.insert(full(url), replies);
        self
    }

    /// Pages with one record each.
    #[must_use]
    pub fn details<T: AsRef<str>>(mut self, urls: impl IntoIterator<Item = T>) -> Self {
        for url in urls {
            let url = url.as_ref();
            self = self.page(url, [Reply::html(url)]);
        }
        self
    }

    /// A host's robots.txt; without one it has none (404).
    #[must_use]
    pub fn robots(self, host: &str, text: &str) -> Self {
        self.robots_replies(host, [Reply::robots(text)])
    }

    /// The answers to requests for a host's robots.txt, in turn.
    #[must_use]
    pub fn robots_replies(mut self, host: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        self.robots.insert(host.to_owned(), replies);
        self
    }

    /// A start URL.
    #[must_use]
    pub fn start_url(mut self, url: &str) -> Self {
        self.start.push(full(url));
        self
    }

    /// One more host in scope.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// Lines under `[politeness]`.
    #[must_use]
    pub fn politeness(mut self, lines: &str) -> Self {
        let _ = writeln!(self.politeness, "{lines}");
        self
    }

    /// Lines under `[stages.list]`.
    #[must_use]
    pub fn list(mut self, lines: &str) -> Self {
        let _ = writeln!(self.list, "{lines}");
        self
    }

    /// Lines under `[stages.detail]`.
    #[must_use]
    pub fn detail(mut self, lines: &str) -> Self {
        let _ = writeln!(self.detail, "{lines}");
        self
    }

    /// All stages, as TOML, and the stage of the start URLs.
    #[must_use]
    pub fn stages(mut self, enter: &str, toml: &str) -> Self {
        let _ = writeln!(self.site_keys, "enter = {enter:?}");
        self.stages = Some(toml.to_owned());
        self
    }

    /// Changes the settings.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The seed of all chance.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Fetches everything, known or not.
    #[must_use]
    pub fn full(mut self) -> Self {
        self.mode = Mode::Full;
        self
    }

    /// Changes how long the backend takes.
    #[must_use]
    pub fn laws(mut self, change: impl FnOnce(&mut Laws)) -> Self {
        change(&mut self.laws);
        self
    }

    /// The site file's text.
    #[must_use]
    pub fn site_text(&self) -> String {
        let mut hosts: Vec<String> = self.hosts.clone();
        for url in self.start.iter().chain(self.pages.keys()) {
            let rest = crate::short(url);
            let host = rest.split('/').next().unwrap_or(rest).to_owned();
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        let enter = if self.stages.is_some() {
            ""
        } else {
            "enter = \"list\""
        };
        let stages = match &self.stages {
            Some(stages) => stages.clone(),
            None => STAGES
                .replace("LIST", &self.list)
                .replace("DETAIL", &self.detail),
        };
        format!(
            "[site]\nname = {:?}\nstart = {:?}\nhosts = {hosts:?}\n{enter}\n{}\n\
             [politeness]\n{}\n{stages}",
            self.name, self.start, self.site_keys, self.politeness
        )
    }

    pub(crate) fn load(&self) -> Site {
        let text = self.site_text();
        match Site::load(&text, "scenario.toml") {
            Ok(site) => site,
            Err(errors) => panic!("the scenario's site file is wrong: {errors}\n{text}"),
        }
    }

    /// An engine that begins to crawl this web.
    #[must_use]
    pub fn start(self) -> Crawl {
        let mut crawl = Crawl::new(&self);
        crawl.begin(&self);
        crawl
    }
}
