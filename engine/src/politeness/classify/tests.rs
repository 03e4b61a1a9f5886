use ErrorClass as C;

use super::*;

/// What an answer of this status, with these headers and this body, means.
fn verdict(status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
    let headers = headers.iter().copied().collect();
    let head = Head { status, headers };
    classify(&head, challenge(&head, body.as_bytes()))
}

fn class(verdict: &Verdict) -> Option<ErrorClass> {
    match verdict {
        Verdict::Fail { class, .. } => Some(*class),
        _ => None,
    }
}

/// The class of every status that is a failure without any header; none for pages and throttles.
fn expected(status: u16) -> Option<ErrorClass> {
    Some(match status {
        200..=205 | 207..=299 | 429 => return None,
        100..=199 => C::Protocol,
        206 => C::Truncated,
        304 | 408 | 425 | 500 | 502 | 503 | 504 | 520..=529 => C::HttpServer,
        300..=399 => C::Redirect,
        401 | 403 | 407 | 451 | 511 | 999 => C::Blocked,
        404 | 410 => C::NotFound,
        400..=499 => C::HttpClient,
        _ => C::HttpUnsupported,
    })
}

#[test]
fn every_status_has_its_class() {
    for status in 100..=999 {
        let verdict = verdict(status, &[], "");
        assert_eq!(
            class(&verdict),
            expected(status),
            "status {status}: {verdict:?}"
        );
    }
    assert_eq!(verdict(200, &[], ""), Verdict::Page);
    assert_eq!(class(&verdict(0, &[], "")), Some(C::Protocol));
}

#[test]
fn only_what_may_pass_is_retried() {
    let retried: Vec<u16> = (100..=999)
        .filter(|status| !(520..=529).contains(status) && *status > 199 && *status != 206)
        .filter(|status| {
            let verdict = verdict(*status, &[], "");
            verdict == Verdict::Throttle { after: None }
                || class(&verdict).is_some_and(|class| {
                    class.consequence() == crate::model::class::Consequence::Transient
                })
        })
        .collect();
    assert_eq!(retried, [304, 408, 425, 429, 500, 502, 503, 504]);
}

#[test]
fn a_rate_limit_says_for_how_long() {
    let check = |status, headers: &[(&str, &str)], seconds: Option<u64>| {
        let after = seconds.map(Duration::from_secs);
        assert_eq!(
            verdict(status, headers, ""),
            Verdict::Throttle { after },
            "{status}"
        );
    };
    check(429, &[], None);
    check(429, &[("retry-after", "soon")], None);
    check(429, &[("retry-after", "0")], Some(0));
    check(429, &[("retry-after", "7"), ("retry-after", "9")], Some(9));
    check(503, &[("retry-after", "7")], Some(7));
    check(430, &[("retry-after", "7")], Some(7));
    let date = ("date", "Mon, 03 Jun 2019 11:00:00 GMT");
    check(
        503,
        &[("retry-after", "Mon, 03 Jun 2019 11:00:30 GMT"), date],
        Some(30),
    );
    let garbage = verdict(503, &[("retry-after", "soon")], "");
    assert_eq!(class(&garbage), Some(C::HttpServer));
}

#[test]
fn a_redirect_is_followed_only_by_a_status_that_redirects_and_a_location_that_leads_somewhere() {
    for status in [301, 302, 303, 307, 308] {
        for location in [
            "/next",
            "http://b.test/x",
            "//b.test/x",
            "?page=2",
            "x y",
            "/ü",
            " /n ",
        ] {
            let verdict = verdict(status, &[("location", location)], "");
            assert_eq!(verdict, Verdict::Redirect(location.trim().to_owned()));
        }
        for location in [
            "",
            " ",
            "http://",
            "//",
            "/a\u{1}b",
            "ftp://b.test/",
            "javascript:x",
        ] {
            let verdict = verdict(status, &[("location", location)], "");
            assert_eq!(class(&verdict), Some(C::Redirect), "{location:?}");
        }
    }
    for status in [300, 305, 306, 399] {
        let verdict = verdict(status, &[("location", "/next")], "");
        assert_eq!(class(&verdict), Some(C::Redirect), "{status}");
    }
}

#[test]
fn a_range_that_is_the_whole_is_a_page() {
    let check = |range, page| {
        let verdict = verdict(206, &[("content-range", range)], "x");
        assert_eq!(verdict == Verdict::Page, page, "{range}");
    };
    check("bytes 0-99/100", true);
    check("bytes 0-98/100", false);
    check("bytes 1-99/100", false);
    check("bytes 0-18446744073709551615/0", false);
    check("rubbish", false);
}

#[test]
fn walls_are_told_whatever_their_status() {
    let walls = [
        "<html><head><title>Just a moment...</title></head></html>",
        "<script>window._cf_chl_opt={cvId:'3'}</script>",
        "<title>Attention Required! | Cloudflare</title>",
        "<iframe src=\"https://challenges.cloudflare.com/x\"></iframe>",
        "<body><iframe id=\"main-iframe\" src=\"/_Incapsula_Resource?CWUDNSAI=9\"></iframe></body>",
        "<title>Access to this page has been denied</title>",
        "<script>var dd={'cid':'x','host':'geo.captcha-delivery.com'}</script>",
    ];
    for wall in walls {
        for status in [200, 202, 403, 405, 503] {
            let verdict = verdict(status, &[("retry-after", "3")], wall);
            assert_eq!(class(&verdict), Some(C::Blocked), "{status} {wall}");
        }
    }
    let header = verdict(503, &[("cf-mitigated", "challenge")], "");
    assert_eq!(class(&header), Some(C::Blocked));
    let limited = verdict(429, &[("cf-mitigated", "challenge")], "");
    assert_eq!(limited, Verdict::Throttle { after: None });
}

#[test]
fn a_page_behind_or_about_a_wall_is_a_page() {
    let long = format!("<title>Just a moment...</title>{}", "x".repeat(70 << 10));
    let pages = [
        "<script src=\"/_Incapsula_Resource?SWJIYLWA=7\"></script><h1>Shoes</h1>",
        "<script src=\"/cdn-cgi/challenge-platform/scripts/jsd/main.js\"></script><h1>Shoes</h1>",
        "<h1>How Cloudflare says: just a moment...</h1> captcha DataDome",
        long.as_str(),
    ];
    for page in pages {
        assert_eq!(
            verdict(200, &[("server", "cloudflare")], page),
            Verdict::Page
        );
    }
}
