//! One request → one answer: virtual hosts, routes, and the misbehaviour that is due.

use std::{
    error::Error as _,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use http::{Method, Request, Response, StatusCode, header};
use rustc_hash::FxHashMap;

use super::{
    limit::RateLimit,
    reply::{PageReply, ReplyBody, moved, out_of_sorts, plain, too_many},
    routes::{Route, route},
};
use crate::demo::{
    catalogue::Catalogue,
    config::Script,
    markup::{self, LIST_QUERY, Layout, ListView},
    misbehaviour::{self, ListQuirks, Misbehaviour, PageRequest},
    story::{self, Trouble},
};

/// URLs of one sitemap file.
const SITEMAP_URLS: u32 = 50_000;

/// The demo's state: the truth, what was asked, and which hosts have seen their new products.
#[derive(Debug)]
pub(super) struct DemoSite {
    catalogue: Catalogue,
    layout: Layout,
    /// How many requests of each URL were let through.
    let_through: Mutex<FxHashMap<Box<str>, u32>>,
    hosts: FxHashMap<String, usize>,
    arrived: Vec<AtomicBool>,
    limits: Option<Vec<RateLimit>>,
    /// When the first request came: acts count from here.
    began: OnceLock<Instant>,
}

/// Ends a connection without an answer, by RST.
#[derive(Debug, thiserror::Error)]
#[error("the demo resets this connection")]
pub(super) struct Reset;

/// Whether the connection is to end by RST.
pub(super) fn is_reset(error: &hyper::Error) -> bool {
    error
        .source()
        .is_some_and(<dyn std::error::Error>::is::<Reset>)
}

impl DemoSite {
    pub(super) fn new(catalogue: Catalogue) -> Self {
        let hosts = catalogue.hosts();
        let names = hosts.iter().cloned().zip(0..).chain([
            // For a person who opens the demo in a browser.
            ("127.0.0.1".to_owned(), 0),
            ("localhost".to_owned(), 0),
        ]);
        Self {
            hosts: names.collect(),
            arrived: hosts.iter().map(|_| AtomicBool::new(false)).collect(),
            limits: catalogue
                .config()
                .rate_limit
                .map(|rate| hosts.iter().map(|_| RateLimit::new(rate)).collect()),
            layout: Layout::new(),
            let_through: Mutex::default(),
            began: OnceLock::new(),
            catalogue,
        }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(super) async fn answer<B>(
        &self,
        request: Request<B>,
    ) -> Result<Response<ReplyBody>, Reset> {
        let Some(host) = self.host_of(&request) else {
            return Ok(plain(
                StatusCode::MISDIRECTED_REQUEST,
                "this is not one of the demo's hosts\n",
            ));
        };
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let url = format!("{}{target}", self.catalogue.hosts()[host]);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n"));
        }
        let route = route(request.uri().path());
        let limited = self
            .limits
            .as_ref()
            .and_then(|limits| limits[host].admit(Instant::now()).err());
        let nth = self.nth(&url, limited.is_none());
        if let Some(wait) = limited {
            return Ok(too_many(wait, nth));
        }
        let asked = PageRequest {
            url: &url,
            nth,
            is_list: matches!(route, Route::List(_)),
            is_slow: self.is_slow(host),
            trouble: self.trouble(host),
        };
        let treatment = asked.treatment(self.catalogue.config());
        if !treatment.delay.is_zero() {
            tokio::time::sleep(treatment.delay).await;
        }
        let fault = treatment.fault.filter(|_| route.may_fail());
        if let Some(Misbehaviour::Status(status)) = fault {
            return Ok(out_of_sorts(status));
        }
        if fault == Some(Misbehaviour::Reset) {
            return Err(Reset);
        }
        let answer = self.page(host, &route, asked);
        let gzip = self.catalogue.config().gzip;
        Ok(answer.respond(request.headers(), gzip, fault.is_some()))
    }

    /// How many requests of this URL were let through before this one.
    fn nth(&self, url: &str, passes: bool) -> u32 {
        let counts = self.let_through.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        let count = match counts.get_mut(url) {
            Some(count) => count,
            None => counts.entry(url.into()).or_default(),
        };
        let nth = *count;
        *count += u32::from(passes);
        nth
    }

    fn host_of<B>(&self, request: &Request<B>) -> Option<usize> {
        let named = request
            .uri()
            .host()
            .or_else(|| request.headers().get(header::HOST)?.to_str().ok())?;
        let name = named.rsplit_once(':').map_or(named, |(name, _)| name);
        self.hosts.get(&name.to_ascii_lowercase()).copied()
    }

    fn trouble(&self, host: usize) -> Option<Trouble> {
        let config = self.catalogue.config();
        let began = self.began.get_or_init(Instant::now);
        match config.script {
            Script::Even => None,
            Script::Story => story::trouble(config.seed, host, began.elapsed()),
        }
    }

    fn is_slow(&self, host: usize) -> bool {
        let slow = self.catalogue.config().slow_hosts as usize;
        host + slow >= self.catalogue.hosts().len()
    }

    fn page(&self, host: usize, route: &Route<'_>, asked: PageRequest<'_>) -> PageReply {
        let name = &self.catalogue.hosts()[host];
        match *route {
            Route::List(page) => self.list(host, page, asked),
            Route::FirstList => moved(format!("http://{name}/csa-iot_products/?{LIST_QUERY}")),
            Route::Product(slug) => self.product(host, slug),
            Route::ProductWithoutSlash(slug) => moved(format!("http://{name}/csa_product/{slug}/")),
            Route::Home => {
                let hosts = self.catalogue.hosts();
                PageReply::html(markup::home_page(&self.layout, name, hosts))
            }
            Route::Robots => PageReply::text(format!(
                "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n\n\
                 Sitemap: http://{name}/sitemap.xml\n"
            )),
            Route::Sitemap(part) => self.sitemap(host, part),
            Route::Unknown => PageReply::missing(),
        }
    }

    fn list(&self, host: usize, page: u32, asked: PageRequest<'_>) -> PageReply {
        // Products arrive when the first page has been read: whoever asks for a later one knows
        // the first, so that no product moves from an unread page to one that was read.
        if page > 1 {
            self.arrived[host].store(true, Ordering::Relaxed);
        }
        let arrived = self.arrived[host].load(Ordering::Relaxed);
        let pages = self.catalogue.pages_on(host, arrived);
        let mut on_page = self.catalogue.on_page(host, page, arrived);
        let count = u32::try_from(on_page.len()).unwrap_or(0);
        let quirks = asked.list_quirks(self.catalogue.config(), page, pages, count);
        let shown = pages - quirks.fewer_pages.min(pages - 1);
        if page > shown {
            on_page.clear();
        }
        self.disarrange(&mut on_page, host, page, arrived, quirks);
        let cards: Vec<_> = on_page
            .into_iter()
            .filter_map(|index| self.catalogue.product(index))
            .collect();
        let beside = if page > 1 { page - 1 } else { page + 1 };
        PageReply::html(markup::list_page(
            &self.layout,
            &ListView {
                host: &self.catalogue.hosts()[host],
                page,
                active: if quirks.wrong_active {
                    beside.min(shown)
                } else {
                    page
                },
                pages: shown,
                cards: &cards,
            },
        ))
    }

    fn disarrange(
        &self,
        cards: &mut Vec<u32>,
        host: usize,
        page: u32,
        arrived: bool,
        quirks: ListQuirks,
    ) {
        cards.truncate(cards.len().saturating_sub(quirks.missing as usize));
        if let (true, Some(first), Some(last)) =
            (quirks.repeated, cards.first().copied(), cards.last_mut())
        {
            *last = first;
        }
        let next = self.catalogue.on_page(host, page + 1, arrived);
        if let (true, Some(first), Some(last)) =
            (quirks.drifted, next.first().copied(), cards.last_mut())
        {
            *last = first;
        }
        if let Some(order) = quirks.order {
            misbehaviour::shuffle(cards, order);
        }
    }

    fn product(&self, host: usize, slug: &str) -> PageReply {
        let arrived = self.arrived[host].load(Ordering::Relaxed);
        let found = self
            .catalogue
            .index_of_slug(slug)
            .filter(|index| self.catalogue.host_of(*index) == host)
            .filter(|index| arrived || *index < self.catalogue.len())
            .filter(|index| !self.catalogue.is_gone(*index))
            .and_then(|index| self.catalogue.product(index));
        let Some(product) = found else {
            return PageReply::missing();
        };
        let step = u32::try_from(self.catalogue.hosts().len()).unwrap_or(1);
        let related: Vec<_> = (1..=4)
            .filter_map(|away| product.index.checked_sub(step * away))
            .filter_map(|index| self.catalogue.product(index))
            .collect();
        let mut answer = PageReply::html(markup::detail_page(&self.layout, &product, &related));
        answer.header = Some((
            header::ETAG,
            format!("\"{:x}-{:x}\"", self.catalogue.config().seed, product.index),
        ));
        answer
    }

    fn sitemap(&self, host: usize, part: Option<u32>) -> PageReply {
        let name = &self.catalogue.hosts()[host];
        let count = self.catalogue.count_on(host, false);
        let step = u32::try_from(self.catalogue.hosts().len()).unwrap_or(1);
        let parts = count.div_ceil(SITEMAP_URLS);
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        if part.is_none() && parts > 1 {
            xml.push_str("<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
            for number in 1..=parts {
                markup::put(
                    &mut xml,
                    format_args!(
                        "<sitemap><loc>http://{name}/sitemap-{number}.xml</loc></sitemap>\n"
                    ),
                );
            }
            return PageReply::xml(xml + "</sitemapindex>\n");
        }
        let part = part.unwrap_or(1);
        if part == 0 || part > parts.max(1) {
            return PageReply::missing();
        }
        xml.push_str("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
        let first = (part - 1) * SITEMAP_URLS;
        for local in first..count.min(first + SITEMAP_URLS) {
            let index = local * step + u32::try_from(host).unwrap_or(0);
            if let Some(product) = self.catalogue.product(index) {
                markup::put(
                    &mut xml,
                    format_args!(
                        "<url><loc>{}</loc><lastmod>{}</lastmod></url>\n",
                        product.url, product.certified
                    ),
                );
            }
        }
        PageReply::xml(xml + "</urlset>\n")
    }
}
