//! Orders: what the engine wants done outside. Each is answered by exactly one report.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    message::store_verbs::{KeptCookie, StoreVerb},
    model::{
        head::Validators,
        ids::{OrderId, SessionId, StageId},
        page_url::PageUrl,
    },
    settings::Settings,
    site::compiled::{BasicAuth, Site},
};

/// What a session's requests have in common. One HTTP client is kept per profile.
#[derive(Debug, Clone)]
pub struct RequestProfile {
    /// One client is kept for each.
    pub session: SessionId,
    /// The header `User-Agent`; robots.txt knows the crawler by it.
    pub user_agent: String,
    /// Extra headers of the site file.
    pub headers: BTreeMap<String, String>,
    /// Cookies sent from the start.
    pub cookies: BTreeMap<String, String>,
    /// What servers had set when the session was taken up again: what its jar begins with.
    pub kept_cookies: Arc<[KeptCookie]>,
    /// Basic auth, for the hosts in scope only.
    pub basic_auth: Option<BasicAuth>,
    /// Hosts in scope (`name`, `name:port`, `*.name`): no other is sent `basic_auth`, `cookies`
    /// or an `Authorization` or `Cookie` header of `headers`.
    pub auth_hosts: Vec<String>,
    /// Certificates (DER) trusted beside the web's roots; tests and demos only.
    pub extra_roots: Vec<Vec<u8>>,
    /// An http, https or socks5 URL.
    pub proxy: Option<String>,
    /// Addresses that the guard lets through.
    pub allow_addresses: Vec<IpNet>,
    /// Host name (or `name:port`) → socket address, which is then allowed (`--connect-to`).
    pub connect_to: BTreeMap<String, std::net::SocketAddr>,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// From sending to the response head, at most: an order's own time-out adapts to its host.
    pub first_byte_timeout: Duration,
    /// From sending to the body's end.
    pub timeout: Duration,
    /// Largest decoded body in bytes.
    pub max_body: u64,
    /// Largest ratio of decoded to received bytes, after the first MiB.
    pub max_ratio: u32,
}

impl RequestProfile {
    /// Beyond a request's own time-out its report is not waited for longer than this.
    const GRACE: Duration = Duration::from_secs(10);

    /// As the site file says, else the settings; of session 0, until the store has opened one.
    #[must_use]
    pub fn of(
        site: &Site,
        settings: &Settings,
        connect_to: BTreeMap<String, std::net::SocketAddr>,
    ) -> Self {
        let politeness = &site.politeness;
        let fetch = &settings.fetch;
        let user_agent = politeness.user_agent.as_ref();
        Self {
            session: SessionId(0),
            user_agent: user_agent.unwrap_or(&fetch.user_agent).clone(),
            headers: politeness.headers.clone(),
            cookies: politeness.cookies.clone(),
            kept_cookies: Arc::default(),
            basic_auth: politeness.basic_auth.clone(),
            auth_hosts: site.scope.hosts.clone(),
            proxy: politeness.proxy.clone(),
            allow_addresses: politeness.allow_addresses.clone(),
            connect_to,
            connect_timeout: politeness.connect_timeout.unwrap_or(fetch.connect_timeout),
            first_byte_timeout: politeness
                .first_byte_timeout
                .unwrap_or(fetch.first_byte_timeout),
            timeout: politeness.timeout.unwrap_or(fetch.timeout),
            max_body: politeness.max_body.unwrap_or(fetch.max_body),
            max_ratio: fetch.max_ratio,
            extra_roots: Vec::new(),
        }
    }

    /// How long the report of one request is waited for before its order counts as lost.
    #[must_use]
    pub fn report_within(&self) -> Duration {
        self.timeout + Self::GRACE
    }
}

/// What a fetch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The page of a task.
    Page,
    /// A host's robots.txt: the body is cut at its limit instead of refused.
    Robots,
    /// Whether the network is there.
    Probe,
}

/// One request, one hop: redirects are reported, not followed.
#[derive(Debug, Clone)]
pub struct FetchOrder {
    pub id: OrderId,
    pub purpose: Purpose,
    /// Absolute, http or https.
    pub url: PageUrl,
    /// What the session's requests have in common.
    pub profile: Arc<RequestProfile>,
    /// How long the response head is waited for; the profile's time-out is the ceiling.
    pub first_byte: Duration,
    /// Sent as `If-None-Match` and `If-Modified-Since`; `None` until there is mode *changed*.
    pub validators: Option<Validators>,
}

/// One page to parse.
#[derive(Debug, Clone)]
pub struct ParseOrder {
    pub id: OrderId,
    pub site: Arc<Site>,
    pub stage: StageId,
    /// Canonical URL: the page's identity; and what the link carried.
    pub url: PageUrl,
    /// Where the answer came from.
    pub final_url: PageUrl,
    /// The header `Content-Type` as sent.
    pub content_type: Option<String>,
    /// Content codings are undone.
    pub body: Arc<Vec<u8>>,
    /// Links away from a start URL.
    pub depth: u32,
}

/// One verb for the store.
#[derive(Debug, Clone)]
pub struct StoreOrder {
    pub id: OrderId,
    pub verb: StoreVerb,
}

/// An order, by the resource it needs.
#[derive(Debug, Clone)]
pub enum Order {
    /// To the I/O threads.
    Fetch(FetchOrder),
    /// To the CPU threads.
    Parse(ParseOrder),
    /// To the store's thread.
    Store(StoreOrder),
    /// Abort this fetch within 100 ms; it still reports (as aborted).
    Abort(OrderId),
}
