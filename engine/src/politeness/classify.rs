//! What an answer means: one table over every status, and the challenge and block pages that pose
//! as pages, which often come with status 200 or 503: told by what only they contain, never by what
//! a page about them or a page behind them may contain.

use std::{sync::LazyLock, time::Duration};

use regex::bytes::Regex;

use super::retry_after;
use crate::model::{class::ErrorClass, head::Head};

/// What an answer means for its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The body is a page to be read.
    Page,
    /// Follow this `Location`, as sent, relative to the URL asked for.
    Redirect(String),
    /// An end of this attempt; the class says what follows.
    Fail {
        /// Decides about retries, and whether it counts against the host.
        class: ErrorClass,
        /// For people: what, and what next.
        message: String,
    },
    /// The host asked for less.
    Throttle {
        /// Its Retry-After, where one could be read.
        after: Option<Duration>,
    },
}

/// What this answer means.
#[must_use]
pub fn classify(head: &Head, challenge: Option<&str>) -> Verdict {
    // A rate limit stays one, whatever page comes with it.
    if head.status != 429
        && let Some(challenge) = challenge
    {
        let message = format!(
            "{challenge} stands before the page (status {}): slow down, use another user agent or \
             ask the site's owner",
            head.status
        );
        return Verdict::Fail {
            class: ErrorClass::Blocked,
            message,
        };
    }
    by_status(head)
}

/// What the status line and headers alone mean.
#[must_use]
pub fn by_status(head: &Head) -> Verdict {
    let status = head.status;
    match status {
        206 => partial(head),
        200..=299 => Verdict::Page,
        301 | 302 | 303 | 307 | 308 => redirect(head),
        429 => Verdict::Throttle {
            after: retry_after::of(head),
        },
        // 420 and 430 are rate limits of some shops, where a Retry-After says so.
        420 | 430 | 503 if retry_after::of(head).is_some() => Verdict::Throttle {
            after: retry_after::of(head),
        },
        _ => fail(status_class(status), status),
    }
}

/// The class of a status that is no page, redirect or throttle.
#[must_use]
pub const fn status_class(status: u16) -> ErrorClass {
    match status {
        // A final answer never has a 1xx status.
        0..=199 => ErrorClass::Protocol,
        200..=299 => ErrorClass::Parse,
        // Nothing was asked on a condition: 304 has no version to send us back to.
        304 | 408 | 425 | 500 | 502..=504 | 520..=529 => ErrorClass::HttpServer,
        300..=399 => ErrorClass::Redirect,
        404 | 410 => ErrorClass::NotFound,
        // 511 is a captive portal's, 999 a social network's refusal.
        401 | 403 | 407 | 451 | 511 | 999 => ErrorClass::Blocked,
        429 => ErrorClass::RateLimit,
        400..=499 => ErrorClass::HttpClient,
        _ => ErrorClass::HttpUnsupported,
    }
}

fn fail(class: ErrorClass, status: u16) -> Verdict {
    let what = match class {
        ErrorClass::Protocol => "is no final answer",
        ErrorClass::Redirect => "is a redirect that cannot be followed",
        ErrorClass::NotFound => "says the page is not there",
        ErrorClass::Blocked => {
            "refuses us: credentials, another user agent or the owner's leave are needed"
        }
        ErrorClass::HttpServer => "says the server is in trouble; it may pass",
        ErrorClass::HttpUnsupported => "says the server cannot do this; a retry will not help",
        _ => "says the request is at fault; a retry will not help",
    };
    Verdict::Fail {
        class,
        message: format!("status {status} {what}"),
    }
}

fn redirect(head: &Head) -> Verdict {
    let status = head.status;
    let problem = match head.header("location").map(str::trim_ascii) {
        None => "without a Location".to_owned(),
        Some("") => "with an empty Location".to_owned(),
        Some(location) if !is_readable(location) => {
            let shown: String = location.escape_debug().take(200).collect();
            format!("to a Location that is no URL: {shown}")
        }
        Some(location) => return Verdict::Redirect(location.to_owned()),
    };
    let message = format!("status {status} {problem}: there is nothing to follow");
    Verdict::Fail {
        class: ErrorClass::Redirect,
        message,
    }
}

/// Whether a Location is an http(s) URL or relative to one.
fn is_readable(location: &str) -> bool {
    if location.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    let base = url::Url::parse("http://base.invalid/").expect("a constant URL parses");
    base.join(location).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// We ask for no ranges: 206 is a page only where its range is the whole.
fn partial(head: &Head) -> Verdict {
    let whole = head.header("content-range").and_then(|range| {
        let (range, size) = range.trim_ascii().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (last, size): (u64, u64) = (last.parse().ok()?, size.parse().ok()?);
        Some(first == "0" && last.checked_add(1)? == size)
    });
    if whole == Some(true) {
        return Verdict::Page;
    }
    let message = "status 206: a part of the page came, though the whole was asked for".to_owned();
    Verdict::Fail {
        class: ErrorClass::Truncated,
        message,
    }
}

/// Longer bodies are pages.
const LONGEST: usize = 64 << 10;

/// Marks of walls and whose they are, as those who put them up write them.
const MARKS: [(&str, &str); 16] = [
    ("window\\._cf_chl_opt", "a Cloudflare challenge"),
    (
        "<title>Just a moment\\.\\.\\.</title>",
        "a Cloudflare challenge",
    ),
    (
        "<title>Attention Required! \\| Cloudflare</title>",
        "a Cloudflare block page",
    ),
    (
        "id=\"cf-(?:challenge-running|please-wait|error-details)\"",
        "a Cloudflare block page",
    ),
    (
        "<iframe[^>]{0,200}src=[\"']?https://challenges\\.cloudflare\\.com",
        "a Cloudflare challenge",
    ),
    (
        "<iframe[^>]{0,400}_Incapsula_Resource",
        "an Imperva Incapsula block page",
    ),
    (
        "Request unsuccessful\\. Incapsula incident ID",
        "an Imperva Incapsula block page",
    ),
    (
        "<title>Sucuri WebSite Firewall - Access Denied</title>",
        "a Sucuri block page",
    ),
    ("sucuri_cloudproxy_js", "a Sucuri challenge"),
    ("<title>DDoS-Guard</title>", "a DDoS-Guard challenge"),
    (
        "<title>Access to this page has been denied\\.?</title>",
        "a HUMAN (PerimeterX) block page",
    ),
    (
        "var dd=\\{[^}]{0,600}captcha-delivery\\.com",
        "a DataDome challenge",
    ),
    ("window\\.gokuProps", "an AWS WAF challenge"),
    ("<title>Human Verification</title>", "an AWS WAF challenge"),
    ("https?://errors\\.edgesuite\\.net/", "an Akamai block page"),
    ("<div id=\"infoDiv0\"", "a Google block page"),
];

/// All marks in one expression: a page that is none of theirs is read once.
static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let all: Vec<String> = MARKS.iter().map(|(mark, _)| format!("({mark})")).collect();
    Regex::new(&all.join("|")).expect("the marks are valid expressions")
});

/// Whose challenge or block page an answer is, in words; `None` for a page. It reads the whole body: the backend asks,
/// on its own threads.
#[must_use]
pub fn challenge(head: &Head, body: &[u8]) -> Option<&'static str> {
    if head
        .header("cf-mitigated")
        .is_some_and(|value| value.eq_ignore_ascii_case("challenge"))
    {
        return Some("a Cloudflare challenge");
    }
    if head.header("x-amzn-waf-action").is_some() {
        return Some("an AWS WAF challenge");
    }
    let carries_a_page = matches!(head.status, 200..=203 | 400..=599);
    if !carries_a_page || body.len() > LONGEST {
        return None;
    }
    let found = ANY.captures(body)?;
    let group = (1..=MARKS.len()).find(|group| found.get(*group).is_some())?;
    Some(MARKS[group - 1].1)
}

#[cfg(test)]
mod tests;
