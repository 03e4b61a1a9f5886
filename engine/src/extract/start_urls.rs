//! Start URLs as links into the entry stage.

use serde_json::{Value as Json, json};
use url::Url;

use crate::{
    extract::output::Link,
    model::{host_key::HostKey, ids::StageId},
    site::compiled::{Pages, Site, SitemapRule},
};

/// All start URLs of the site, in order, then its sitemaps.
#[must_use]
pub fn links(site: &Site) -> Vec<Link> {
    let mut links = start_urls(site);
    for (index, stage) in (0u16..).zip(&site.stages) {
        let rule = stage
            .sitemap_of
            .and_then(|of| site.stage(of).sitemaps.as_ref());
        if let Some(rule) = rule {
            links.extend(sitemaps(site, StageId(index), rule));
        }
    }
    links
}

/// The sitemaps of a rule; the robots.txt of each start host where the rule names none.
fn sitemaps(site: &Site, stage: StageId, rule: &SitemapRule) -> Vec<Link> {
    let mut urls = rule.urls.clone();
    if urls.is_empty() {
        urls = site
            .start
            .iter()
            .filter_map(|url| url.join("/robots.txt").ok())
            .collect();
        urls.dedup();
    }
    (1u64..)
        .zip(&urls)
        .filter_map(|(position, url)| {
            let canonical = site.scope.canonical(url);
            let carried = json!({ "page": 1, "position": position });
            into_stage(site, stage, &canonical, carried)
        })
        .collect()
}

fn start_urls(site: &Site) -> Vec<Link> {
    (1u64..)
        .zip(&site.start)
        .filter_map(|(position, url)| {
            let canonical = site.scope.canonical(url);
            let page = page_of(site, &canonical);
            link(
                site,
                &canonical,
                json!({ "page": page, "position": position }),
            )
        })
        .collect()
}

/// A link into the entry stage; `carried` must be an object.
#[must_use]
pub fn link(site: &Site, canonical: &str, carried: Json) -> Option<Link> {
    into_stage(site, site.enter, canonical, carried)
}

fn into_stage(site: &Site, stage: StageId, canonical: &str, carried: Json) -> Option<Link> {
    let Json::Object(carried) = carried else {
        return None;
    };
    Some(Link {
        stage,
        key: site.page_key(stage, canonical),
        host: HostKey::of(&Url::parse(canonical).ok()?)?,
        url: canonical.to_owned(),
        carried: carried.into(),
    })
}

/// The page number in a start URL that fits the entry stage's pattern, else its first one (A7).
fn page_of(site: &Site, url: &str) -> u32 {
    let pages = site.stage(site.enter).pages.as_ref();
    let first = match pages {
        Some(Pages::Pattern { first, .. }) => *first,
        _ => 1,
    };
    pages
        .and_then(|pages| pages.number_in(url))
        .unwrap_or(first)
}
