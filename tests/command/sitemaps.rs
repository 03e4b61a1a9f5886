//! What a site's sitemaps lead to, and what is said where they cannot be read.

use crawlfield_kit::{
    binary::Ended,
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, result};

const SITE: &str = r#"[site]
name  = "shop"
start = ["http://shop.test/"]
enter = "home"
[politeness]
max_rate = "1000/s"
[stages.home]
[stages.detail]
sitemaps = true
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
name = { select = "h1", required = true }
"#;

/// Path, content type and body.
type File = (&'static str, &'static str, &'static [u8]);

/// A site with this robots.txt and these files beside it, and pages below `/item/`.
fn crawl(robots: &'static str, files: &'static [File]) -> (Web, Workplace, Ended) {
    let web = Web::start(move |request| {
        let path = request.path();
        if path == "/robots.txt" {
            return Reply::bytes("text/plain", robots);
        }
        if path.starts_with("/item/") || path == "/" {
            return shop::item("thing", "1");
        }
        let file = files.iter().find(|(name, ..)| *name == path);
        file.map_or_else(
            || Reply::status(404),
            |(_, kind, body)| Reply::bytes(kind, *body),
        )
    });
    let place = Workplace::new();
    place.write("site.toml", SITE);
    let ended = place.crawl(&web, &["--quiet", "--set", "retry.attempts=2"]);
    (web, place, ended)
}

const GOOD: &[u8] = b"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<urlset>\n<url>\n\
    <loc>http://shop.test/item/1</loc>\n</url>\n\
    <url><loc>http://shop.test/item/2?a=1&b=2</loc></url>\n</urlset>\n";

#[test]
fn a_marked_robots_txt_leads_to_a_marked_sitemap_and_what_is_odd_is_said_at_the_end() {
    let robots = "\u{feff}Sitemap: http://shop.test/map.xml # all\rUser-agent: *\rDisallow: /x\r";
    let (web, place, ended) = crawl(robots, &[("/map.xml", "application/xml", GOOD)]);
    let ended = ended.with_code(0);
    let mut asked = web.seen();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(
        asked,
        ["/", "/item/1", "/item/2?a=1&b=2", "/map.xml", "/robots.txt"]
    );
    assert_eq!(place.export("item").len(), 2);
    let remarks = &result(&ended)["remarks"]["sitemap_odd"];
    assert_eq!(remarks["count"], 1, "{remarks}");
    let first = remarks["first"].as_str().unwrap_or_default();
    assert!(first.contains("bare &"), "{first}");
}

#[test]
fn a_named_sitemap_that_is_none_is_a_dead_letter_and_the_others_are_read() {
    let robots = "Sitemap: http://shop.test/gone.xml\nSitemap: http://shop.test/soft.txt\n\
                  Sitemap: http://shop.test/map.xml\n";
    let files: &[File] = &[
        ("/map.xml", "application/xml", GOOD),
        ("/soft.txt", "text/plain", b"Not found"),
    ];
    let (web, place, ended) = crawl(robots, files);
    let ended = ended.with_code(3);
    let dead = &result(&ended)["deadByClass"];
    assert_eq!(
        (&dead["not_found"], &dead["parse"]),
        (&1.into(), &1.into()),
        "{dead}"
    );
    assert_eq!(place.export("item").len(), 2);
    assert_eq!(web.asked("/Not%20found"), 0);
    let listed = place
        .run(&["dead", "list", "--store", "STORE"])
        .with_code(0);
    assert!(
        listed.stdout.contains("this is no sitemap") && listed.stdout.contains("soft.txt"),
        "{}",
        listed.stdout
    );
}

#[test]
fn a_sitemap_that_nobody_named_may_be_missing_and_that_is_said() {
    const NONE: &[File] = &[];
    const TEXT: &[File] = &[("/sitemap.xml", "text/plain", b"Not found")];
    const HTML: &[File] = &[("/sitemap.xml", "text/html", b"<html><h1>Oh!</h1></html>")];
    for files in [NONE, TEXT, HTML] {
        let (web, _place, ended) = crawl("User-agent: *\nDisallow:\n", files);
        let ended = ended.with_code(0);
        assert_eq!(web.asked("/sitemap.xml"), 1);
        assert_eq!(web.asked("/Not%20found"), 0);
        let first = &result(&ended)["remarks"]["sitemap_odd"]["first"];
        let first = first.as_str().unwrap_or_default();
        assert!(first.contains("robots.txt names no sitemap"), "{first}");
    }
}
