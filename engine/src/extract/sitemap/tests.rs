use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value as Json, json};

use super::sitemap_may_be_missing;
use crate::{
    extract::{
        bounds::Bounds,
        extract,
        output::{ExtractError, PageInput},
    },
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

fn read(url: &str, content_type: Option<&str>, body: &[u8], carried: &Json) -> Outcome {
    let site = Site::load(SITE, "shop.toml").expect("the site is right");
    let stage = site
        .stage_named("sitemap:detail")
        .expect("the loader makes it");
    let input = PageInput {
        url,
        final_url: url,
        content_type,
        body,
        carried: &carried.as_object().expect("an object").clone().into(),
        depth: 0,
    };
    let extracted = extract(&site, stage, &input, &Bounds::default())?;
    let name = |id: StageId| site.stage(id).name.clone();
    let links = extracted.links.iter();
    let links = links.map(|link| format!("{} {}", name(link.stage), link.url));
    Ok((links.collect(), extracted.warnings))
}

/// The links, then the warnings.
type Outcome = Result<(Vec<String>, Vec<String>), ExtractError>;

const PLACE: &str = "http://shop.test/sitemap.xml";

/// The links of a sitemap that is whole.
fn links(url: &str, body: &[u8]) -> Vec<String> {
    let (links, warnings) = read(url, None, body, &json!({})).expect("it is readable");
    assert_eq!(warnings, Vec::<String>::new());
    links
}

/// The links of a sitemap that is not, and the only thing that is said of it.
fn odd(body: &[u8]) -> (Vec<String>, String) {
    let (links, mut warnings) = read(PLACE, None, body, &json!({})).expect("it is readable");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    (links, warnings.remove(0))
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
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
    let packed = packed(xml);
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
    let robots = b"\xEF\xBB\xBFSITEMAP: http://shop.test/a.xml # all\rUser-agent: *\rDisallow:\r";
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
fn a_byte_order_mark_utf16_and_a_declared_character_set_are_read() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset>\n<url>\n\
               <loc>http://shop.test/p/1</loc>\n</url>\n</urlset>\n";
    let expected = ["detail http://shop.test/p/1"];
    let marked = |text: &str| [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(links(PLACE, &marked(xml)), expected);
    assert_eq!(links(PLACE, &marked(&format!("\r\n{xml}"))), expected);
    assert_eq!(
        links(PLACE, &utf16(&xml.replace("UTF-8", "UTF-16"))),
        expected
    );
    assert_eq!(links(PLACE, &utf16(xml)[2..]), expected);
    assert_eq!(links(PLACE, &packed(&marked(xml))), expected);
    let lines = "http://shop.test/p/1\r\nhttp://shop.test/p/2\rhttp://shop.test/about\n";
    let both = ["detail http://shop.test/p/1", "detail http://shop.test/p/2"];
    assert_eq!(links(PLACE, lines.as_bytes()), both);
    assert_eq!(links(PLACE, &marked(lines)), both);
    assert_eq!(links(PLACE, &utf16(lines)), both);
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><urlset><url>\
                  <loc>http://shop.test/p/caf\xE9</loc></url></urlset>";
    assert_eq!(links(PLACE, latin), ["detail http://shop.test/p/caf%C3%A9"]);
}

#[test]
fn feeds_are_sitemaps() {
    let rss = b"<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel>
      <link>http://shop.test/p/home</link><atom:link rel='self' href='http://shop.test/p/feed'/>
      <image><url>http://shop.test/p/logo.png</url><link>http://shop.test/p/home</link></image>
      <item><atom:link href='http://shop.test/p/not'/><image><url>http://shop.test/p/x</url></image>
        <link>http://shop.test/p/1</link><guid>http://shop.test/p/g</guid></item>
      <item><link><![CDATA[http://shop.test/p/2?a=1&b=2]]></link></item></channel></rss>";
    let expected = [
        "detail http://shop.test/p/1",
        "detail http://shop.test/p/2?a=1&b=2",
    ];
    assert_eq!(links(PLACE, rss), expected);
    let rdf = b"<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'>
      <link>http://shop.test/p/home</link></channel>
      <item rdf:about='http://shop.test/p/1'><link>http://shop.test/p/1</link></item></rdf:RDF>";
    assert_eq!(links(PLACE, rdf), expected[..1]);
    let atom = b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'>
      <link href='http://shop.test/p/home'/><id>x</id>
      <entry><link rel='self' href='http://shop.test/p/self'/>
        <link rel='alternate' href='http://shop.test/p/1'/>
        <source><link href='http://shop.test/p/source'/></source></entry>
      <entry><link href='http://shop.test/p/2?a=1&amp;b=2'></link></entry></feed>";
    assert_eq!(links(PLACE, atom), expected);
}

#[test]
fn a_bare_ampersand_is_read_as_it_stands_and_said() {
    let (links, said) = odd(b"<urlset><url><loc>http://shop.test/p/1?a=1&b=2</loc></url>
      <url><loc>http://shop.test/p/2</loc></url>
      <url><loc>http://shop.test/p/3?&</loc></url></urlset>");
    assert_eq!(
        links,
        [
            "detail http://shop.test/p/1?a=1&b=2",
            "detail http://shop.test/p/2",
            "detail http://shop.test/p/3?&"
        ]
    );
    assert!(
        said.starts_with("2 times") && said.ends_with("page http://shop.test/sitemap.xml"),
        "{said}"
    );
}

#[test]
fn damage_costs_what_is_damaged_and_is_said() {
    let (links, said) = odd(b"<urlset><url><loc>http://shop.test/p/1</loc></url>
      <url a=\"><loc>http://shop.test/p/2</loc></url>
      <url><loc>http://shop.test/p/3</loc></url></urlset>");
    assert_eq!(
        links,
        ["detail http://shop.test/p/1", "detail http://shop.test/p/3"]
    );
    assert!(said.contains("damaged at byte 57"), "{said}");
    let (links, said) =
        odd(b"<urlset><url><loc>http://shop.test/p/1</loc></url><url><loc>http://sho");
    assert_eq!(links, ["detail http://shop.test/p/1"]);
    assert!(said.contains("ends in the middle"), "{said}");
    let many: Vec<String> = (2..2_000_u64)
        .map(|n| format!("<url><loc>http://shop.test/p/{}</loc></url>", n * n * n))
        .collect();
    let xml = format!("<urlset>{}</urlset>", many.concat());
    let packed = packed(xml.as_bytes());
    let (links, warnings) = read(PLACE, None, &packed[..packed.len() / 2], &json!({})).unwrap();
    assert!(links.len() > 100 && links.len() < 1_900, "{}", links.len());
    assert!(
        warnings.iter().any(|said| said.contains("gzip")),
        "{warnings:?}"
    );
    let (links, said) = odd(b"http://shop.test/p/1\nNot a URL\n/p/2\nmailto:ann@shop.test\n");
    assert_eq!(links, ["detail http://shop.test/p/1"]);
    assert!(said.starts_with("3 lines"), "{said}");
}

#[test]
fn a_sitemap_that_may_not_be_read_is_said() {
    let robots = b"Sitemap: http://cdn.test/map.xml\nSitemap: http://shop.test/a.xml\n";
    let url = "http://shop.test/robots.txt";
    let (links, warnings) = read(url, None, robots, &json!({})).unwrap();
    assert_eq!(links, ["sitemap:detail http://shop.test/a.xml"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("1 sitemaps named here lie out of scope"));
    let (links, said) = odd(b"<urlset><url><loc>http://shop.test/p/1</loc></url>
      <url><loc>ftp://shop.test/p/2</loc></url></urlset>");
    assert_eq!(links, ["detail http://shop.test/p/1"]);
    assert!(said.starts_with("1 entries"), "{said}");
}

#[test]
fn many_faults_cost_no_more_than_some() {
    let body = "<url a='".repeat(500_000);
    let began = std::time::Instant::now();
    assert!(read(PLACE, None, body.as_bytes(), &json!({})).is_err());
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

#[test]
fn what_is_no_sitemap_is_a_failure_where_somebody_named_it() {
    let cases: [(&[u8], &str); 7] = [
        (b"Not found", "neither XML nor a list"),
        (b"/p/1\n/p/2", "neither XML nor a list"),
        (b"", "no text"),
        (b" \xEF\xBB\xBF", "no text"),
        (
            b"<!doctype html><html><body><url>x</url></body></html>",
            "document of \"html\"",
        ),
        (b"<urlset><url><loc", "no XML at byte"),
        (b"\x1f\x8b\x08\x00garbage", "gzip"),
    ];
    for (body, why) in cases {
        for url in [PLACE, "http://shop.test/list.txt"] {
            let error = read(url, Some("text/plain"), body, &json!({})).unwrap_err();
            assert!(error.message.contains(why), "{error:?}");
            assert!(error.message.contains(url), "{error:?}");
        }
        // Nobody promised that there is one.
        let (links, warnings) = read(
            PLACE,
            None,
            body,
            &json!({ "_paging": { "is_guess": true } }),
        )
        .unwrap();
        assert_eq!((links.len(), warnings.len()), (0, 1), "{warnings:?}");
        assert!(warnings[0].contains("at the usual place"), "{warnings:?}");
    }
    assert_eq!(
        links(PLACE, b"<urlset></urlset>").len(),
        0,
        "an empty one is one"
    );
    assert_eq!(links(PLACE, b"<sm:sitemapindex/>").len(), 0);
}

#[test]
fn only_a_robots_txt_and_the_place_it_leads_to_unnamed_may_be_missing() {
    assert!(sitemap_may_be_missing("http://shop.test/robots.txt", "{}"));
    assert!(!sitemap_may_be_missing(PLACE, "{\"page\":1}"));
    assert!(!sitemap_may_be_missing(PLACE, ""));
    assert!(sitemap_may_be_missing(
        PLACE,
        "{\"page\":1,\"_usual\":true}"
    ));
}
