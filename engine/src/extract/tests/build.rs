//! Sites and pages for tests, in few words.

use std::{collections::BTreeMap, sync::Arc};

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        extract,
        output::{ExtractError, Extracted, PageInput, Value},
    },
    model::ids::StageId,
    site::{
        compiled::{
            CountRule, Fallbacks, Field, FieldType, LinkRule, Pages, Pick, Politeness, RecordRule,
            Site, Source, Stage, Take, Transform,
        },
        scope::Scope,
        selector::Selector,
    },
};

/// The URL of the pages that `page` builds.
pub(crate) const URL: &str = "http://a.test/list/";

pub(crate) fn css(text: &str) -> Selector {
    Selector::parse(text).expect("a selector of a test")
}

/// Selectors as a site file writes them.
pub(crate) fn picks(texts: &[&str], default: &Take) -> Fallbacks {
    let pick = |text: &&str| {
        let (selector, take) = match text.rsplit_once('@') {
            Some((selector, "text")) => (selector, Take::Text),
            Some((selector, "own")) => (selector, Take::Own),
            Some((selector, "html")) => (selector, Take::Html),
            Some((selector, name)) => (selector, Take::Attribute(name.to_owned())),
            None => (*text, default.clone()),
        };
        let selector = (!selector.trim().is_empty()).then(|| css(selector));
        Pick {
            selector,
            text: (*text).into(),
            take,
        }
    };
    Fallbacks(texts.iter().map(pick).collect())
}

pub(crate) fn text(texts: &[&str]) -> Fallbacks {
    picks(texts, &Take::Text)
}

pub(crate) fn href(texts: &[&str]) -> Fallbacks {
    picks(texts, &Take::Attribute("href".to_owned()))
}

pub(crate) fn select(texts: &[&str]) -> Source {
    Source::Select(text(texts))
}

pub(crate) fn rows(rows: &str, label: &str, is: Option<&str>, value: &str) -> Source {
    Source::Rows {
        rows: css(rows),
        label: text(&[label]),
        is: is.map(|is| vec![is.to_owned()]),
        value: text(&[value]),
    }
}

pub(crate) fn linked(paths: &[&str]) -> Source {
    Source::JsonLd(paths.iter().map(|path| (*path).to_owned()).collect())
}

impl Field {
    pub(crate) fn kind(self, kind: FieldType) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn regex(self, regex: &str) -> Self {
        Self {
            regex: Some(Regex::new(regex).expect("a regex of a test")),
            ..self
        }
    }

    pub(crate) fn map(self, pairs: &[(&str, toml::Value)]) -> Self {
        let map: BTreeMap<_, _> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        Self {
            map: Some(map),
            ..self
        }
    }

    pub(crate) fn transform(mut self, transform: Transform) -> Self {
        self.transforms.push(transform);
        self
    }

    pub(crate) fn list(self) -> Self {
        Self { list: true, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    pub(crate) fn default_value(self, value: impl Into<toml::Value>) -> Self {
        Self {
            default: Some(value.into()),
            ..self
        }
    }

    pub(crate) fn formats(self, formats: &[&str]) -> Self {
        let formats = formats.iter().map(|format| (*format).to_owned()).collect();
        Self { formats, ..self }
    }
}

impl Stage {
    pub(crate) fn pages(self, pages: Pages) -> Self {
        Self {
            pages: Some(pages),
            ..self
        }
    }

    pub(crate) fn links(mut self, each: Option<&str>, select: &[&str], to: u16) -> Self {
        self.links.push(LinkRule {
            each: each.map(css),
            select: href(select),
            to: StageId(to),
            label: None,
            carry: Vec::new(),
            matches: None,
        });
        self
    }

    pub(crate) fn carry(mut self, field: Field) -> Self {
        self.links
            .last_mut()
            .expect("a link rule before")
            .carry
            .push(field);
        self
    }

    pub(crate) fn record(mut self, each: Option<&str>, key: &[&str], fields: Vec<Field>) -> Self {
        self.records.push(RecordRule {
            kind: "product".to_owned(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            each: each.map(css),
            fields,
            history: false,
        });
        self
    }
}

pub(crate) fn pattern(url: &str, count: Option<(&str, &str)>) -> Pages {
    Pages::Pattern {
        pattern: url.to_owned(),
        count: count.map(|(select, regex)| CountRule {
            select: text(&[select]),
            regex: (!regex.is_empty()).then(|| Regex::new(regex).expect("a regex of a test")),
        }),
        max: None,
        first: 1,
    }
}

pub(crate) fn site(stages: Vec<Stage>) -> Site {
    Site {
        name: "shop".to_owned(),
        source: Arc::from(""),
        start: Vec::new(),
        enter: StageId(0),
        scope: Scope {
            hosts: vec!["a.test".to_owned()],
            ..Scope::default()
        },
        politeness: Politeness::default(),
        stages,
    }
}

/// The first stage's reading of an HTML page at [`URL`].
pub(crate) fn read(site: &Site, html: &str) -> Result<Extracted, ExtractError> {
    read_at(
        site,
        0,
        URL,
        html.as_bytes(),
        Some("text/html"),
        &Carried::default(),
    )
}

pub(crate) fn read_at(
    site: &Site,
    stage: u16,
    url: &str,
    body: &[u8],
    content_type: Option<&str>,
    carried: &Carried,
) -> Result<Extracted, ExtractError> {
    let page = PageInput {
        url,
        final_url: url,
        content_type,
        body,
        carried,
        depth: 0,
    };
    extract(site, StageId(stage), &page, &Bounds::default())
}

pub(crate) fn carried(json: Json) -> Carried {
    match json {
        Json::Object(map) => map.into(),
        other => panic!("carried fields are an object, not {other}"),
    }
}

/// The values of a record as the export writes them.
pub(crate) fn json_of(value: &Value) -> Json {
    crate::extract::convert::into_json(value.clone())
}

/// The carried fields as a JSON object.
pub(in crate::extract) fn map_of(carried: &Carried) -> Map<String, Json> {
    let pairs = carried.fields();
    pairs
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}
