//! A session's cookies: those that servers set, and those that its site file sends from the
//! start to the hosts it trusts.

use std::{collections::BTreeMap, sync::Arc};

use reqwest::{
    cookie::{CookieStore, Jar},
    header::HeaderValue,
};
use url::Url;

use super::trust::is_trusted;

/// Cookies of one profile over the jar of its session.
pub(super) struct SessionJar {
    pub(super) jar: Arc<Jar>,
    pub(super) from_the_start: BTreeMap<String, String>,
    pub(super) trusted: Vec<String>,
}

impl CookieStore for SessionJar {
    fn set_cookies(&self, headers: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        self.jar.set_cookies(headers, url);
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let set = self.jar.cookies(url);
        if self.from_the_start.is_empty() || !is_trusted(url, &self.trusted) {
            return set;
        }
        let set = set.as_ref().and_then(|value| value.to_str().ok());
        let is_set = |name: &str| {
            set.unwrap_or_default()
                .split("; ")
                .any(|pair| pair.split('=').next() == Some(name))
        };
        let ours = self
            .from_the_start
            .iter()
            .filter(|(name, _)| !is_set(name))
            .map(|(name, value)| format!("{name}={value}"));
        let all: Vec<String> = set.map(str::to_owned).into_iter().chain(ours).collect();
        let mut value = HeaderValue::from_str(&all.join("; ")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
