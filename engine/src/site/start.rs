//! Start URLs as links into the entry stage.

use serde_json::{Value as Json, json};
use url::Url;

use crate::{
    extract::output::Link,
    model::ids::PageKey,
    site::{
        compiled::{Pages, Site},
        scope::HostKey,
    },
};

/// All start URLs of the site, in order.
#[must_use]
pub fn links(site: &Site) -> Vec<Link> {
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
    let Json::Object(carried) = carried else {
        return None;
    };
    Some(Link {
        stage: site.enter,
        key: PageKey::new(&site.name, &site.stage(site.enter).name, canonical),
        host: HostKey::of(&Url::parse(canonical).ok()?)?,
        url: canonical.to_owned(),
        carried,
    })
}

/// The page number in a start URL that fits the entry stage's pattern, else its first one (A7).
fn page_of(site: &Site, url: &str) -> u64 {
    let Some(Pages::Pattern { pattern, first, .. }) = &site.stage(site.enter).pages else {
        return 1;
    };
    pattern
        .split_once("{page}")
        .and_then(|(before, after)| url.strip_prefix(before)?.strip_suffix(after)?.parse().ok())
        .unwrap_or(u64::from(*first))
}
