//! Challenge and block pages, which often come with status 200 or 503: told by what only they
//! contain, never by what a page about them or a page behind them may contain.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::model::head::Head;

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

/// All marks in one expression: a page that is no wall is read once.
static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let all: Vec<String> = MARKS.iter().map(|(mark, _)| format!("({mark})")).collect();
    Regex::new(&all.join("|")).expect("the marks are valid expressions")
});

/// Whose wall an answer is, in words; `None` for a page. It reads the whole body: the far end asks,
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
