//! The links of a page: made canonical, held against scope and bounds, each page once (SPEC B4, N2).

use std::hash::BuildHasher as _;

use rustc_hash::{FxBuildHasher, FxHashSet};
use url::Url;

use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        meter::Meter,
        output::{Extracted, Link, PageInput},
    },
    model::{
        class::SkipReason,
        host_key::HostKey,
        ids::{PageKey, StageId},
        remark::{Remark, Remarks},
    },
    site::{
        compiled::Site,
        scope::{is_too_long, is_trap},
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
    meter: &'f Meter,
    depth: u32,
    own: (StageId, PageKey),
    keys: FxHashSet<(StageId, PageKey)>,
    links: Vec<Link>,
    /// Of the links that are not followed: each counts once, as those do that are.
    refused: FxHashSet<u64>,
    remarks: Remarks,
}

impl<'f> Found<'f> {
    pub(super) fn new(
        site: &'f Site,
        stage: StageId,
        input: &PageInput<'_>,
        bounds: &'f Bounds,
        meter: &'f Meter,
    ) -> Self {
        let own = PageKey::new(&site.name, &site.stage(stage).name, input.url);
        Self {
            site,
            bounds,
            meter,
            depth: input.depth,
            own: (stage, own),
            keys: FxHashSet::default(),
            links: Vec::new(),
            refused: FxHashSet::default(),
            remarks: Remarks::default(),
        }
    }

    /// Takes a link in if it leads to a page that may be followed and is not there yet; `carried`
    /// is read only then.
    pub(super) fn offer<C: Into<Carried>>(
        &mut self,
        to: StageId,
        url: &Url,
        carried: impl FnOnce() -> C,
    ) -> Offer {
        let (canonical, host) = match self.admitted(url) {
            Ok(admitted) => admitted,
            Err(reason) => {
                self.refuse(Remark::of_link(reason), url.as_str());
                return Offer::Refused;
            }
        };
        let key = PageKey::new(&self.site.name, &self.site.stage(to).name, &canonical);
        if (to, key) == self.own || self.keys.contains(&(to, key)) {
            return Offer::Known;
        }
        if self.links.len() >= self.bounds.max_links as usize {
            self.refuse(Remark::LinkOverBound, &canonical);
            return Offer::Refused;
        }
        let carried = carried().into();
        if !self.meter.keep(canonical.len() + carried.stored()) {
            return Offer::Refused;
        }
        self.keys.insert((to, key));
        self.links.push(Link {
            stage: to,
            key,
            url: canonical,
            host,
            carried,
        });
        Offer::New
    }

    /// The key that a page of this stage has, if scope and bounds let it through.
    pub(super) fn key_of(&self, to: StageId, url: &Url) -> Option<PageKey> {
        let (canonical, _) = self.admitted(url).ok()?;
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

    /// A reference that leads to no page.
    pub(super) fn skip(&mut self, href: &str) {
        let kind = if is_too_long(href) {
            Remark::LinkTooLong
        } else {
            Remark::LinkUnusable
        };
        self.refuse(kind, href);
    }

    fn refuse(&mut self, kind: Remark, link: &str) {
        if self.refused.insert(FxBuildHasher.hash_one((kind, link))) {
            self.remarks.add(kind, || link.to_owned());
        }
    }

    /// Hands over the links, and says how many are not followed.
    pub(super) fn finish(self, out: &mut Extracted) {
        out.remarks.merge(&self.remarks);
        out.links = self.links;
    }

    /// The links taken in so far.
    pub(super) fn so_far(&self) -> &[Link] {
        &self.links
    }

    /// Whether no further link is taken in.
    pub(super) fn is_full(&self) -> bool {
        self.remarks.count(Remark::LinkOverBound) > 0 || self.meter.over().is_some()
    }

    /// The canonical URL and host of a link that scope and bounds let through.
    fn admitted(&self, url: &Url) -> Result<(String, HostKey), SkipReason> {
        if !self.site.scope.contains(url) {
            return Err(SkipReason::OutOfScope);
        }
        if self.depth >= self.bounds.max_depth {
            return Err(SkipReason::TooDeep);
        }
        let trap = is_trap(
            url,
            self.bounds.max_url,
            self.bounds.max_segments,
            self.bounds.max_repeats,
        );
        if let Some(reason) = trap {
            return Err(reason);
        }
        let host = HostKey::of(url).ok_or(SkipReason::OutOfScope)?;
        Ok((self.site.scope.canonical(url), host))
    }
}
