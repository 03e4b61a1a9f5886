use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::Map;

use crate::{
    extract::{bounds::Bounds, extract, output::PageInput},
    model::ids::StageId,
    site::compiled::Site,
};

const SITE: &str = r#"
[site]
name = "shop"
start = ["http://shop.test/"]
enter = "home"
[stages.home]
[stages.detail]
sitemaps = { matches = "/p/" }
[[stages.detail.records]]
kind = "product"
[stages.detail.records.fields]
title = "h1"
"#;

fn links(url: &str, body: &[u8]) -> Vec<String> {
    let site = Site::load(SITE, "shop.toml").expect("the site is right");
    let stage = site
        .stage_named("sitemap:detail")
        .expect("the loader makes it");
    let input = PageInput {
        url,
        final_url: url,
        content_type: None,
        body,
        carried: &Map::new(),
        depth: 0,
    };
    let extracted = extract(&site, stage, &input, &Bounds::default()).expect("it is readable");
    let name = |id: StageId| site.stage(id).name.clone();
    extracted
        .links
        .iter()
        .map(|link| format!("{} {}", name(link.stage), link.url))
        .collect()
}

#[test]
fn a_sitemap_lists_pages_that_match_and_are_in_scope() {
    let xml = br#"<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
      <url><loc> http://shop.test/p/1?a=1&amp;b=2 </loc><lastmod>2026-01-01</lastmod></url>
      <url><loc><![CDATA[http://shop.test/p/2]]></loc></url>
      <url><loc>http://shop.test/about</loc></url>
      <url><loc>http://other.test/p/3</loc></url>
      <url><loc>http://shop.test/p/2</loc></url></urlset>"#;
    let expected = [
        "detail http://shop.test/p/1?a=1&b=2",
        "detail http://shop.test/p/2",
    ];
    assert_eq!(links("http://shop.test/sitemap.xml", xml), expected);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(xml).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(links("http://shop.test/sitemap.xml.gz", &packed), expected);
}

#[test]
fn an_image_of_a_page_is_no_page_and_any_prefix_will_do() {
    let xml = br#"<sm:urlset xmlns:sm="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
      <sm:url><sm:loc>http://shop.test/p/1</sm:loc>
        <image:image><image:loc>http://shop.test/p/1.jpg</image:loc></image:image></sm:url>
      </sm:urlset>"#;
    let expected = ["detail http://shop.test/p/1"];
    assert_eq!(links("http://shop.test/sitemap.xml", xml), expected);
    let bare = br"<urlset><url><image:image><image:loc>http://shop.test/p/2.jpg</image:loc>
      </image:image><loc>http://shop.test/p/2</loc></url></urlset>";
    let expected = ["detail http://shop.test/p/2"];
    assert_eq!(links("http://shop.test/sitemap.xml", bare), expected);
}

#[test]
fn an_index_and_a_robots_txt_lead_to_sitemaps() {
    let index =
        b"<sitemapindex><sitemap><loc>http://shop.test/a.xml</loc></sitemap></sitemapindex>";
    let expected = ["sitemap:detail http://shop.test/a.xml"];
    assert_eq!(links("http://shop.test/sitemap.xml", index), expected);
    let robots = b"User-agent: *\nDisallow:\nSITEMAP: http://shop.test/a.xml\n";
    assert_eq!(links("http://shop.test/robots.txt", robots), expected);
}

#[test]
fn a_robots_txt_without_a_sitemap_leads_to_the_usual_place() {
    assert_eq!(
        links("http://shop.test/robots.txt", b""),
        ["sitemap:detail http://shop.test/sitemap.xml"]
    );
}

#[test]
fn broken_xml_is_a_parse_failure() {
    let site = Site::load(SITE, "shop.toml").expect("the site is right");
    let stage = site
        .stage_named("sitemap:detail")
        .expect("the loader makes it");
    let url = "http://shop.test/sitemap.xml";
    let input = PageInput {
        url,
        final_url: url,
        content_type: None,
        body: b"<urlset><url><loc",
        carried: &Map::new(),
        depth: 0,
    };
    assert!(extract(&site, stage, &input, &Bounds::default()).is_err());
}
