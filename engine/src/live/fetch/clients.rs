//! One HTTP client per session and way out, built from the session's profile.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use reqwest::{
    Client, Proxy, Version,
    header::{ACCEPT, ACCEPT_ENCODING, COOKIE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use url::{Host, Url};

use super::{
    connect::{NoteDials, Resolver, tls_config},
    cookies::Jar,
    failure,
};
use crate::{
    live::{decode, guard},
    message::{
        orders::{FetchOrder, RequestProfile},
        reports::FetchFailure,
    },
    model::ids::SessionId,
    site::scope::is_trusted,
};

/// A response head has at most so many headers and bytes.
const MAX_HEADERS: usize = 1_000;
/// Largest response head in bytes.
pub(super) const MAX_HEAD: usize = 64 << 10;
/// HTTP/2 resets larger ones without a reason of its own, so this leaves room for ours.
const HTTP2_HEAD: u32 = 256 << 10;

/// Idle connections are kept so long, and so many per host.
const IDLE: Duration = Duration::from_mins(1);
const IDLE_PER_HOST: usize = 16;

/// What pages are asked for.
const WANTED: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// All clients of the I/O threads.
pub(super) struct Clients {
    sessions: HashMap<SessionId, SessionClients>,
    received: Arc<AtomicU64>,
}

struct SessionClients {
    profile: Arc<RequestProfile>,
    jar: Arc<Jar>,
    clients: HashMap<Way, (Client, Arc<Streams>)>,
}

/// Requests that hang on a connection of HTTP/2 all share it: two in a row, and the client is made
/// anew.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// By host: streams in a row that hung since one was answered. None is known of others.
    hung: Mutex<HashMap<String, u32>>,
}

/// So many streams in a row hang on a connection that is dead.
const DEAD: u32 = 2;

impl Streams {
    fn hung(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.hung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host answered: no stream of its hangs.
    pub(super) fn answered(&self, host: &str, version: Version) {
        if version == Version::HTTP_2 {
            self.hung().insert(host.to_owned(), 0);
        }
    }

    /// The host did not answer in time; counted where it speaks HTTP/2.
    pub(super) fn hang(&self, host: &str) {
        if let Some(count) = self.hung().get_mut(host) {
            *count += 1;
        }
    }

    fn are_dead(&self) -> bool {
        self.hung().values().any(|count| *count >= DEAD)
    }
}

/// How a request leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// By name, or through the profile's proxy.
    Open,
    /// To a mapped address (`--connect-to`), without the proxy.
    Mapped {
        target: SocketAddr,
        /// The URL's port had to be replaced by the target's. HTTP/2 would show that to the
        /// server, so such requests are HTTP/1.1 with a `Host` of their own.
        readdressed: bool,
    },
}

/// A request that is ready to be sent.
pub(super) struct Prepared {
    pub(super) client: Client,
    /// Where it goes, after `--connect-to`.
    pub(super) url: Url,
    /// What was asked for; differs only where `--connect-to` changes port or address.
    pub(super) asked: Url,
    pub(super) headers: HeaderMap,
    /// What the answer sets goes here.
    pub(super) jar: Arc<Jar>,
    pub(super) streams: Arc<Streams>,
    pub(super) received: Arc<AtomicU64>,
}

impl Clients {
    pub(super) fn new(received: Arc<AtomicU64>) -> Self {
        Self {
            sessions: HashMap::new(),
            received,
        }
    }

    /// The client and request for this order.
    pub(super) fn prepare(&mut self, order: &FetchOrder) -> Result<Prepared, FetchFailure> {
        let asked = Url::parse(&order.url).map_err(|error| failure::bad_url(&error.to_string()))?;
        let profile = &order.profile;
        let host = asked
            .host()
            .filter(|_| matches!(asked.scheme(), "http" | "https"))
            .ok_or_else(|| failure::bad_url("only http and https URLs are fetched"))?;
        let mapped = mapped_to(&asked, profile);
        if mapped.is_none() {
            guard::check_host(&host, &profile.allow_addresses)
                .map_err(|refused| failure::refused(&refused))?;
        }
        let mut headers = headers_of(order, &asked);
        let (url, way) = match mapped {
            Some(target) => readdress(asked.clone(), target, &mut headers)?,
            None => (asked.clone(), Way::Open),
        };
        let (client, streams, jar) = self
            .client(profile, way)
            .map_err(|cause| failure::bad_profile(&cause))?;
        // A `Cookie` header of the site file stands for all cookies.
        if !headers.contains_key(COOKIE)
            && let Some(cookies) = jar.header(&asked, &profile.cookies, &profile.auth_hosts)
        {
            headers.insert(COOKIE, cookies);
        }
        Ok(Prepared {
            client,
            url,
            asked,
            headers,
            jar,
            streams,
            received: Arc::clone(&self.received),
        })
    }

    fn client(
        &mut self,
        profile: &Arc<RequestProfile>,
        way: Way,
    ) -> Result<(Client, Arc<Streams>, Arc<Jar>), String> {
        let session = self
            .sessions
            .entry(profile.session)
            .or_insert_with(|| SessionClients {
                profile: Arc::clone(profile),
                jar: Arc::new(Jar::new(profile.session, &profile.kept_cookies)),
                clients: HashMap::new(),
            });
        if !Arc::ptr_eq(&session.profile, profile) {
            session.profile = Arc::clone(profile);
            session.clients.clear();
        }
        let jar = Arc::clone(&session.jar);
        if let Some((client, streams)) = session.clients.get(&way)
            && !streams.are_dead()
        {
            return Ok((client.clone(), Arc::clone(streams), jar));
        }
        let (client, streams) = (build(profile, way)?, Arc::<Streams>::default());
        let made = (client.clone(), Arc::clone(&streams));
        session.clients.insert(way, made);
        Ok((client, streams, jar))
    }
}

/// The address that `--connect-to` gives for this URL: by `name:port`, else by name.
fn mapped_to(url: &Url, profile: &RequestProfile) -> Option<SocketAddr> {
    if profile.connect_to.is_empty() {
        return None;
    }
    let name = url.host_str()?;
    let port = url.port_or_known_default()?;
    let by_port = profile.connect_to.get(&format!("{name}:{port}"));
    by_port.or_else(|| profile.connect_to.get(name)).copied()
}

/// A name's port in the URL wins over the resolver's, and an address is dialled as it stands: in
/// these cases the URL itself must lead to the target, and `Host` keeps what was asked for.
fn readdress(
    mut url: Url,
    target: SocketAddr,
    headers: &mut HeaderMap,
) -> Result<(Url, Way), FetchFailure> {
    let is_address = !matches!(url.host(), Some(Host::Domain(_)));
    let readdressed = is_address || url.port().is_some_and(|port| port != target.port());
    if readdressed {
        let host = url.host_str().unwrap_or_default();
        let asked = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if is_address && url.scheme() == "https" {
            return Err(failure::bad_url(
                "connect-to cannot map an https URL whose host is an address: its certificate \
                 could not be checked; use the host's name",
            ));
        }
        if let Ok(value) = HeaderValue::from_str(&asked) {
            headers.insert(reqwest::header::HOST, value);
        }
        let moved = url.set_port(Some(target.port())).is_ok()
            && (!is_address || url.set_ip_host(target.ip()).is_ok());
        if !moved {
            return Err(failure::bad_url("this URL has no host that can be mapped"));
        }
    }
    Ok((
        url,
        Way::Mapped {
            target,
            readdressed,
        },
    ))
}

/// Headers that only hosts in scope may see.
fn is_credential(name: &str) -> bool {
    ["authorization", "cookie"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn headers_of(order: &FetchOrder, url: &Url) -> HeaderMap {
    let profile = &order.profile;
    let trusted = is_trusted(url, &profile.auth_hosts);
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(WANTED));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPTED));
    for (name, value) in &profile.headers {
        if !trusted && is_credential(name) {
            continue;
        }
        insert(&mut headers, name, value);
    }
    // Bodies are decoded here, so only codings known here may be asked for.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPTED));
    if let Some(validators) = &order.validators {
        if let Some(etag) = &validators.etag {
            insert(&mut headers, "if-none-match", etag);
        }
        if let Some(date) = &validators.last_modified {
            insert(&mut headers, "if-modified-since", date);
        }
    }
    headers
}

/// Names and values that HTTP cannot carry were refused by the site file's check; a server's
/// validator that it cannot carry is worth no request header.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        headers.insert(name, value);
    }
}

fn build(profile: &RequestProfile, way: Way) -> Result<Client, String> {
    let http1_only = matches!(
        way,
        Way::Mapped {
            readdressed: true,
            ..
        }
    );
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(&profile.user_agent)
        .connect_timeout(profile.connect_timeout)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_headers(MAX_HEADERS)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http2_max_header_list_size(HTTP2_HEAD)
        .connector_layer(NoteDials)
        .tls_backend_preconfigured(tls_config(&profile.extra_roots, http1_only)?);
    if http1_only {
        builder = builder.http1_only();
    }
    let mut proxy_host = None;
    let resolver = match way {
        Way::Mapped { target, .. } => Resolver::Fixed(target),
        Way::Open => {
            if let Some(text) = &profile.proxy {
                let (proxy, host) = proxy_of(text)?;
                builder = builder.proxy(proxy);
                proxy_host = host;
            }
            Resolver::Guarded {
                allowed: Arc::new(profile.allow_addresses.clone()),
                proxy: proxy_host,
            }
        }
    };
    builder
        .dns_resolver(Arc::new(resolver))
        .build()
        .map_err(|error| failure::deepest(&error))
}

/// The proxy and its host. A `socks5` proxy resolves names itself, as an http proxy does.
fn proxy_of(text: &str) -> Result<(Proxy, Option<String>), String> {
    let unusable = || {
        "the proxy is not a URL like http://host:port, https://host:port or socks5://host:port"
            .to_owned()
    };
    let url = Url::parse(text).map_err(|_| unusable())?;
    let host = url.host_str().map(str::to_owned);
    let by_name = text.replacen("socks5://", "socks5h://", 1);
    let proxy = Proxy::all(&by_name).map_err(|_| unusable())?;
    Ok((proxy, host))
}
