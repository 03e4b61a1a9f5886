use super::target;
use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        extract,
        output::PageInput,
        tests::build::{select, site},
    },
    model::ids::StageId,
    site::compiled::{Field, Stage},
};

#[test]
fn a_value_is_read_as_browsers_do() {
    for (value, expected) in [
        ("0;url=/a", Some("/a")),
        (" 5 ; URL = '/a b' x", Some("/a b")),
        ("3.9, /a ", Some("/a")),
        (".5 url=\"/a\"", Some("/a")),
        ("0; url", Some("url")),
        ("0;url=", None),
        ("6; url=/a", None),
        ("99999999999999999999; url=/a", None),
        ("0", None),
        ("", None),
        ("soon; url=/a", None),
        ("0x; url=/a", None),
        ("-1; url=/a", None),
    ] {
        assert_eq!(target(value), expected, "{value}");
    }
}

/// Where the page leads, which came from `/now` and was asked for as `/list/`.
fn leads(html: &str) -> Option<String> {
    let title = Field::new("title", select(&["h1"])).required();
    let site = site(vec![Stage::new("s").record(None, &[], vec![title])]);
    let nothing = Carried::default();
    let page = PageInput {
        url: "http://a.test/list/",
        final_url: "http://a.test/now",
        content_type: Some("text/html"),
        body: html.as_bytes(),
        carried: &nothing,
        depth: 0,
    };
    let found = extract(&site, StageId(0), &page, &Bounds::default());
    let found = found.expect("what leads on needs no record");
    assert_eq!(found.refresh.is_some(), found.records.is_empty());
    found.refresh
}

#[test]
fn a_page_that_leads_on_is_not_read_itself() {
    let to = |to: &str| Some(format!("http://a.test{to}"));
    let meta = "<meta http-equiv=Refresh content='0; url=../a?x=1#top'>";
    assert_eq!(leads(meta), to("/a?x=1"));
    assert_eq!(leads(&format!("<base href=/b/c/>{meta}")), to("/b/a?x=1"));
    assert_eq!(leads(&format!("<body><p>wait{meta}")), to("/a?x=1"));
    // Back to where it came from: that is a loop, or has a cookie now.
    let back = "<meta http-equiv=refresh content='0; url=/list/'>";
    assert_eq!(leads(back), to("/list/"));
}

#[test]
fn a_page_that_stays_is_a_page() {
    for meta in [
        "<meta http-equiv=refresh content='30; url=/a'>",
        "<meta http-equiv=refresh content=3>",
        "<meta http-equiv=refresh content='3; url=/now#again'>",
        "<meta http-equiv=refresh content='0; url=javascript:go()'>",
        "<meta name=refresh content='0; url=/a'>",
        "<noscript><meta http-equiv=refresh content='0; url=/a'></noscript>",
        "<body><noscript><p><meta http-equiv=refresh content='0; url=/a'></noscript>",
        "<template><meta http-equiv=refresh content='0; url=/a'></template>",
        // The first counts.
        "<meta http-equiv=refresh content=300><meta http-equiv=refresh content='0; url=/a'>",
    ] {
        assert_eq!(leads(&format!("{meta}<h1>Page</h1>")), None, "{meta}");
    }
}
