//! A session's cookies: those that servers set (RFC 6265, public suffixes by list), and those that
//! its site file sends from the start to the hosts it trusts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cookie_store::{Cookie, CookieDomain, CookieStore, StoreAction};
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use crate::{
    message::store_verbs::{KeptCookie, SetCookies},
    model::ids::SessionId,
    site::scope::is_trusted,
};

#[cfg(test)]
mod tests;

/// Name and value of one cookie, in bytes; browsers take no longer ones.
const MOST_BYTES: usize = 4_096;
/// Cookies of one domain, as in browsers.
const MOST_OF_DOMAIN: usize = 180;
/// Cookies of a session.
const MOST: usize = 3_000;

/// The jar of one session.
pub(super) struct Jar {
    session: SessionId,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    cookies: CookieStore,
    /// What changed since it was last handed over.
    changed: BTreeSet<Place>,
    has_warned: bool,
}

/// Domain, path and name.
type Place = (String, String, String);

impl Jar {
    /// A session's jar as it was kept. A cookie that cannot be read any more is left out.
    pub(super) fn new(session: SessionId, kept: &[KeptCookie]) -> Self {
        let mut inner = Inner::default();
        let read = kept.iter().filter_map(|cookie| {
            let cookie = serde_json::from_str::<Cookie<'static>>(cookie.text.as_deref()?);
            if cookie.is_err() {
                tracing::warn!(session = session.0, "a kept cookie cannot be read");
            }
            cookie.ok().map(Ok::<_, std::convert::Infallible>)
        });
        let Ok(cookies) = CookieStore::from_cookies(read, false);
        inner.cookies = cookies;
        Self {
            session,
            inner: Mutex::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what an answer from `url` sets.
    pub(super) fn take(&self, headers: &HeaderMap, url: &Url) {
        let mut set = headers.get_all(SET_COOKIE).iter().peekable();
        if set.peek().is_none() {
            return;
        }
        let mut inner = self.lock();
        for value in set {
            let cookie = std::str::from_utf8(value.as_bytes())
                .ok()
                .and_then(|text| Cookie::parse(text, url).ok());
            if let Some(cookie) = cookie {
                inner.set(cookie.into_owned(), url);
            }
        }
    }

    /// The `Cookie` header of a request for `url`: the jar's, then the site file's to trusted
    /// hosts, where the jar has none of the name.
    pub(super) fn header(
        &self,
        url: &Url,
        from_the_start: &BTreeMap<String, String>,
        trusted: &[String],
    ) -> Option<HeaderValue> {
        let inner = self.lock();
        let mut set = inner.cookies.matches(url);
        // Longer paths come first (RFC 6265 §5.4); beyond that any order will do, if it is one.
        set.sort_by_key(|cookie| (usize::MAX - cookie.path.len(), cookie.name()));
        let is_set = |name: &str| set.iter().any(|cookie| cookie.name() == name);
        let ours = from_the_start
            .iter()
            .filter(|(name, _)| is_trusted(url, trusted) && !is_set(name));
        let pairs = set
            .iter()
            .map(|cookie| cookie.name_value())
            .chain(ours.map(|(name, value)| (name.as_str(), value.as_str())));
        let all: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if all.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_str(&all.join("; ")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Hands what changed to `send`, which a report goes out with. Nothing else is handed over
    /// meanwhile: what a later answer set is never kept before what this one did.
    pub(super) fn hand_over<T>(&self, send: impl FnOnce(Option<Box<SetCookies>>) -> T) -> T {
        let mut inner = self.lock();
        let changed = std::mem::take(&mut inner.changed);
        if changed.is_empty() {
            return send(None);
        }
        let cookies = changed
            .into_iter()
            .map(|place| inner.kept(&place))
            .collect();
        send(Some(Box::new(SetCookies {
            session: self.session,
            cookies,
        })))
    }
}

impl Inner {
    fn set(&mut self, mut cookie: Cookie<'static>, url: &Url) {
        if cookie.name().len() + cookie.value().len() > MOST_BYTES {
            return;
        }
        if let CookieDomain::Suffix(domain) = &cookie.domain
            && is_public_suffix(domain)
        {
            // RFC 6265 §5.3, step 5: a host that is a public suffix may set cookies for itself.
            match CookieDomain::host_only(url) {
                Ok(own) if url.host_str() == Some(domain) => cookie.domain = own,
                _ => return,
            }
        }
        let place: Place = (
            String::from(&cookie.domain),
            cookie.path.to_string(),
            cookie.name().to_owned(),
        );
        let known = self.cookies.get(&place.0, &place.1, &place.2);
        if known == Some(&cookie) || (known.is_none() && self.is_full(&place.0)) {
            return;
        }
        match self.cookies.insert(cookie, url) {
            Ok(StoreAction::ExpiredExisting) => {
                self.cookies.remove(&place.0, &place.1, &place.2);
            }
            Ok(StoreAction::Inserted | StoreAction::UpdatedExisting) => {}
            Err(_) => return,
        }
        self.changed.insert(place);
    }

    /// A host that sets ever more cookies fills neither our memory nor its own requests.
    fn is_full(&mut self, domain: &str) -> bool {
        let (mut all, mut of_domain) = (0, 0);
        for cookie in self.cookies.iter_any() {
            all += 1;
            of_domain += usize::from(cookie.domain.as_cow().as_deref() == Some(domain));
        }
        let is_full = of_domain >= MOST_OF_DOMAIN || all >= MOST;
        if is_full && !self.has_warned {
            self.has_warned = true;
            tracing::warn!(
                domain,
                "a host sets more cookies than a browser would keep; new ones are not taken"
            );
        }
        is_full
    }

    fn kept(&self, place: &Place) -> KeptCookie {
        let (domain, path, name) = place;
        let cookie = self.cookies.get(domain, path, name);
        KeptCookie {
            place: format!("{domain}\n{path}\n{name}"),
            // The jar's own types always have a JSON form.
            text: cookie.and_then(|cookie| serde_json::to_string(cookie).ok()),
        }
    }
}

/// Whether anybody may have a name below this one: listed, or a name without a dot.
fn is_public_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix == domain.as_bytes())
}
