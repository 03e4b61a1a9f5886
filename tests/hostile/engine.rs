//! Whole crawls of a shop in which something is wrong: each wrong page gets its class or its
//! treatment, the crawl goes on, all good pages are saved, and the exit code is right.

mod addresses;
mod lists;
mod politeness;

use std::{
    fs,
    io::{self, Write},
    time::Duration,
};

use crawlfield_kit::{
    binary::{Ended, Program},
    shop,
    sites::{Reply, Request, Web},
};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value as Json;
use tempfile::TempDir;

const GOOD: usize = 8;
/// Short enough for tests; retries are few and quick in the shop's site file.
const IMPATIENT: [&str; 8] = [
    "--set",
    "fetch.first_byte_timeout=500ms",
    "--set",
    "fetch.timeout=4s",
    "--set",
    "fetch.max_body=2MB",
    "--set",
    "stage_attempts=1",
];

fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_crawlfield"))
}

/// A crawl that is over.
struct Crawled {
    folder: TempDir,
    ended: Ended,
}

impl Crawled {
    fn store(&self) -> String {
        self.folder
            .path()
            .join("crawl.db")
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn result(&self) -> Json {
        serde_json::from_str(&self.ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.ended.stdout, self.ended.stderr))
    }

    /// Names of the items that were saved.
    fn items(&self) -> Vec<String> {
        let args = ["export", "--store", &self.store(), "--record", "item"];
        let ended = program().run(args);
        let mut names: Vec<String> = ended
            .stdout
            .lines()
            .map(|line| {
                serde_json::from_str::<Json>(line).unwrap()["name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Classes of the dead letters, by the path of the page.
    fn classes(&self) -> Vec<(String, String)> {
        let ended = program().run(["dead", "list", "--store", &self.store(), "--json"]);
        ended
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).unwrap())
            .map(|row| {
                let url = row["url"].as_str().unwrap();
                let path = url.split_once("shop.test").map_or(url, |(_, path)| path);
                (path.to_owned(), row["class"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}

/// Crawls with these lines in the site's politeness and these flags.
fn crawl(web: &Web, politeness: &str, flags: &[&str]) -> Crawled {
    crawl_site(web, &shop::site(politeness), flags)
}

fn crawl_site(web: &Web, site: &str, flags: &[&str]) -> Crawled {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (
        folder.path().join("site.toml"),
        folder.path().join("crawl.db"),
    );
    fs::write(&file, site).unwrap();
    let connect = web.connect_to(shop::HOST);
    let args = [
        &[
            "run",
            file.to_str().unwrap(),
            "--store",
            store.to_str().unwrap(),
        ][..],
        &["--json", "--connect-to", &connect],
        &IMPATIENT,
        flags,
    ]
    .concat();
    let ended = program().run(args);
    Crawled { folder, ended }
}

/// A shop of good items and, on its second list page, a link to /bad, which answers like this.
fn shop_with(bad: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
    Web::start(move |request| match request.path() {
        "/robots.txt" => Reply::status(404),
        "/list/2" => {
            let links = ["/bad", "/item/5", "/item/6", "/item/7"].map(str::to_owned);
            shop::list(&links, None)
        }
        path if path.starts_with("/bad") => bad(request),
        _ => {
            shop::page(u32::try_from(GOOD).unwrap(), request).unwrap_or_else(|| Reply::status(404))
        }
    })
}

/// The bad page becomes a dead letter of this class; everything else is saved.
#[track_caller]
fn check(class: &str, bad: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
    let web = shop_with(bad);
    let crawled = crawl(&web, "", &[]);
    let found = (crawled.classes(), crawled.items().len(), crawled.ended.code);
    let wanted = (vec![("/bad".to_owned(), class.to_owned())], GOOD, Some(3));
    assert_eq!(
        found, wanted,
        "{}\n{}",
        crawled.ended.stdout, crawled.ended.stderr
    );
    assert_eq!(crawled.result()["outcome"], "completed");
    assert_eq!(crawled.result()["deadByClass"][class], 1);
}

fn chunked(peer: &mut impl Write, times: usize, chunk: &[u8]) -> io::Result<()> {
    peer.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    for _ in 0..times {
        write!(peer, "{:x}\r\n", chunk.len())?;
        peer.write_all(chunk)?;
        peer.write_all(b"\r\n")?;
    }
    peer.write_all(b"0\r\n\r\n")
}

#[test]
fn an_empty_page_is_a_failure_of_its_class() {
    check("parse", |_| Reply::html(""));
}

#[test]
fn a_binary_page_is_a_failure_of_its_class() {
    check("wrong_type", |_| {
        let bytes: Vec<u8> = (0..=255_u8).cycle().take(20_000).collect();
        Reply::bytes("application/octet-stream", bytes)
    });
}

#[test]
fn a_gigabyte_declared_is_too_large_at_once() {
    check("too_large", |_| {
        Reply::wild(|peer| {
            peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1073741824\r\n\r\n<p>")
        })
    });
}

#[test]
fn an_endless_page_is_cut_off_when_too_large() {
    check("too_large", |_| {
        Reply::wild(|peer| chunked(peer, usize::MAX, &[b'x'; 16_384]))
    });
}

#[test]
fn a_gzip_bomb_is_cut_off() {
    check("too_large", |_| {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..64 {
            bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        Reply::bytes("text/html", bomb.finish().unwrap()).with("Content-Encoding", "gzip")
    });
}

#[test]
fn a_redirect_loop_ends() {
    check("redirect", |request| match request.path() {
        "/bad" => Reply::redirect(302, "/bad2"),
        _ => Reply::redirect(302, "/bad"),
    });
}

#[test]
fn endless_redirects_end() {
    check("redirect", |request| {
        let n: u64 = request
            .path()
            .trim_start_matches("/bad")
            .parse()
            .unwrap_or(0);
        Reply::redirect(301, &format!("/bad{}", n + 1))
    });
}

#[test]
fn a_server_that_never_answers_is_a_time_out() {
    check("timeout_first_byte", |_| Reply::silence());
}

#[test]
fn a_page_that_drips_for_ever_is_a_time_out() {
    check("timeout_whole", |_| {
        Reply::wild(|peer| {
            peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")?;
            loop {
                peer.write_all(b"x")?;
                std::thread::sleep(Duration::from_millis(100));
            }
        })
    });
}

#[test]
fn pages_that_are_gone_or_always_fail_become_dead_letters() {
    check("not_found", |_| Reply::status(404));
    check("http_server", |_| Reply::status(500));
    check("truncated", |_| {
        Reply::wild(|peer| {
            peer.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900\r\n\r\n<h1>",
            )
        })
    });
}

#[test]
fn a_soft_404_is_an_invalid_record() {
    check("invalid_record", |_| {
        Reply::html("<html><h1>Sorry, not found</h1></html>")
    });
}

#[test]
fn a_challenge_that_poses_as_a_page_is_blocked() {
    check("blocked", |_| {
        Reply::html("<html><title>Just a moment...</title><h1>Checking your browser</h1></html>")
    });
}

#[test]
fn a_redirect_to_a_private_address_is_refused() {
    check("redirect", |_| Reply::redirect(302, "gopher://127.0.0.1/"));
}

/// The bad page is good after all: it is saved as an item of this name.
#[track_caller]
fn check_good(name: &str, bad: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
    let web = shop_with(bad);
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.ended.code, Some(0), "{}", crawled.ended.stderr);
    let items = crawled.items();
    assert!(
        items.contains(&name.to_owned()) && items.len() == GOOD + 1,
        "{items:?}"
    );
}

#[test]
fn a_wrong_character_set_is_read_as_it_is_declared_first() {
    check_good("Käse", |_| {
        let page = b"<html><head><meta charset=utf-8></head><h1>K\xe4se</h1><p class=price>1</p>";
        Reply::bytes("text/html; charset=iso-8859-1", page.as_slice())
    });
    check_good("Käse", |_| {
        let page = "<h1>Käse</h1><p class=price>1</p>".as_bytes();
        Reply::bytes("text/html; charset=no-such-set", page)
    });
}

#[test]
fn a_page_nested_100_000_deep_does_not_stop_the_crawl() {
    let web = shop_with(|_| {
        let nest = "<div>".repeat(100_000);
        Reply::html(format!(
            "<html><h1>Deep</h1><p class=price>1</p>{nest}</html>"
        ))
    });
    let crawled = crawl(&web, "", &[]);
    let items = crawled.items();
    assert!(items.len() >= GOOD, "{items:?}");
    let classes = crawled.classes();
    assert!(items.len() == GOOD + 1 || classes.len() == 1, "{classes:?}");
    assert!(
        matches!(crawled.ended.code, Some(0 | 3)),
        "{}",
        crawled.ended.stderr
    );
}

#[test]
fn links_that_lead_nowhere_are_left_out_and_duplicates_fetched_once() {
    let web = Web::start(|request| match request.path() {
        "/list/1" => {
            let links = [
                "javascript:alert(1)",
                "mailto:a@b",
                "http://else.test/item/1",
                "//else.test/x",
                "http://[broken",
                "data:text/html,x",
                "#top",
                "/item/1",
                "/item/1#reviews",
                "http://shop.test:80/item/1",
                "/item/2",
                " /item/2 ",
                "ftp://shop.test/item/3",
            ];
            shop::list(&links.map(str::to_owned), Some("/list/1"))
        }
        _ => shop::page(9, request).unwrap_or_else(|| Reply::status(404)),
    });
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.items(), ["Item 1", "Item 2"]);
    assert_eq!(
        (
            web.asked("/item/1"),
            web.asked("/item/2"),
            web.asked("/list/1")
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_spider_trap_ends() {
    let web = Web::start(|request| match request.path() {
        path if path.starts_with("/list") => {
            let deeper = format!("{}/more", path.trim_end_matches('/'));
            shop::list(&["/item/1".to_owned()], Some(&deeper))
        }
        _ => shop::page(3, request).unwrap_or_else(|| Reply::status(404)),
    });
    let crawled = crawl(&web, "", &[]);
    assert!(
        matches!(crawled.ended.code, Some(0 | 3)),
        "{}",
        crawled.ended.stderr
    );
    assert_eq!(crawled.items(), ["Item 1"]);
    assert!(web.requests() < 80, "{}", web.requests());
}
