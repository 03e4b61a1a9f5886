//! The links of a page: made canonical, held against scope and bounds, each page once (SPEC B4, N2).

use rustc_hash::FxHashSet;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{
    extract::{
        bounds::Bounds,
        output::{Extracted, Link, PageInput},
    },
    model::ids::{PageKey, StageId},
    site::{
        compiled::Site,
        scope::{HostKey, is_trap},
    },
};

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
pub(super) struct Found<'f> {
    site: &'f Site,
    bounds: &'f Bounds,
    depth: u32,
    own: (StageId, PageKey),
    keys: FxHashSet<(StageId, PageKey)>,
    links: Vec<Link>,
    skipped: u32,
    over_bound: u32,
}

impl<'f> Found<'f> {
    pub(super) fn new(
        site: &'f Site,
        stage: StageId,
        input: &PageInput<'_>,
        bounds: &'f Bounds,
    ) -> Self {
        let own = PageKey::new(&site.name, &site.stage(stage).name, input.url);
        Self {
            site,
            bounds,
            depth: input.depth,
            own: (stage, own),
            keys: FxHashSet::default(),
            links: Vec::new(),
            skipped: 0,
            over_bound: 0,
        }
    }

    /// Takes a link in if it leads to a page that may be followed and is not there yet; `carried`
    /// is read only then.
    pub(super) fn offer(
        &mut self,
        to: StageId,
        url: &Url,
        carried: impl FnOnce() -> Map<String, Json>,
    ) -> Offer {
        let Some((canonical, host)) = self.admitted(url) else {
            self.skipped += 1;
            return Offer::Refused;
        };
        let key = PageKey::new(&self.site.name, &self.site.stage(to).name, &canonical);
        if (to, key) == self.own || self.keys.contains(&(to, key)) {
            return Offer::Known;
        }
        if self.links.len() >= self.bounds.max_links as usize {
            self.skipped += 1;
            self.over_bound += 1;
            return Offer::Refused;
        }
        self.keys.insert((to, key));
        self.links.push(Link {
            stage: to,
            key,
            url: canonical,
            host,
            carried: carried(),
        });
        Offer::New
    }

    /// The key that a page of this stage has, if scope and bounds let it through.
    pub(super) fn key_of(&self, to: StageId, url: &Url) -> Option<PageKey> {
        let (canonical, _) = self.admitted(url)?;
        Some(PageKey::new(
            &self.site.name,
            &self.site.stage(to).name,
            &canonical,
        ))
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

    /// A reference that leads nowhere.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Hands over the links, and says how many are not followed.
    pub(super) fn finish(self, out: &mut Extracted) {
        out.skipped_links += self.skipped;
        if self.over_bound > 0 {
            out.warnings.push(format!(
                "{} links beyond the bound of {} a page are not followed",
                self.over_bound, self.bounds.max_links
            ));
        }
        out.links = self.links;
    }

    /// The links taken in so far.
    pub(super) fn so_far(&self) -> &[Link] {
        &self.links
    }

    /// Whether no further link is taken in.
    pub(super) fn is_full(&self) -> bool {
        self.over_bound > 0
    }

    /// The canonical URL and host of a link that scope and bounds let through.
    fn admitted(&self, url: &Url) -> Option<(String, HostKey)> {
        if self.depth >= self.bounds.max_depth || !self.site.scope.contains(url) {
            return None;
        }
        let trap = is_trap(
            url,
            self.bounds.max_url,
            self.bounds.max_segments,
            self.bounds.max_repeats,
        );
        let host = HostKey::of(url).filter(|_| trap.is_none())?;
        Some((self.site.scope.canonical(url), host))
    }
}
